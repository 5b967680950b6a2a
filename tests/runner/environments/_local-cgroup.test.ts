import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { limitProcesses, removeLimit } from '../../../runner/environments/_local-cgroup.ts'
import { runGroup } from '../../../runner/processes.ts'
import { never } from '../_sandbox.ts'

const run = (argv: readonly string[]) =>
  runGroup({ argv, cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeoutMs: 20_000, signal: never, outputCharsMax: 10_000 })
const many = ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.3 & done; wait; echo done $1', 'sh', 'a b']

it('is no bound without a number, and changes no command', async () => {
  const limit = await limitProcesses(`free${process.pid}`, null)
  expect(limit.isKept).toBe(false)
  expect(limit.wrap(many)).toEqual(many)
  await limit.close()
})

it('lets a trial have so many processes and no more, and leaves no group behind', async context => {
  const trialId = `bound${process.pid}`
  const limit = await limitProcesses(trialId, 6)
  if (!limit.isKept) {
    process.stderr.write('a bound on processes is skipped: no control group can be made here\n')
    return context.skip()
  }
  const group = dirname(limit.wrap([]).at(-1) ?? '')
  expect(existsSync(group)).toBe(true)
  const bounded = await run(limit.wrap(many))
  expect(bounded.stderr).toMatch(/fork/i)
  expect(await run(many)).toMatchObject({ exit: 0, stdout: 'done a b\n' })
  // In a group of its own: the dead that nobody has taken in yet count as well.
  const other = await limitProcesses(`${trialId}b`, 6)
  const few = await run(other.wrap(['sh', '-c', 'sleep 0.1 & wait; echo done "$1"', 'sh', 'a  b']))
  expect(few).toMatchObject({ exit: 0, stdout: 'done a  b\n', stderr: '' })
  await other.close()
  await limit.close()
  expect(existsSync(group)).toBe(false)
  // Also where the group is gone the command starts.
  expect((await run(limit.wrap(['echo', 'ran']))).stdout).toBe('ran\n')
  await limitProcesses(trialId, 6)
  await removeLimit(trialId)
  expect(existsSync(group)).toBe(false)
})
