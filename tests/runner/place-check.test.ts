import { expect, it } from 'vitest'
import aider from '../../runner/agents/aider.ts'
import command from '../../runner/agents/command.ts'
import docker from '../../runner/environments/docker.ts'
import local from '../../runner/environments/local.ts'
import { checkPrograms, checkReady } from '../../runner/place-check.ts'
import { makeDirectory } from './_sandbox.ts'
import { openBench, script } from './_tasks.ts'

const started = (first: string) => ({
  agent: command,
  spec: { ...script(''), command: { ...script('').command, first: [first] } },
})

it('refuses a program that is not on the path, and says how to get it', () => {
  const path = makeDirectory()
  type Given = Parameters<typeof checkPrograms>[0]
  const check = (cell: Given['cells'][number], environment: Given['environment'] = local) =>
    checkPrograms({ cells: [cell], environment, path: `:${path}:/usr/bin:/bin` })
  const missing = { agent: aider, spec: { id: 'aider', model: 'm' } }
  expect(() => check(missing)).toThrow(/agent aider: there is no program aider on the path/)
  expect(() => check(missing)).toThrow(expect.objectContaining({ hint: 'install it: pip install aider-chat' }))
  expect(() => check(started('no-such-program'))).toThrow(/there is no program no-such-program/)
  // What cannot be known beforehand is not refused.
  for (const first of ['sh', '/no/such', './agent', '{home}/agent']) expect(() => check(started(first))).not.toThrow()
  expect(() => check(missing, docker)).not.toThrow()
})

it('a run begins nothing where a program or the environment is missing', async () => {
  const { run, store, events } = await openBench()
  const spec = started('no-such-program').spec
  await expect(run({ agents: [spec] })).rejects.toMatchObject({ code: 'E_USAGE' })
  expect([await store.list('runs'), events]).toEqual([[], []])
  const down = { ...docker, probe: async () => ({ what: 'no daemon', hint: 'start it' }) }
  await expect(checkReady(down)).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED', message: 'no daemon', hint: 'start it' })
  await expect(checkReady(local)).resolves.toBeUndefined()
})
