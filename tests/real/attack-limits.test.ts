// What an attack of a script and a verdict cannot show: disks, processes and networks without end, programs of the system replaced, conversations that
// stand still; and what is not prevented, which docs/integrity.md must say.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TaskEnvironment, Verifier } from '../../core/task.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec } from '../../runner/environments/_adapter.ts'
import { limitProcesses } from '../../runner/environments/_local-cgroup.ts'
import { probeSandbox } from '../../runner/environments/_local-sandbox.ts'
import docker from '../../runner/environments/docker.ts'
import local from '../../runner/environments/local.ts'
import { pause } from '../../runner/processes.ts'
import { createTamperWatch } from '../../runner/tampering.ts'
import { verifyTurn } from '../../runner/verify.ts'
import { dockerMissing } from '../docker.ts'
import { atEnd, findMarked, makeDirectory, never, plainSpec } from '../runner/_sandbox.ts'
import { containerPlace } from './attack-list.ts'

let trials = 0
async function open(adapter: EnvironmentAdapter, change: Partial<EnvironmentSpec> = {}): Promise<Environment> {
  const environment = await adapter.open({ ...plainSpec(`limits${process.pid}x${++trials}`), ...change }, never)
  atEnd(() => environment.close())
  return environment
}
const sh = (environment: Environment, script: string, change = {}) =>
  environment.exec(['sh', '-c', script], { timeoutMs: 60_000, signal: never, ...change })
const place = (change: Partial<TaskEnvironment> = {}) => ({ place: { ...containerPlace, ...change } })
const failing: Verifier = {
  files: { 'hidden.sh': 'echo not ok 1 - real; exit 1\n' },
  command: ['sh', 'hidden.sh'],
  timeoutMs: 60_000,
}

const noSandbox = await probeSandbox()
const noDocker = dockerMissing !== null
if (noSandbox !== null) process.stderr.write(`limits of the sandbox of local are skipped: ${noSandbox}\n`)

describe('a disk that is filled', () => {
  it('fails the turn of who filled it in local, and is free again afterwards', async context => {
    const disk = makeDirectory()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk], { stdio: 'pipe' })
    } catch {
      process.stderr.write('a full disk in local is skipped: no file system can be mounted here\n')
      return context.skip()
    }
    const before = process.env['TMPDIR']
    atEnd(() => execFileSync('umount', [disk]))
    atEnd(() => {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    })
    process.env['TMPDIR'] = disk
    for (const where of ['.', '"$HOME"', '"$TMPDIR"']) {
      const environment = await open(local, {})
      const filled = await sh(environment, `cat /dev/zero > ${where}/fill; for i in 1 2 3; do cat /dev/zero > ${where}/$i; done`)
      expect(filled.stderr).toMatch(/No space left/)
      expect(await verifyTurn(environment, failing, never), where).toMatchObject({
        passed: false,
        tests: [{ name: expect.any(String) }],
      })
      await environment.close()
      expect(readdirSync(disk), where).toEqual([])
    }
    const next = await open(local, {})
    expect((await sh(next, 'echo works > here; cat here')).stdout).toBe('works\n')
  })

  it.skipIf(noDocker)('fails the turn in docker beyond storage_mb, and holes count as if they were filled', async () => {
    const small = await open(docker, place({ storageMb: 16 }))
    await sh(small, 'head -c 40000000 /dev/zero > fill')
    const message = expect.stringMatching(
      /workspace cannot be judged: \d+ bytes were written in the container, more than 16777216/,
    )
    expect(await verifyTurn(small, failing, never)).toMatchObject({ passed: false, tests: [{ name: 'workspace', message }] })
    const holes = await open(docker, place())
    await sh(holes, 'dd if=/dev/null of=holes bs=1 seek=1000G 2>/dev/null')
    expect(await verifyTurn(holes, failing, never)).toMatchObject({ passed: false, tests: [{ name: 'workspace' }] })
    await expect(holes.exportWorkspace()).rejects.toMatchObject({ details: { blame: 'workspace' } })
  })
})

const bomb = 'b() { b "$1" | b "$1" & }; b; sleep 2; echo still here'

/** What a bomb makes soon dies at the bound; this stays, and can be counted. */
const flood =
  "for (let i = 0; i < 400; i++) try { require('child_process').spawn('sh', ['-c', 'sleep 4; :', process.argv[1]]).on('error', () => {}) } catch {} setTimeout(() => process.exit(), 2000)"

/** A small bound: what the kernel does at it is the same, and the machine stays usable. */
const processesMax = 150
const boundMissing = await (async () => {
  const probe = await limitProcesses(`probe${process.pid}`, processesMax)
  await probe.close()
  return noSandbox !== null || !probe.isKept
})()
if (boundMissing) process.stderr.write('a bound on processes in local is skipped: no control group can be made here\n')

describe.each([
  ['the sandbox of local', local, boundMissing, { processesMax }],
  ['docker', docker, noDocker, { ...place(), processesMax }],
] as const)('processes without end in %s', (_, adapter, isMissing, change) => {
  it.skipIf(isMissing)('stop at their bound, and nothing of them is left', async () => {
    const environment = await open(adapter, change)
    const mark = `bomb-${process.pid}-${++trials}`
    let most = 0
    const counting = setInterval(() => {
      most = Math.max(most, findMarked(mark).length)
    }, 200)
    await environment.exec(['sh', '-c', bomb, mark], { timeoutMs: 3_000, signal: never })
    expect(findMarked(mark)).toEqual([])
    await environment.exec(['node', '-e', flood, mark], { timeoutMs: 10_000, signal: never })
    clearInterval(counting)
    expect(most).toBeGreaterThan(20)
    expect(most).toBeLessThanOrEqual(processesMax)
    expect(await verifyTurn(environment, failing, never)).toMatchObject({ passed: false })
    expect(findMarked(mark)).toEqual([])
    expect((await sh(environment, 'echo works')).stdout).toBe('works\n')
  })
})

/** A server of this machine that is not the proxy. */
async function askOther(adapter: EnvironmentAdapter, change: Partial<EnvironmentSpec>): Promise<string> {
  const server = createServer((_, response) => response.end('reached')).listen(0, '0.0.0.0')
  await new Promise(resolve => server.once('listening', resolve))
  atEnd(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const script = `node -e "fetch('${url}',{signal:AbortSignal.timeout(5000)}).then(r=>r.text()).then(console.log,e=>console.log('failed'))"`
  return (await sh(await open(adapter, change), script)).stdout.trim()
}

describe('the network beyond the proxy', () => {
  it.skipIf(noDocker)('is out of reach in docker', async () => {
    expect(await askOther(docker, place())).toBe('failed')
  })
  it('is not prevented in local, and local refuses to promise it', async () => {
    expect(await askOther(local, {})).toBe('reached')
    expect(local.gives.networks).toEqual(['public'])
    await expect((await open(local)).setNetwork({ mode: 'proxy', hosts: [] })).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
    })
  })
})

describe('programs of the system that the agent replaces', () => {
  const forge = `printf '#!/bin/bash\\necho ok 1 - forged; echo 1..1\\n' > forged; chmod +x forged; for p in /usr/bin/cat /usr/bin/node; do cp forged "$p" || echo refused; done`
  const trusting: Verifier = { files: {}, command: ['cat', '/nowhere'], timeoutMs: 60_000 }

  it.skipIf(noDocker)('judge in docker, where the agent is root, and are told of', async () => {
    const environment = await open(docker, place())
    const watch = await createTamperWatch(environment)
    await sh(environment, 'echo new > /usr/bin/installed; mkdir -p /opt/x; echo mine > work')
    expect(await watch.inspect()).toEqual([])
    await sh(environment, `${forge}; echo /nowhere.so > /etc/ld.so.preload.new`)
    expect(await watch.inspect()).toEqual(['/usr/bin/cat', '/usr/bin/node'])
    await sh(environment, 'mkdir -p /usr/lib/python3; echo x > /usr/lib/python3/sitecustomize.py; rm /usr/bin/cut')
    expect(await watch.inspect()).toEqual(['/usr/bin/cut', '/usr/lib/python3/sitecustomize.py'])
    // The honest line of the table: whoever is root in the image can forge a verdict there.
    expect((await verifyTurn(environment, trusting, never))?.passed).toBe(true)
  })

  it.skipIf(noSandbox !== null)('cannot be written in the sandbox of local', async () => {
    const environment = await open(local)
    const before = readFileSync('/usr/bin/cat')
    expect((await sh(environment, forge)).stdout).toBe('refused\nrefused\n')
    expect(readFileSync('/usr/bin/cat').equals(before)).toBe(true)
    expect((await verifyTurn(environment, trusting, never))?.passed).toBe(false)
  })
})

const watcher = `while :; do echo x >> "$HOME/ticks"; cp hidden.sh "$HOME/loot" 2>/dev/null; done`
const conversation = (mark: string) =>
  `( cd /; env -i PATH="$PATH" HOME="$HOME" setsid sh -c '${watcher.replace('hidden.sh', '"$1"/hidden.sh')}' ${mark} "$PWD" >/dev/null 2>&1 & )
  ${watcher} & read line; echo "heard $line"; wait`

describe.each([
  ['docker', docker, noDocker, place()],
  ['local with its sandbox', local, noSandbox !== null, {}],
] as const)('a conversation that stands still in %s', (_, adapter, isMissing, change) => {
  it.skipIf(isMissing)(
    'sees nothing of a verification, whatever of it has hidden, and nothing of it outlives the trial',
    async () => {
      const environment = await open(adapter, change)
      const mark = `still-${process.pid}-${++trials}`
      const talk = await environment.spawn(['sh', '-c', conversation(mark), mark], { timeoutMs: null, signal: never })
      const ticks = async () => (await environment.readFile(`${environment.home}/ticks`, 50_000_000))?.text.length ?? 0
      while ((await ticks()) < 20) await pause(50)
      await environment.freeze?.()
      const states = () => findMarked(mark).map(id => /\) (\w)/.exec(readFileSync(`/proc/${id}/stat`, 'latin1'))?.[1])
      expect(states().length).toBeGreaterThan(1)
      // One that was running stops when it leaves the kernel; one that is being started holds who starts it (vfork) in D until it goes on itself.
      const isMoving = () => states().some(state => state !== 'T' && state !== 'D')
      const areStill = () => states().every(state => state === 'T')
      for (let look = 0; look < 100 && !areStill(); look++) await pause(20)
      expect(isMoving(), states().join()).toBe(false)
      expect(states()).toContain('T')
      const before = await ticks()
      const slow = { ...failing, files: { 'hidden.sh': 'sleep 0.5; echo not ok 1 - real; exit 1\n' } }
      expect(await verifyTurn(environment, slow, never)).toMatchObject({ passed: false, testsTotal: 1 })
      // A verifier that does not end is ended, also beside a conversation.
      const endless = { ...failing, command: ['sleep', '600'], timeoutMs: 500 }
      expect(await verifyTurn(environment, endless, never)).toMatchObject({ passed: false, tests: [{ name: 'time limit' }] })
      expect(await ticks()).toBe(before)
      // What is started beside it does not outlive its command, and the conversation does.
      await sh(environment, `setsid sh -c 'sleep 77' ${mark}-late >/dev/null 2>&1 & sleep 0.2`)
      await environment.endProcesses()
      expect(findMarked(`${mark}-late`)).toEqual([])
      await environment.thaw?.()
      const heard = new Promise<string>(resolve => talk.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString())))
      talk.stdin.write('hello\n')
      expect(await heard).toBe('heard hello\n')
      await environment.freeze?.()
      await environment.close()
      await talk.ended
      expect(findMarked(mark)).toEqual([])
      expect(existsSync(`${environment.home}/loot`)).toBe(false)
    },
    180_000,
  )
})

describe('what is not prevented', () => {
  const home = dirname(process.cwd())

  it('in local without a sandbox the agent reads what this user may', async () => {
    const environment = await open(local, { isolation: 'none', hides: [process.cwd()] })
    expect(environment.isolation).toBe('none')
    expect((await sh(environment, `cat ${process.cwd()}/package.json | head -c 1; ls -d ${home}`)).stdout).toBe(`{${home}\n`)
  })

  it('in local without a sandbox a daemon that has left everything behind lives on', async () => {
    const environment = await open(local, { isolation: 'none' })
    const mark = `hidden-${process.pid}-${++trials}`
    await sh(environment, `( cd / && env -i PATH="$PATH" setsid sh -c 'sleep 30; :' ${mark} >/dev/null 2>&1 & ); sleep 0.3`)
    expect(findMarked(mark).length).toBe(1)
    for (const id of findMarked(mark)) process.kill(-id, 'SIGKILL')
  })
})
