import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prepareLauncher, runApart } from '../../runner/launcher.ts'
import { type GroupOptions, runGroup } from '../../runner/processes.ts'
import { atEnd, isAlive, never, waitFor } from './_sandbox.ts'

const plain = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeoutMs: 60_000, signal: never, outputCharsMax: 10_000 }
const run = (argv: readonly string[], change: Partial<GroupOptions> = {}) => runApart({ ...plain, argv, ...change })

/** Whoever starts commands is their parent. */
const findLauncher = async (): Promise<number> => Number((await run(['sh', '-c', 'echo $PPID'])).stdout)

describe('commands that another process starts', () => {
  it('end as they would have ended here, with their input and output', async () => {
    prepareLauncher()
    const bytes = Buffer.from([0, 255, 10, 200])
    expect(await run(['sh', '-c', 'cat; echo err >&2; exit 7'], { stdin: 'in' })).toMatchObject({
      ended: 'exited',
      exit: 7,
      stdout: 'in',
      stderr: 'err\n',
      startFailure: null,
    })
    expect((await run(['od', '-An', '-tx1'], { stdin: bytes })).stdout.trim()).toBe('00 ff 0a c8')
    expect(await run(['sh', '-c', 'kill -9 $$'])).toMatchObject({ ended: 'exited', exit: null })
    expect(await run(['no-such-program'])).toMatchObject({
      ended: 'failed-to-start',
      startFailure: expect.stringContaining('ENOENT'),
    })
    expect((await run(['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x'])).stdout.length).toBeLessThan(11_000)
  })

  it('are not started from here, and get nothing of what we have', async () => {
    process.env['SECRET_OF_THE_HOST'] = 'must-not-be-seen'
    atEnd(() => delete process.env['SECRET_OF_THE_HOST'])
    const launcher = await findLauncher()
    expect(launcher).not.toBe(process.pid)
    expect((await run(['env'])).stdout.trim().split('\n')).toEqual(['PATH=/usr/bin:/bin'])
    const seen = await run(['sh', '-c', 'tr "\\0" "\\n" < /proc/$PPID/environ'])
    expect(seen.stdout).not.toContain('must-not-be-seen')
    const list = { ...plain, argv: ['ls', '/proc/self/fd'] }
    expect((await runApart(list)).stdout).toBe((await runGroup(list)).stdout)
  })

  it('run beside each other', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) => run(['sh', '-c', `sleep 0.1; echo ${at}`], { signal: new AbortController().signal })),
    )
    expect(results.map(result => result.stdout)).toEqual(Array.from({ length: 20 }, (_, at) => `${at}\n`))
  })

  it('are ended when their time is over or nobody wants them any more, in the way that was asked for', async () => {
    expect(await run(['sleep', '100'], { timeoutMs: 200 })).toMatchObject({ ended: 'timed-out' })
    const controller = new AbortController()
    const groups: number[] = []
    const terminate = (group: number): void => {
      groups.push(group)
      process.kill(-group, 'SIGTERM')
    }
    const ended = run(['sh', '-c', 'echo $$; sleep 100'], { signal: controller.signal, terminate })
    setTimeout(() => controller.abort(), 300)
    const { ended: how, stdout } = await ended
    expect(how).toBe('interrupted')
    expect(groups).toEqual([Number(stdout)])
    expect(await run(['true'], { signal: AbortSignal.abort() })).toMatchObject({ ended: 'interrupted', exit: null })
  })

  it('are looked after here before their last output is awaited', async () => {
    const looked: string[] = []
    const onExit = async (group: number, told: Promise<string>): Promise<void> => {
      looked.push(await told)
      process.kill(-group, 'SIGKILL')
    }
    const startedAt = performance.now()
    const script = 'echo told >&3; sleep 100 & echo $$'
    const result = await run(['sh', '-c', script], { onExit, tells: true, lingerMs: 60_000 })
    expect(looked).toEqual(['told\n'])
    expect(result).toMatchObject({ ended: 'exited', exit: 0 })
    expect(performance.now() - startedAt).toBeLessThan(50_000)
    const fails = run(['true'], { onExit: () => Promise.reject(new Error('it lives')) })
    await expect(fails).rejects.toThrow('it lives')
  })

  it('are lost with the process that started them, and the next one gets another', async () => {
    const first = await findLauncher()
    const lost = run(['sleep', '2'])
    process.kill(first, 'SIGKILL')
    await expect(lost).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED' })
    const second = await findLauncher()
    expect(second).not.toBe(first)
    expect(second).not.toBe(process.pid)
  })
})

describe('the process that starts commands', () => {
  const launcherFile = join(process.cwd(), 'dist/runner/launcher.js')
  const start = (script: string) =>
    spawn(process.execPath, ['--input-type=module', '-e', `import { runApart } from '${launcherFile}'; ${script}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  const options =
    "cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeoutMs: null, signal: new AbortController().signal, outputCharsMax: 1000"

  it('keeps nobody waiting who has nothing else to do', async () => {
    const child = start(`console.log((await runApart({ argv: ['sh', '-c', 'echo $PPID'], ${options} })).stdout)`)
    let text = ''
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes
    })
    const [status] = await once(child, 'close')
    expect(status).toBe(0)
    await waitFor(() => !isAlive(Number(text)))
  })

  it('goes with whoever needed it, however that ended, and cannot be ended from a terminal', async () => {
    const child = start(
      `console.log((await runApart({ argv: ['sh', '-c', 'echo $PPID'], ${options} })).stdout); await runApart({ argv: ['sleep', '30'], ${options} })`,
    )
    const [bytes] = (await once(child.stdout, 'data')) as [Buffer]
    const launcher = Number(bytes)
    const stat = readFileSync(`/proc/${launcher}/stat`, 'latin1')
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    expect(session).toBe(`${launcher}`)
    expect(isAlive(launcher)).toBe(true)
    child.kill('SIGKILL')
    await waitFor(() => !isAlive(launcher))
  })
})
