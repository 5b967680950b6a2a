// The same attacks in every environment: none gains a pass, a look at the tests or a process that lives on. docs/integrity.md lists them.
import { describe, expect, it } from 'vitest'
import type { EnvironmentAdapter, EnvironmentSpec } from '../../runner/environments/_adapter.ts'
import { probeSandbox } from '../../runner/environments/_local-sandbox.ts'
import docker from '../../runner/environments/docker.ts'
import local from '../../runner/environments/local.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { atEnd, never, plainSpec } from '../runner/_sandbox.ts'
import { type Attack, attacks } from './attack-list.ts'
import { playAttack } from './attack-trial.ts'

let trials = 0

async function expectHeld(adapter: EnvironmentAdapter, attack: Attack, change: Partial<EnvironmentSpec>): Promise<void> {
  const environment = await adapter.open({ ...plainSpec(`attack${process.pid}x${++trials}`), ...change }, never)
  atEnd(() => environment.close())
  const { verification, loot, alive } = await playAttack(environment, attack)
  expect(verification?.passed).toBe(false)
  if (attack.work === undefined) expect(verification?.tests.map(test => test.name)).not.toContain('forged')
  expect(loot).toBe('')
  expect(alive).toEqual([])
}

const place: EnvironmentSpec['place'] = {
  image: { kind: 'name', name: testImage },
  cpus: null,
  memoryMb: null,
  storageMb: null,
  network: { mode: 'proxy', hosts: [] },
  env: {},
  workdir: null,
  healthcheck: null,
  buildTimeoutMs: 60_000,
}

const noSandbox = await probeSandbox()
if (noSandbox !== null) process.stderr.write(`attacks on the sandbox of local are skipped: ${noSandbox}\n`)
const named = (list: readonly Attack[]) => list.map(attack => [attack.name, attack] as const)

describe.skipIf(noSandbox !== null)('attacks in local with its sandbox', () => {
  it.each(named(attacks))('%s', (_, attack) => expectHeld(local, attack, {}))
})

describe('attacks in local without a sandbox', () => {
  it.each(named(attacks.filter(attack => attack.plain === undefined)))('%s', (_, attack) =>
    expectHeld(local, attack, { isolation: 'none' }),
  )
})

describe.skipIf(dockerMissing !== null)('attacks in docker', () => {
  it.each(named(attacks))('%s', (_, attack) => expectHeld(docker, attack, { place }))
})
