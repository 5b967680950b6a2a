// What containers give beyond the promises of every environment: images, limits, a network that ends at the gate, and nothing left behind.
// A real daemon; without one the tests say why they are skipped.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { NetworkPolicy, TaskEnvironment } from '../../core/task.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { lookAlive } from '../../runner/environments/_docker-processes.ts'
import { isDead, ownerName } from '../../runner/environments/_docker-reaper.ts'
import docker from '../../runner/environments/docker.ts'
import { verifyTurn } from '../../runner/verify.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { makePlace } from '../rows.ts'
import { atEnd, never, plainSpec } from '../runner/_sandbox.ts'

const place = makePlace(testImage)

let trials = 0
async function open(change: Partial<TaskEnvironment> = {}, proxyUrl = 'http://127.0.0.1:9') {
  const environment = await docker.open(
    // A small bound: what the kernel does at it is the same, and the machine stays usable.
    { ...plainSpec(`docker${process.pid}x${++trials}`), place: { ...place, ...change }, proxyUrl, processesMax: 150 },
    never,
  )
  atEnd(() => environment.close())
  return environment
}
type Opened = Awaited<ReturnType<typeof open>>
const sh = (environment: Opened, script: string, change = {}) =>
  environment.exec(['bash', '-c', script], { timeoutMs: 20_000, signal: never, ...change })

/** Of the trial that was opened last. */
async function findContainer() {
  const client = await useDocker()
  const filters = { label: [`${labels.trial}=docker${process.pid}x${trials}`, `${labels.made}=trial`] }
  const found = await client.listContainers({ all: true, filters })
  const own = found.find(one => !one.Image.startsWith('turnpike/gate'))
  return client.getContainer(own?.Id ?? '')
}

/** A server of this machine; `address` is one that containers might reach. */
async function serve(host: string) {
  const server = createServer((_, response) => response.end('hello from the host')).listen(0, host)
  await new Promise(resolve => server.once('listening', resolve))
  atEnd(() => server.close())
  return (server.address() as AddressInfo).port
}
/** Not `fetch`: Node 20's neither answers nor fails where a connection is closed as soon as it is open. */
const fetchScript = (url: string) =>
  `node -e "require('http').get('${url}',{timeout:3000},r=>{let s='';r.on('data',d=>s+=d).on('end',()=>console.log(s))}).on('timeout',function(){this.destroy(new Error('late'))}).on('error',e=>console.log('failed',e.code??e.message))"`
const hostAddresses = () =>
  Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).filter(one => one.family === 'IPv4' && !one.internal).map(one => one.address),
  )

describe.skipIf(dockerMissing !== null)('containers', () => {
  it('reach the proxy and nothing else of this machine or beyond', async () => {
    const proxy = await serve('127.0.0.1')
    const other = await serve('0.0.0.0')
    const environment = await open({}, `http://127.0.0.1:${proxy}`)
    expect(environment.hostUrl(`http://127.0.0.1:${proxy}/t/x`)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/t\/x$/)
    expect((await sh(environment, fetchScript(environment.hostUrl(`http://127.0.0.1:${proxy}/`)))).stdout).toBe(
      'hello from the host\n',
    )
    for (const address of ['127.0.0.1', '172.17.0.1', ...hostAddresses()])
      expect((await sh(environment, fetchScript(`http://${address}:${other}/`))).stdout, address).toMatch(/^failed/)
    expect((await sh(environment, fetchScript('http://192.0.2.1/'))).stdout).toMatch(/^failed/)
    const names = await sh(environment, `node -e "require('dns').lookup('localhost.example.com',e=>console.log(e.code))"`)
    expect(names.stdout).toMatch(/ENOTFOUND|EAI_AGAIN/)
    expect((await sh(environment, 'cat /proc/net/route | tail -n +2')).stdout).toBe('')
  })

  it('follow a policy that is changed while they run', async () => {
    const proxy = await serve('127.0.0.1')
    const environment = await open({ network: { mode: 'none', hosts: [] } }, `http://127.0.0.1:${proxy}`)
    const ask = async () => (await sh(environment, fetchScript(environment.hostUrl(`http://127.0.0.1:${proxy}/`)))).stdout
    expect(await ask()).toMatch(/^failed/)
    await environment.setNetwork({ mode: 'proxy', hosts: [] })
    expect(await ask()).toBe('hello from the host\n')
    await environment.setNetwork({ mode: 'public', hosts: [] })
    expect(await ask()).toBe('hello from the host\n')
    expect((await sh(environment, 'tail -n +2 /proc/net/route | wc -l')).stdout.trim()).not.toBe('0')
    await environment.setNetwork({ mode: 'none', hosts: [] })
    expect(await ask()).toMatch(/^failed/)
    expect((await sh(environment, 'cat /proc/net/route | tail -n +2')).stdout).toBe('')
  })

  it('reach hosts of an allow-list through the gate, by CONNECT and plainly, and no others', async () => {
    const allowed = await serve('127.0.0.1')
    const echo = createTcpServer(socket => socket.end('raw')).listen(0, '127.0.0.1')
    await new Promise(resolve => echo.once('listening', resolve))
    atEnd(() => echo.close())
    const policy: NetworkPolicy = { mode: 'allow-list', hosts: ['localhost'] }
    const environment = await open({ network: policy })
    const viaProxy = (url: string) => `node -e "
      const p=new URL(process.env.HTTP_PROXY);
      require('http').get({host:p.hostname,port:p.port,path:'${url}'},r=>{let s='';r.on('data',d=>s+=d).on('end',()=>console.log(r.statusCode,s.trim()))})"`
    const connect = (target: string) => `node -e "
      const p=new URL(process.env.HTTP_PROXY);
      require('http').request({host:p.hostname,port:p.port,method:'CONNECT',path:'${target}'}).on('connect',(r,s,h)=>{let t=''+h;s.on('data',d=>t+=d).on('end',()=>console.log(r.statusCode,t.trim()))}).end()"`
    expect((await sh(environment, viaProxy(`http://localhost:${allowed}/`))).stdout).toBe('200 hello from the host\n')
    expect((await sh(environment, viaProxy(`http://127.0.0.1:${allowed}/`))).stdout).toMatch(/^403 turnpike: the network policy/)
    expect((await sh(environment, connect(`localhost:${(echo.address() as AddressInfo).port}`))).stdout).toBe('200 raw\n')
    expect((await sh(environment, connect('example.com:443'))).stdout).toMatch(/^403/)
  })

  it('keep their limits: memory, processes, time', async () => {
    const environment = await open({ memoryMb: 64, cpus: 1 })
    const hungry = await sh(environment, `node -e "const a=[];for(;;)a.push(Buffer.alloc(1e6,1))"; echo $?`)
    expect(hungry.stdout).toMatch(/137|134/)
    expect((await sh(environment, 'echo fine')).stdout).toBe('fine\n')
    const bomb = await sh(environment, 'b() { b | b & }; b; sleep 30', { timeoutMs: 2_000 })
    // Where forking fails the shell may give up by itself.
    expect(['timed-out', 'exited']).toContain(bomb.ended)
    await environment.endProcesses()
    expect(await environment.endProcesses()).toBe(0)
    expect((await sh(environment, 'echo alive')).stdout).toBe('alive\n')
  }, 60_000)

  it('verify in a copy that the agent never shares, whatever it has left', async () => {
    const environment = await open()
    await sh(environment, 'echo mine > work.txt; echo system > /etc/agent-was-here')
    const seen = await environment.onCopy(async () => {
      await environment.writeFiles('/tests', { 'secret.txt': 'expected output' })
      await sh(environment, 'echo spoiled > work.txt; touch /etc/verifier-was-here')
      return (await sh(environment, 'cat /tests/secret.txt /etc/agent-was-here')).stdout
    })
    expect(seen).toBe('expected output\nsystem\n'.replace('output\n', 'output'))
    expect((await sh(environment, 'cat work.txt; ls -d /tests /etc/verifier-was-here 2>&1 | grep -c "No such"')).stdout).toBe(
      'mine\n2\n',
    )
  })

  it('are seen by the daemon as quiet, and only then', async () => {
    const environment = await open()
    const container = await findContainer()
    expect(await lookAlive(container)).toBe('quiet')
    const talk = await environment.spawn(['sh', '-c', 'sleep 100'], { timeoutMs: null, signal: never })
    await expect.poll(() => lookAlive(container)).toBe('alive')
    await talk.end('exited')
    expect(await environment.endProcesses()).toBe(0)
    expect(await lookAlive(container)).toBe('quiet')
    // Started behind our back, named as what the first process waits for, and its child.
    const hidden = await container.exec({ Cmd: ['sh', '-c', '(sleep 3600 &) ; sleep 3600'], Detach: true } as object)
    await hidden.start({ Detach: true })
    await expect.poll(() => lookAlive(container)).toBe('alive')
    await sh(environment, 'true')
    expect(await environment.endProcesses()).toBe(0)
    expect(await lookAlive(container)).toBe('quiet')
  })

  it.each([
    ['replaced', `printf '#!/bin/bash\\nexit 0\\n' > /bin/sh.new; chmod +x /bin/sh.new; mv /bin/sh.new /bin/sh`],
    [
      'replaced by one that speaks',
      `printf '#!/bin/bash\\necho fine; exit 0\\n' > /bin/sh.new; chmod +x /bin/sh.new; mv /bin/sh.new /bin/sh`,
    ],
    ['removed', 'rm /bin/sh'],
  ])('whose agent has a shell %s hide no process, and give neither a pass nor an excluded trial', async (_, how) => {
    const environment = await open()
    const script = `setsid sleep 303 >/dev/null 2>&1 & ${how}; kill -9 $PPID`
    expect((await environment.exec(['bash', '-c', script], { timeoutMs: 20_000, signal: never })).exit).not.toBe(0)
    await environment.endProcesses()
    await environment.beginCopy?.()
    await environment.exportWorkspace().catch(error => expect(error).toMatchObject({ details: { blame: 'workspace' } }))
    expect(await lookAlive(await findContainer())).not.toBe('alive')
    const verifier = { files: { 'check.sh': 'exit 0\n' }, command: ['bash', 'check.sh'], timeoutMs: 20_000 }
    expect(await verifyTurn(environment, verifier, never)).toMatchObject({ passed: false })
    expect((await sh(environment, 'true')).exit).not.toBe(0)
  })

  it('leave a workspace of the image to whoever owns it', async () => {
    const context = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(context, { recursive: true, force: true }))
    writeFileSync(join(context, 'Dockerfile'), `FROM ${testImage}\nWORKDIR /app\nRUN chown 1000:1000 /app\n`)
    const environment = await open({ image: { kind: 'build', context, dockerfile: 'Dockerfile' } })
    expect((await sh(environment, 'stat -c %u:%g /app')).stdout).toBe('1000:1000\n')
    expect((await sh(environment, 'touch made && stat -c %u made', { user: 'agent' })).stdout).toBe('1000\n')
  })

  it('run as the user of the image or the one who is named', async () => {
    const environment = await open()
    expect((await sh(environment, 'id -u')).stdout).toBe('0\n')
    expect((await sh(environment, 'id -u', { user: 'agent' })).stdout).toBe('1000\n')
    await sh(environment, 'setsid sleep 303 >/dev/null 2>&1 &', { user: 'agent' })
    expect(await environment.endProcesses()).toBe(0)
  })

  it('are built from a directory, once for the same content and for many at once', async () => {
    const context = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(context, { recursive: true, force: true }))
    const mark = `test=${process.pid}.${Date.now()}`
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM ${testImage}\nLABEL ${mark}\nENV KIND=built\nCOPY data.txt /data.txt\nWORKDIR /app\n`,
    )
    writeFileSync(join(context, 'data.txt'), `content ${process.pid}`)
    writeFileSync(join(context, '.dockerignore'), '*.log\n')
    const image = { kind: 'build', context, dockerfile: 'Dockerfile' } as const
    const [one, two] = await Promise.all([open({ image }), open({ image })])
    expect(one?.workspace).toBe('/app')
    expect((await sh(one as Opened, 'echo $KIND; cat /data.txt')).stdout).toBe(`built\ncontent ${process.pid}`)
    writeFileSync(join(context, 'ignored.log'), 'changes nothing')
    const three = await open({ image })
    expect(three.workspace).toBe('/app')
    const mine = await (await useDocker()).listImages({ filters: { reference: ['turnpike/task'], label: [mark] } })
    expect(mine.length).toBe(1)
    await Promise.all([one?.close(), two?.close(), three.close()])
    for (const { Id } of mine) await (await useDocker()).getImage(Id).remove({ force: true })
  }, 60_000)

  it('say what is wrong with a build, an image that is nowhere and a limit of time', async () => {
    const context = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
    atEnd(() => rmSync(context, { recursive: true, force: true }))
    const image = { kind: 'build', context, dockerfile: 'Dockerfile' } as const
    writeFileSync(join(context, 'Dockerfile'), `FROM ${testImage}\nRUN echo first line; exit 7\n`)
    await expect(open({ image })).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
      message: expect.stringMatching(/cannot be built: The command .* returned a non-zero code: 7$/),
      hint: expect.stringContaining('first line'),
      // What a trial that ends of it tells.
      cause: expect.objectContaining({ message: expect.stringContaining('first line') }),
    })
    // A layer of its own: a daemon that finished it once would not wait again.
    writeFileSync(join(context, 'Dockerfile'), `FROM ${testImage}\nRUN sleep 30; : ${process.pid} ${Date.now()}\n`)
    await expect(open({ image, buildTimeoutMs: 1_500 })).rejects.toThrow(/longer than 1500 ms/)
    await expect(open({ image: { kind: 'name', name: 'no.such.registry.invalid/image:1' } })).rejects.toThrow(
      /not here and cannot be pulled/,
    )
  }, 60_000)

  it('take files of a task that cannot be read for a mistake of the task', async () => {
    const environment = await open()
    await expect(environment.copyIn([{ directory: '/nowhere-at-all', to: 'in' }])).rejects.toMatchObject({
      code: 'E_TASK_INVALID',
    })
    const image = { kind: 'build', context: '/nowhere-at-all', dockerfile: 'Dockerfile' } as const
    await expect(open({ image })).rejects.toMatchObject({ code: 'E_TASK_INVALID' })
  }, 60_000)

  it('are swept away when their Turnpike was killed, and only then', async () => {
    const code = `
      const { connectDocker } = await import(${JSON.stringify(join(process.cwd(), 'runner/environments/_docker-client.ts'))})
      connectDocker({ host: process.env.DOCKER_HOST ?? null, runtimeDirectory: null })
      const { default: docker } = await import(${JSON.stringify(join(process.cwd(), 'runner/environments/docker.ts'))})
      await docker.open({ trialId: 'orphan${process.pid}', runId: 'r', path: null, place: null, layer: null, proxyUrl: 'http://127.0.0.1:9' }, new AbortController().signal)
      console.log('open'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    atEnd(() => child.kill('SIGKILL'))
    await new Promise(resolve => child.stdout.once('data', resolve))
    const client = await useDocker()
    const count = async () =>
      (await client.listContainers({ all: true, filters: { label: [`${labels.trial}=orphan${process.pid}`] } })).length
    expect(await count()).toBe(2)
    await docker.sweep([])
    expect(await count()).toBe(2)
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    // Several Turnpikes may begin at once: what one of them takes away is no trouble of another.
    await Promise.all(Array.from({ length: 4 }, () => docker.sweep([])))
    expect(await count()).toBe(0)
  }, 60_000)

  it('leave nothing when they are closed, also many at once', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, () => open()))
    const said = await Promise.all(many.map((environment, at) => sh(environment, `echo ${at}`)))
    expect(said.map(result => result.stdout)).toEqual(many.map((_, at) => `${at}\n`))
    await Promise.all(many.map(environment => environment.onCopy(async () => sh(environment, 'true'))))
    await Promise.all(many.map(environment => environment.close()))
  }, 120_000)

  afterAll(async () => {
    const client = await useDocker()
    const left = await client.listContainers({ all: true, filters: { label: [`${labels.owner}=${ownerName()}`] } })
    const copies = await client.listImages({ filters: { label: [`${labels.made}=copy`] } })
    expect(left.map(container => container.Names)).toEqual([])
    expect(copies.filter(image => image.Labels?.[labels.owner] === ownerName())).toEqual([])
  })
})

it('knows its own process from one that has ended', () => {
  expect(isDead(ownerName())).toBe(false)
  expect(isDead(ownerName().replace(/\/\d+\//, '/999999999/'))).toBe(true)
  expect(isDead('another-machine/1/1')).toBe(false)
})
