// What every environment promises, as tests over one of them. `local` is played by environments.test.ts, what needs a daemon by tests/real.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import type { Environment, EnvironmentAdapter } from '../../runner/environments/_adapter.ts'
import { atEnd, never, plainSpec } from '../runner/_sandbox.ts'

let trials = 0
async function open(adapter: EnvironmentAdapter): Promise<Environment> {
  const environment = await adapter.open(plainSpec(`conform${process.pid}x${++trials}`), never)
  atEnd(() => environment.close())
  return environment
}
const sh = (environment: Environment, script: string, change = {}) =>
  environment.exec(['sh', '-c', script], { timeoutMs: 20_000, signal: never, ...change })

/** To be called within a `describe` of the environment's name. */
export function keepPromises(adapter: EnvironmentAdapter): void {
  it('runs commands in the workspace with its own home and nothing of the host', async () => {
    process.env['ANTHROPIC_API_KEY'] = 'sk-of-the-host'
    atEnd(() => delete process.env['ANTHROPIC_API_KEY'])
    const environment = await open(adapter)
    const result = await sh(environment, 'pwd; echo $HOME; env; cat; exit 3', { stdin: 'in', env: { EXTRA: '1' } })
    expect(result).toMatchObject({ ended: 'exited', exit: 3 })
    expect(result.stdout.split('\n').slice(0, 2)).toEqual([environment.workspace, environment.home])
    expect(result.stdout).toContain('EXTRA=1')
    expect(result.stdout).toMatch(/in$/)
    expect(result.stdout).not.toContain('sk-of-the-host')
    const names = [...result.stdout.matchAll(/^([A-Z_]+)=/gm)].map(match => match[1])
    const allowed = [
      'PATH',
      'HOME',
      'LANG',
      'TMPDIR',
      'GIT_CEILING_DIRECTORIES',
      'TURNPIKE_TRIAL',
      'PWD',
      'EXTRA',
      'OLDPWD',
      'SHLVL',
      '_',
      'HOSTNAME',
      // Podman's own.
      'TERM',
    ]
    expect(names.filter(name => !allowed.includes(name ?? ''))).toEqual([])
  })

  it('leaves no process alive when a command has ended, however it hid', async () => {
    const environment = await open(adapter)
    const script = `sleep 300 & setsid sh -c 'trap "" TERM HUP; echo $$ > "$HOME/daemon"; sleep 300' >/dev/null 2>&1 & env -i setsid sleep 301 & sleep 0.3; echo started`
    const result = await sh(environment, script)
    expect(result.stdout).toBe('started\n')
    const left = await sh(
      environment,
      'ps -e -o args 2>/dev/null | grep -c "[s]leep 30[01]$"; p=/proc/$(cat "$HOME/daemon")/stat; [ -e $p ] && ! grep -q ") Z " $p && echo alive',
    )
    expect(left.stdout).toBe('0\n')
    expect(await environment.endProcesses()).toBe(0)
  })

  it('ends a command at its time limit and on interruption', async () => {
    const environment = await open(adapter)
    expect((await sh(environment, 'sleep 60', { timeoutMs: 200 })).ended).toBe('timed-out')
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 150)
    expect((await sh(environment, 'sleep 60', { signal: stop.signal })).ended).toBe('interrupted')
    expect((await environment.exec(['no-such-program'], { timeoutMs: 1_000, signal: never })).ended).toBe('failed-to-start')
  })

  it('cuts endless output in the middle', async () => {
    const environment = await open(adapter)
    const result = await sh(environment, 'echo first; head -c 3000000 /dev/zero | tr "\\0" a; echo; echo last')
    expect(result.stdout.length).toBeLessThan(300_000)
    expect(result.stdout).toMatch(/^first\n[\s\S]*bytes cut out[\s\S]*\nlast\n$/)
  })

  it('writes files over whatever stands there and never through links', async () => {
    const environment = await open(adapter)
    await sh(environment, 'mkdir -p "$HOME/prize" file.txt/inner; ln -s "$HOME/prize" tests; ln -s "$HOME/prize/x" link.txt')
    await environment.writeFiles(environment.workspace, {
      'tests/a.txt': 'A',
      'link.txt': 'L',
      'file.txt': 'F',
      'run.sh': '#!/bin/sh\necho ran\n',
    })
    const seen = await sh(environment, 'cat tests/a.txt link.txt file.txt; ls "$HOME/prize"; ./run.sh')
    expect(seen.stdout).toBe('ALFran\n')
    expect(await environment.readFile(`${environment.workspace}/tests/a.txt`, 100)).toMatchObject({ text: 'A' })
  })

  it('reads regular files only', async () => {
    const environment = await open(adapter)
    await sh(environment, 'echo text > real; ln -s real link; mkfifo pipe; mkdir directory')
    const read = (name: string, max = 100) => environment.readFile(`${environment.workspace}/${name}`, max)
    expect((await read('real'))?.text).toBe('text\n')
    expect((await read('real', 2))?.text).toBe('te')
    for (const name of ['link', 'pipe', 'directory', 'nothing']) expect(await read(name), name).toBeNull()
  })

  it('works on a copy and leaves the original untouched, also when the work throws', async () => {
    const environment = await open(adapter)
    await sh(environment, 'echo mine > a; mkdir sub; echo deep > sub/b; ln -s a link; mkfifo pipe; chmod 750 sub; chmod +x a')
    const state = 'ls -lRi --time-style=full-iso; cat a sub/b'
    const before = await sh(environment, state)
    await expect(
      environment.onCopy(async () => {
        const inside = await sh(
          environment,
          'pwd; cat a link sub/b; test -x a; echo $?; echo changed > a; rm -r sub; echo new > c',
        )
        expect(inside.stdout).toBe(`${environment.workspace}\nmine\nmine\ndeep\n0\n`)
        throw new Error('in the middle')
      }),
    ).rejects.toThrow('in the middle')
    expect((await sh(environment, state)).stdout).toBe(before.stdout)
  })

  it('copies the place as it is when the copy is used, whenever the copying began', async () => {
    const environment = await open(adapter)
    const { workspace } = environment
    const here = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(here, { recursive: true, force: true }))
    writeFileSync(join(here, 'tree.txt'), 'tree')
    await sh(environment, 'echo 0 > state')
    await environment.keep('passed')
    const changes: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
      ['1', () => sh(environment, 'echo 1 > state')],
      ['2', () => environment.writeFiles(workspace, { state: '2\n' })],
      ['0', () => environment.rollBack('passed')],
      ['0 tree', () => environment.copyIn([{ directory: here, to: 'in' }])],
      ['0', () => environment.empty([`${workspace}/in`])],
      ['0', async () => environment.exportWorkspace()],
    ]
    for (const [expected, change] of changes) {
      await environment.beginCopy?.()
      await change()
      const seen = await environment.onCopy(() => sh(environment, 'echo $(cat state in/tree.txt 2>/dev/null)'))
      expect(seen.stdout).toBe(`${expected}\n`)
    }
    // Begun and never used, and begun twice: nothing of it may stay.
    await environment.beginCopy?.()
    await environment.beginCopy?.()
  }, 60_000)

  it('goes back to a kept state', async () => {
    const environment = await open(adapter)
    await sh(environment, 'echo 1 > a; git init -q . 2>/dev/null; mkdir empty')
    await environment.keep('passed')
    await sh(environment, 'echo 2 > a; rm -rf .git empty; echo new > b')
    await environment.rollBack('passed')
    await environment.rollBack('passed')
    expect((await sh(environment, 'cat a; ls -A')).stdout.replace('.git\n', '')).toBe('1\na\nempty\n')
  })

  it('makes scratch directories nobody knows before and nobody finds after', async () => {
    const environment = await open(adapter)
    const [first, second] = [await environment.makeScratch(), await environment.makeScratch()]
    expect(first.path).not.toBe(second.path)
    expect(first.path.startsWith(environment.workspace) || first.path.startsWith(environment.home)).toBe(false)
    const { path, home, temporary } = first
    const used = await sh(environment, `touch ${home}/a ${temporary}/b && echo new > ${path}/c && ls -A ${path}`)
    expect(used.stdout).toBe('c\nhome\ntmp\n')
    await environment.removeScratch(first)
    expect((await sh(environment, `test -e ${path} || echo gone`)).stdout).toBe('gone\n')
  })

  it('tells the time by the clock that dates files', async () => {
    const environment = await open(adapter)
    const look = async () => {
      const now = await environment.tellTime()
      await sh(environment, 'echo new > file')
      const written = await environment.readFile(`${environment.workspace}/file`, 100)
      expect(written?.text).toBe('new\n')
      expect(written?.modifiedAtMs).toBeGreaterThanOrEqual(now)
      expect(written?.modifiedAtMs).toBeLessThan(now + 60_000)
      return now
    }
    const first = await look()
    expect(await look()).toBeGreaterThan(first)
    await environment.onCopy(look)
  })

  it('keeps trials apart and cleans up behind itself', async () => {
    const [one, two] = [await open(adapter), await open(adapter)]
    await sh(one, 'mkdir -p deep/er; echo secret > "$HOME/mine"; echo secret > mine; chmod 500 deep')
    expect((await sh(two, 'ls -A . "$HOME"; cat "$HOME/mine" 2>/dev/null')).stdout).not.toMatch(/mine|secret/)
    await one.close()
    await one.close()
    await expect(sh(one, 'true')).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED' })
  })

  it('holds a conversation with a command and leaves nothing of it', async () => {
    const environment = await open(adapter)
    const script = 'sleep 302 & while read line; do echo "heard $line"; done; echo over; echo sorry >&2; exit 4'
    const talk = await environment.spawn(['sh', '-c', script], { timeoutMs: 20_000, signal: never })
    const lines = createInterface({ input: talk.stdout })[Symbol.asyncIterator]()
    for (const word of ['one', 'two']) {
      talk.stdin.write(`${word}\n`)
      expect((await lines.next()).value).toBe(`heard ${word}`)
    }
    talk.stdin.end()
    expect((await lines.next()).value).toBe('over')
    expect(await talk.ended).toMatchObject({ ended: 'exited', exit: 4, stderr: 'sorry\n' })
    expect((await sh(environment, 'ps -e -o args 2>/dev/null | grep -c "[s]leep 302$"')).stdout).toBe('0\n')
  })

  it('makes a conversation and all it has started stand still, leaves them alive, and sets them going', async () => {
    const environment = await open(adapter)
    const { freeze, thaw } = environment
    if (freeze === undefined || thaw === undefined) return
    const script = 'while :; do echo x >> ticks; sleep 0.02; done & read line; echo "heard $line"; wait'
    const talk = await environment.spawn(['sh', '-c', script], { timeoutMs: 30_000, signal: never })
    const size = async (): Promise<number> =>
      (await environment.readFile(`${environment.workspace}/ticks`, 1_000_000))?.text.length ?? 0
    while ((await size()) === 0) await new Promise(resolve => setTimeout(resolve, 20))
    await freeze()
    const before = await size()
    await environment.exec(['sleep', '0.3'], { timeoutMs: 5_000, signal: never })
    await environment.endProcesses()
    await environment.onCopy(() => environment.exec(['true'], { timeoutMs: 5_000, signal: never }))
    expect(await size()).toBe(before)
    await thaw()
    const heard = new Promise<string>(resolve => talk.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString())))
    talk.stdin.write('hello\n')
    expect(await heard).toBe('heard hello\n')
    while ((await size()) === before) await new Promise(resolve => setTimeout(resolve, 20))
    await talk.end('exited')
    expect(await environment.endProcesses()).toBeLessThanOrEqual(2)
  })

  it('ends a conversation on demand, at its limit and on interruption; a missing program is a result', async () => {
    const environment = await open(adapter)
    const start = (timeoutMs: number | null, signal = never) => environment.spawn(['cat'], { timeoutMs, signal })
    const demanded = await start(null)
    await demanded.end('exited')
    expect(await demanded.ended).toMatchObject({ ended: 'exited', exit: null })
    expect(await (await start(100)).ended).toMatchObject({ ended: 'timed-out' })
    const controller = new AbortController()
    const interrupted = await start(null, controller.signal)
    controller.abort()
    expect(await interrupted.ended).toMatchObject({ ended: 'interrupted' })
    const missing = await environment.spawn(['no-such-program-here'], { timeoutMs: null, signal: never })
    expect(await missing.ended).toMatchObject({ ended: 'failed-to-start', exit: null })
  })

  it('copies directories in and out with their modes, and empties one', async () => {
    const environment = await open(adapter)
    const here = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(here, { recursive: true, force: true }))
    mkdirSync(join(here, 'first', 'deep'), { recursive: true })
    mkdirSync(join(here, 'second'))
    writeFileSync(join(here, 'first', 'deep', 'run.sh'), '#!/bin/sh\necho first\n', { mode: 0o755 })
    writeFileSync(join(here, 'second', 'bytes'), Buffer.from([0, 255, 10]))
    symlinkSync('deep/run.sh', join(here, 'first', 'link'))
    await environment.copyIn([
      { directory: join(here, 'first'), to: 'in' },
      { directory: join(here, 'second'), to: `${environment.workspace}/in` },
    ])
    expect((await sh(environment, 'in/link; wc -c < in/bytes')).stdout.replace(/ /g, '')).toBe('first\n3\n')
    const limits = { bytesMax: 1000, exclude: [] }
    expect(await environment.copyOut(`${environment.workspace}/in`, join(here, 'out'), limits)).toBe(true)
    expect(readFileSync(join(here, 'out', 'in', 'bytes'))).toEqual(Buffer.from([0, 255, 10]))
    expect(await environment.copyOut(`${environment.workspace}/nothing`, join(here, 'out'), limits)).toBe(false)
    await expect(
      environment.copyOut(`${environment.workspace}/in`, join(here, 'out'), { ...limits, bytesMax: 5 }),
    ).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED' })
    await environment.empty([`${environment.workspace}/in`])
    expect((await sh(environment, 'ls -A in')).stdout).toBe('')
  })

  it('gives out the workspace as it is, each time anew', async () => {
    const environment = await open(adapter)
    const look = async () => {
      const directory = await environment.exportWorkspace()
      const script = 'find . | sort; find . -type f | sort | xargs cat; readlink c; test -x run && echo runs; true'
      return execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' })
    }
    await sh(
      environment,
      'mkdir -p d/e; echo one > a; echo same > same; echo x > d/e/f; ln -s a c; echo echo > run; chmod 755 run',
    )
    const all = '.\n./a\n./c\n./d\n./d/e\n./d/e/f\n./run\n./same\n'
    expect(await look()).toBe(`${all}one\nx\necho\nsame\na\nruns\n`)
    // The same sizes; a file where a directory was, a directory where a link was, and rights that go.
    await sh(environment, 'echo two > a; rm -r d; echo d > d; rm c; mkdir c; echo y > c/g; chmod 644 run')
    expect(await look()).toBe('.\n./a\n./c\n./c/g\n./d\n./run\n./same\ntwo\ny\nd\necho\nsame\n')
    await sh(environment, 'rm -r a c; ln -s same c')
    expect(await look()).toBe('.\n./c\n./d\n./run\n./same\nd\necho\nsame\nsame\n')
  })

  it('refuses a tree with a link that leads out of it, unless an agent has left it', async () => {
    const environment = await open(adapter)
    const here = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(here, { recursive: true, force: true }))
    symlinkSync('nowhere', join(here, 'inside'))
    await environment.copyIn([{ directory: here, to: 'in' }])
    expect((await sh(environment, 'readlink in/inside')).stdout).toBe('nowhere\n')
    symlinkSync('/etc', join(here, 'etc'))
    await expect(environment.copyIn([{ directory: here, to: 'in' }])).rejects.toMatchObject({ code: 'E_TASK_INVALID' })
    await environment.copyIn([{ directory: here, to: 'kept', keepsLinks: true }])
    expect((await sh(environment, 'readlink kept/etc kept/inside')).stdout).toBe('/etc\nnowhere\n')
    rmSync(join(here, 'etc'))
    symlinkSync('../nowhere', join(here, 'outside'))
    await expect(environment.copyIn([{ directory: here, to: 'in' }])).rejects.toMatchObject({ code: 'E_TASK_INVALID' })
  })
}
