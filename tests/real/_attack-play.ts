// A list of attacks as tests over one environment, each with a verifier that reports and, where it is marked, with one that leaves a reward.
import { expect, it } from 'vitest'
import type { EnvironmentAdapter, EnvironmentSpec } from '../../runner/environments/_adapter.ts'
import { never, plainSpec } from '../runner/_sandbox.ts'
import type { Attack } from './attack-list.ts'
import { playAttack, type Telling } from './attack-trial.ts'

let trials = 0

/** Each attack has a place of its own; several are played at once, because most of the time is waiting. */
async function expectHeld(adapter: EnvironmentAdapter, attack: Attack, telling: Telling, change: Partial<EnvironmentSpec>) {
  const environment = await adapter.open({ ...plainSpec(`attack${process.pid}x${++trials}`), ...change }, never)
  try {
    const { verification, loot, alive, exported } = await playAttack(environment, attack, telling)
    expect(verification?.passed).toBe(false)
    if (attack.work === undefined) expect(verification?.tests.map(test => test.name)).not.toContain('forged')
    expect(loot).toBe('')
    expect(alive).toEqual([])
    expect(exported).not.toContain('passwd')
  } finally {
    await environment.close()
  }
}

/** Of one attack, on a machine that does much else. */
const timeoutMs = 180_000

export function playAll(adapter: EnvironmentAdapter, list: readonly Attack[], change: Partial<EnvironmentSpec>): void {
  const named = (some: readonly Attack[]) => some.map(attack => [attack.name, attack] as const)
  it.concurrent.each(named(list))('%s', (_, attack) => expectHeld(adapter, attack, 'results', change), timeoutMs)
  it.concurrent.each(named(list.filter(attack => attack.reward)))(
    '%s, for a reward',
    (_, attack) => expectHeld(adapter, attack, 'reward', change),
    timeoutMs,
  )
}
