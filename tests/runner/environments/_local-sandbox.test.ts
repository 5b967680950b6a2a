// What the sandbox of `local` gives beyond the attacks: what it hides, what still works in it, and what it costs.
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { probeSandbox } from '../../../runner/environments/_local-sandbox.ts'
import local from '../../../runner/environments/local.ts'
import { atEnd, makeDirectory, never, plainSpec } from '../_sandbox.ts'

const missing = await probeSandbox()
if (missing !== null) process.stderr.write(`tests of the sandbox are skipped: ${missing}\n`)

let trials = 0
async function open(change = {}) {
  const environment = await local.open({ ...plainSpec(`sandbox${process.pid}x${++trials}`), ...change }, never)
  atEnd(() => environment.close())
  const sh = (script: string, more = {}) => environment.exec(['sh', '-c', script], { timeoutMs: 20_000, signal: never, ...more })
  return { environment, sh }
}

describe.skipIf(missing !== null)('the sandbox of local', () => {
  it('hides what it is told to, other trials and what lies in temporary places', async () => {
    const directory = realpathSync(makeDirectory())
    mkdirSync(join(directory, 'store'))
    writeFileSync(join(directory, 'store', 'index'), 'recorded')
    writeFileSync(join(directory, 'task.jsonl'), 'the solution')
    const outside = join(process.cwd(), 'package.json')
    const other = await open()
    await other.sh('echo mine > mine')
    const { environment, sh } = await open({ hides: [join(directory, 'store'), join(directory, 'task.jsonl'), outside] })
    expect(environment.isolation).toBe('sandbox')
    const seen = await sh(
      `cat ${directory}/store/index ${directory}/task.jsonl ${outside} ${other.environment.workspace}/mine; ls ${directory}/store`,
    )
    expect(seen.stdout).toBe('')
    const open2 = await open({ isolation: 'none' })
    expect(open2.environment.isolation).toBe('none')
    expect((await open2.sh(`cat ${directory}/store/index`)).stdout).toBe('recorded')
  })

  it('lets only workspace, home and temporary files be written', async () => {
    const { environment, sh } = await open()
    const root = dirname(environment.workspace)
    const tried = await sh(
      `for d in . "$HOME" "$TMPDIR" /tmp / /usr /etc /var ${process.cwd()} ${root} ${root}/scratch; do touch "$d/probe" 2>/dev/null && echo "$d"; done`,
    )
    expect(tried.stdout.split('\n').filter(line => line !== '')).toEqual(['.', environment.home, join(root, 'tmp'), '/tmp'])
    // What stands in /tmp for one command stands there for the next.
    expect((await sh('cd /tmp; ls probe "$TMPDIR/probe"')).exit).toBe(0)
  })

  it('sees no process of this machine, has no capability, and reaches the proxy', async () => {
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    atEnd(() => server.close())
    const { sh } = await open()
    const { port } = server.address() as AddressInfo
    const { stdout } = await sh(
      `ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status; ls /run | wc -l; node -e "fetch('http://127.0.0.1:${port}').then(r=>r.text()).then(console.log)"`,
    )
    const [processes, capabilities, run, answer] = stdout.split('\n')
    expect(Number(processes)).toBeLessThan(10)
    expect(capabilities).toMatch(/0{16}$/)
    expect(Number(run)).toBeLessThanOrEqual(1)
    expect(answer).toBe('hello')
  })

  it('gives a command its time to end in order', async () => {
    const { sh } = await open()
    const result = await sh('trap "echo saved > state; exit 0" TERM; sleep 30 & wait', { timeoutMs: 500 })
    expect(result.ended).toBe('timed-out')
    expect((await sh('cat state')).stdout).toBe('saved\n')
  })

  it('tells a program that is missing, one without an interpreter and one that a signal ended', async () => {
    const { environment, sh } = await open()
    await environment.writeFiles(environment.workspace, { 'odd.sh': '#!/no/such/interpreter\n' })
    const start = (program: string) => environment.exec([program], { timeoutMs: 5_000, signal: never })
    expect(await start('no-such-program')).toMatchObject({ ended: 'failed-to-start' })
    expect(await start('./odd.sh')).toMatchObject({
      ended: 'failed-to-start',
      startFailure: expect.stringContaining('No such file'),
    })
    expect(await sh('kill -9 $$')).toMatchObject({ ended: 'exited', exit: null })
    expect(await sh('exit 7')).toMatchObject({ ended: 'exited', exit: 7 })
  })

  it('is set up again when it did not come to be, and is to blame itself when it never does, whatever a command prints', async () => {
    const directory = join(makeDirectory(), 'layer')
    const { environment, sh } = await open({ layerDirectory: directory })
    await expect(sh('echo ran')).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
      message: expect.stringContaining('source path'),
    })
    setTimeout(() => mkdirSync(directory), 60)
    expect(await sh('echo ran')).toMatchObject({ exit: 0, stdout: 'ran\n' })
    for (const text of [
      "bwrap: Can't find source path /x: No such file or directory",
      'bwrap: execvp agent: No such file or directory',
    ])
      expect(await sh(`echo "${text}" >&2; echo '{ "child-pid": 1 }' >&3; exit 1`)).toMatchObject({ ended: 'exited', exit: 1 })
    expect(environment.isolation).toBe('sandbox')
  })

  it('runs a program that stands in a temporary place, by name and on the search path', async () => {
    const directory = realpathSync(makeDirectory())
    writeFileSync(join(directory, 'agent.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    const { environment, sh } = await open({ path: `${directory}:/usr/bin:/bin` })
    expect((await environment.exec(['sh', join(directory, 'agent.sh')], { timeoutMs: 5_000, signal: never })).stdout).toBe(
      'ran\n',
    )
    expect((await sh('agent.sh; echo $PATH')).stdout).toBe(`ran\n${directory}:/usr/bin:/bin\n`)
  })

  it('forgets relative entries of the search path: the agent would choose what runs', async () => {
    const { sh } = await open({ path: '.:node_modules/.bin::/usr/bin:/bin' })
    expect((await sh('echo $PATH')).stdout).toBe('/usr/bin:/bin\n')
  })
})
