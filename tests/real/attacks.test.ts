// The same attacks in every environment: none gains a pass, a look at the tests or a process that lives on. docs/integrity.md lists them.
import { describe, expect, it } from 'vitest'
import type { EnvironmentAdapter, EnvironmentSpec } from '../../runner/environments/_adapter.ts'
import { probeSandbox } from '../../runner/environments/_local-sandbox.ts'
import docker from '../../runner/environments/docker.ts'
import local from '../../runner/environments/local.ts'
import { dockerMissing } from '../docker.ts'
import { never, plainSpec } from '../runner/_sandbox.ts'
import { type Attack, attacks, containerPlace } from './attack-list.ts'
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

const noSandbox = await probeSandbox()
if (noSandbox !== null) process.stderr.write(`attacks on the sandbox of local are skipped: ${noSandbox}\n`)

/** Of one attack, on a machine that does much else. */
const timeoutMs = 180_000

function play(adapter: EnvironmentAdapter, list: readonly Attack[], change: Partial<EnvironmentSpec>): void {
  const named = (some: readonly Attack[]) => some.map(attack => [attack.name, attack] as const)
  it.concurrent.each(named(list))('%s', (_, attack) => expectHeld(adapter, attack, 'results', change), timeoutMs)
  it.concurrent.each(named(list.filter(attack => attack.reward)))(
    '%s, for a reward',
    (_, attack) => expectHeld(adapter, attack, 'reward', change),
    timeoutMs,
  )
}

it('attacks without a sandbox change nothing of this machine', () => {
  const changing = /\b(rm|mkfifo|mkdir|touch|chmod)\b[^\n|;&]*\s"?\/(?!etc\b|dev\/null)|> *"?\/(?!dev\/null)/
  for (const { name, script, plain } of attacks) if (plain === undefined) expect(changing.test(script), name).toBe(false)
})

describe.skipIf(noSandbox !== null)('attacks in local with its sandbox', () => {
  play(local, attacks, {})
})

describe('attacks in local without a sandbox', () => {
  play(
    local,
    attacks.filter(attack => attack.plain === undefined),
    { isolation: 'none' },
  )
})

describe.skipIf(dockerMissing !== null)('attacks in docker', () => {
  play(docker, attacks, { place: containerPlace })
})
