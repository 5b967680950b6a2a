// `turnpike harbor run` as scripts call it: the flags they use, and what is refused because it could not be kept.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { nameJob } from '../../cli/harbor-flags.ts'
import { stepped, writeFiles } from '../runner/tasks/_harbor-files.ts'
import { openPlace } from './_cli.ts'

it('names jobs by local time, the year first', () => {
  expect(nameJob(new Date(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02__03-04-05')
})

it('refuses what it cannot keep', { timeout: 60_000 }, async () => {
  const place = openPlace()
  writeFiles(join(place.directory, 'task'), stepped(['round-1', 'round-2']))
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await place.ask(['harbor', 'run', ...args])
    expect(code).toBe(2)
    return stderr
  }
  expect(await refused()).toContain('no task given')
  expect(await refused('-p', 'task', '--start-step', '2')).toContain('--start-step leaves out earlier steps')
  expect(await refused('-p', 'task', '--fast-forward-mode', 'magic')).toContain('must be oracle-solution')
  expect(await refused('-p', 'task', '--end-step', 'round-9')).toContain('no step is named round-9')
  expect(await refused('-p', 'task', '--end-step', 'round-9')).toContain('round-1, round-2')
  expect(await refused('-p', 'task', '-k', '0')).toContain('--n-attempts must be a whole number')
  expect(await refused('-p', 'task', '--agent-kwarg', 'reasoning_effort=high')).toContain(
    'takes no settings such as reasoning_effort',
  )
  const terminus = ['-p', 'task', '-a', 'terminus-2', '-m', 'x']
  expect(await refused(...terminus, '--agent-kwarg', 'reasoning_effort=huge')).toContain('needs one of none, minimal')
  expect(await refused(...terminus, '--agent-kwarg', 'reasoning_effort=huge')).toContain('terminus-2 is played by terminus')
  expect(await refused(...terminus, '--agent-kwarg', 'max_turns=0')).toContain(
    'from 1 to 1000000 for the setting max_turns, not 0',
  )
  expect(await refused(...terminus, '--agent-kwarg', 'max_turns')).toContain('must be key=value')
  expect(await refused('-p', 'task', '-e', 'daytona')).toContain('daytona')
  expect(await refused('-p', 'task', '-a', 'nobody')).toContain('unknown agent "nobody"')
  expect(await refused('-p', 'task', '--env', 'local')).toContain('needs an image, which the environment local does not have')
  expect((await place.ask(['harbor', 'view'])).stderr).toContain('turnpike harbor knows run')
  expect(existsSync(join(place.directory, 'jobs'))).toBe(false)
  await place.close()
})
