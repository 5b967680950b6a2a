import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type GroupOptions, runGroup } from '../../runner/processes.ts'
import { atEnd, isAlive, makeDirectory, never, waitFor } from './_sandbox.ts'

const run = (argv: readonly string[], change: Partial<GroupOptions> = {}) =>
  runGroup({
    argv,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 20_000,
    signal: never,
    outputCharsMax: 10_000,
    ...change,
  })

describe('one command in its own process group', () => {
  it('gives back exit status, output and input as they are', async () => {
    expect(await run(['sh', '-c', 'cat; echo err >&2; exit 7'], { stdin: 'in' })).toMatchObject({
      ended: 'exited',
      exit: 7,
      stdout: 'in',
      stderr: 'err\n',
    })
    expect(await run(['sh', '-c', 'kill -9 $$'])).toMatchObject({ ended: 'exited', exit: null })
  })

  it('passes arguments without a shell', async () => {
    expect((await run(['printf', '%s', '$(id); "\'*\n'])).stdout).toBe('$(id); "\'*\n')
  })

  it('inherits nothing', async () => {
    process.env['SECRET_OF_THE_HOST'] = 'must-not-be-seen'
    atEnd(() => delete process.env['SECRET_OF_THE_HOST'])
    expect((await run(['env'])).stdout.trim().split('\n')).toEqual(['PATH=/usr/bin:/bin'])
  })

  it('does not make bash read the start-up file of a person', async () => {
    const home = makeDirectory()
    writeFileSync(join(home, '.bashrc'), 'echo read; export LEAKED=1\n')
    expect((await run(['bash', '-c', 'echo $LEAKED-'], { env: { PATH: '/usr/bin:/bin', HOME: home } })).stdout).toBe('-\n')
  })

  it('calls a program that does not exist a result', async () => {
    expect(await run(['no-such-program'])).toMatchObject({
      ended: 'failed-to-start',
      exit: null,
      startFailure: expect.stringContaining('ENOENT'),
    })
    expect(await run(['bad\0name'])).toMatchObject({ ended: 'failed-to-start' })
  })

  it('does not mind a command that never reads its input', async () => {
    expect(await run(['true'], { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exit: 0 })
  })

  it('takes a time limit that is longer than any timer', async () => {
    expect(await run(['sleep', '0.2'], { timeoutMs: 1e12 })).toMatchObject({ ended: 'exited', exit: 0 })
  })

  it('kills the whole group on a timeout, also what ignores SIGTERM', async () => {
    const directory = makeDirectory()
    const script = `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$ > ${join(directory, 'child')}; while :; do sleep 0.1; done" & while :; do sleep 0.1; done`
    const result = await run(['sh', '-c', script], { timeoutMs: 400 })
    expect(result).toMatchObject({ ended: 'timed-out', exit: null })
    const child = Number(readFileSync(join(directory, 'child'), 'utf8'))
    await waitFor(() => !isAlive(child) || readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z '))
  })

  it('ends when told to, at once when it was told before', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 100)
    const result = await run(['sleep', '300'], { signal: stop.signal, timeoutMs: 300_000 })
    expect(result.ended).toBe('interrupted')
    expect(await run(['sleep', '300'], { signal: stop.signal })).toMatchObject({ ended: 'interrupted', exit: null })
  })

  it('does not wait for a grandchild that holds the pipes', async () => {
    const result = await run(['sh', '-c', 'sleep 300 & echo $!'], { lingerMs: 100, timeoutMs: 300_000 })
    expect(result).toMatchObject({ ended: 'exited', exit: 0, stdout: expect.stringMatching(/^\d+\n$/) })
    const grandchild = Number(result.stdout)
    atEnd(() => isAlive(grandchild) && process.kill(grandchild, 'SIGKILL'))
  })
})
