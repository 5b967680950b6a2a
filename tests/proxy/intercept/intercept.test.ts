import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Authority, openAuthority } from '../../../proxy/intercept/authority.ts'
import { isSelf, refuseOwnProxy } from '../../../proxy/intercept/intercept.ts'
import { parseRoutes } from '../../../proxy/routes.ts'
import { createUlid } from '../../../store/ulid.ts'
import { makeAuthority, makeLeaf } from '../../certificates.ts'
import { askRaw, eventually } from '../../client.ts'
import { openRig, type Rig } from '../../rig.ts'

const origins = makeAuthority()
let authority: Authority
let directory: string
// Making keys takes seconds on a busy machine: once for all tests.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-intercept-'))
  authority = await openAuthority(directory)
})
afterAll(() => rm(directory, { recursive: true, force: true }))
const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Seen {
  readonly url: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A provider on this machine, known as localhost. */
async function startOrigin(
  secure = true,
): Promise<{ readonly port: number; readonly seen: Seen[]; readonly certificate: string }> {
  const seen: Seen[] = []
  const leaf = makeLeaf('localhost')
  const answer: http.RequestListener = (request, response) => {
    let body = ''
    request.on('data', bytes => (body += String(bytes)))
    request.on('end', () => {
      seen.push({ url: request.url, headers: request.headers, body })
      response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_i' })
      response.end(`{"from":"origin","path":"${request.url}"}`)
    })
  }
  const server = secure ? https.createServer(leaf, answer) : http.createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as net.AddressInfo).port, seen, certificate: leaf.cert }
}

async function open(hosts: readonly string[], port: number): Promise<{ rig: Rig; proxy: URL }> {
  const models = {
    version: 1,
    providers: {
      main: {
        key_env: 'MAIN_KEY',
        endpoints: { 'anthropic-messages': { base_url: `https://localhost:${port}`, auth: 'x-api-key' } },
      },
    },
    routes: [{ model: '*', provider: 'main' }],
  }
  const routes = parseRoutes(JSON.stringify(models), 'models.yaml', { MAIN_KEY: 'sk-the-proxys-own' })
  const rig = await openRig('http://127.0.0.1:1', {
    routes,
    access: { authorities: [origins.cert] },
    intercept: { hosts, authority },
  })
  closers.push(rig.close)
  return { rig, proxy: new URL(rig.proxy.url) }
}

interface Reached {
  readonly status: number
  readonly body: string
  readonly issuer: string
}

/** An https client that goes through the proxy as most do: CONNECT, then TLS on what comes back. */
async function reach(
  proxy: URL,
  port: number,
  ca: string,
  options: { readonly user?: string; readonly headers?: object; readonly path?: string; readonly host?: string } = {},
): Promise<Reached> {
  const host = options.host ?? 'localhost'
  const credential =
    options.user === undefined ? '' : `proxy-authorization: Basic ${Buffer.from(`${options.user}:x`).toString('base64')}\r\n`
  const raw = await new Promise<net.Socket>((resolve, reject) => {
    const socket = net.connect(Number(proxy.port), proxy.hostname, () =>
      socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nhost: ${host}:${port}\r\n${credential}\r\n`),
    )
    socket.once('data', data => (String(data).startsWith('HTTP/1.1 200') ? resolve(socket) : reject(new Error(String(data)))))
    socket.once('error', reject)
  })
  const secure = tls.connect({ socket: raw, servername: 'localhost', ca: [ca] })
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve)
    secure.once('error', reject)
  })
  const issuer = String(secure.getPeerCertificate().issuer.CN)
  return new Promise((resolve, reject) => {
    const body = '{"model":"claude-x","messages":[]}'
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      host: `${host}:${port}`,
      ...options.headers,
    }
    const request = http.request(
      { createConnection: () => secure, method: 'POST', path: options.path ?? '/v1/messages', headers },
      answer => {
        let text = ''
        answer.on('data', bytes => (text += String(bytes)))
        answer.on('end', () => {
          secure.destroy()
          resolve({ status: answer.statusCode ?? 0, body: text, issuer })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

describe('a listed host', () => {
  it('is answered with a certificate of the store, and its requests are recorded as any other', async () => {
    const origin = await startOrigin()
    const { rig, proxy } = await open(['local*'], origin.port)
    const got = await reach(proxy, origin.port, authority.certificate, {
      headers: { 'x-api-key': 'sk-of-the-agent' },
      path: '/v1/messages?beta=true',
    })
    expect(got).toMatchObject({
      status: 200,
      body: '{"from":"origin","path":"/v1/messages?beta=true"}',
      issuer: expect.stringMatching(/^Turnpike/),
    })
    expect(origin.seen[0]?.headers).toMatchObject({ host: `localhost:${origin.port}`, 'x-api-key': 'sk-of-the-agent' })
    const [exchange] = await rig.exchanges()
    expect(exchange).toMatchObject({
      protocol: 'anthropic-messages',
      route: 'intercept',
      path: '/v1/messages',
      query: 'beta=true',
      status: 200,
      outcome: 'complete',
      providerRequestId: 'req_i',
    })
    expect((await rig.body(exchange, 'request')).toString()).toBe(origin.seen[0]?.body)
    expect(JSON.stringify(exchange)).not.toContain('sk-of-the-agent')
  })

  it("gets a trial's requests with the proxy's own key, and never the token", async () => {
    const origin = await startOrigin()
    const { rig, proxy } = await open(['localhost'], origin.port)
    const trialId = await makeTrial(rig)
    const token = await rig.store.mintToken(trialId)
    await reach(proxy, origin.port, authority.certificate, { user: token, headers: { 'x-api-key': 'anything' } })
    expect(origin.seen[0]?.headers['x-api-key']).toBe('sk-the-proxys-own')
    expect(JSON.stringify(origin.seen)).not.toContain(token)
    const [exchange] = await rig.exchanges()
    expect(exchange).toMatchObject({ scope: { kind: 'trial', id: trialId }, turn: 2, attempt: 1 })
    expect(JSON.stringify(exchange)).not.toContain(token)
  })

  it('keeps what a trial presents to a host for which the proxy has no key, but for the token', async () => {
    const origin = await startOrigin()
    const { rig, proxy } = await open(['localhost'], 1)
    const token = await rig.store.mintToken(await makeTrial(rig))
    await reach(proxy, origin.port, authority.certificate, {
      user: token,
      headers: { authorization: 'Bearer login', 'x-api-key': token },
    })
    expect(origin.seen[0]?.headers.authorization).toBe('Bearer login')
    expect(JSON.stringify(origin.seen)).not.toContain(token)
  })

  it('puts a request into the session that the user of the proxy URL names', async () => {
    const origin = await startOrigin()
    const { rig, proxy } = await open(['localhost'], origin.port)
    await reach(proxy, origin.port, authority.certificate, { user: 'my-session', path: '/s/not-ours/v1/messages' })
    await reach(proxy, origin.port, authority.certificate, { headers: { 'x-claude-code-session-id': 'from-the-agent' } })
    const sessions = await rig.store.list('sessions')
    expect(sessions.map(session => session.name)).toEqual(['my-session', 'from-the-agent'])
    expect(origin.seen[0]?.url).toBe('/s/not-ours/v1/messages')
  })

  it('does not reach the control routes', async () => {
    const origin = await startOrigin()
    const { proxy } = await open(['localhost'], origin.port)
    const got = await reach(proxy, origin.port, authority.certificate, { path: '/_turnpike/health' })
    expect(got.body).toContain('"path":"/_turnpike/health"')
  })

  it('whose agent does not trust the authority is counted', async () => {
    const origin = await startOrigin()
    const { proxy } = await open(['localhost'], origin.port)
    await expect(reach(proxy, origin.port, origins.cert)).rejects.toThrow(/certificate/)
    await eventually(async () => expect(await metrics(proxy)).toMatch(/how="unused"} 1/))
  })

  it('speaks plain HTTP too, in absolute form', async () => {
    const origin = await startOrigin(false)
    const { rig, proxy } = await open(['localhost'], origin.port)
    const got = await askRaw(proxy.href, absolute(origin.port, 'proxy-authorization: Basic bXk6eA==\r\n'), text =>
      text.includes('origin'),
    )
    expect(got).toContain('"path":"/v1/messages?x=1"')
    expect(origin.seen[0]?.headers['proxy-authorization']).toBeUndefined()
    expect((await rig.exchanges())[0]).toMatchObject({ route: 'intercept', path: '/v1/messages', query: 'x=1' })
    expect((await rig.store.list('sessions'))[0]?.name).toBe('my')
  })
})

describe('a host that is not listed', () => {
  it('is tunnelled unread: the client sees its own certificate, nothing is recorded, the connection is counted', async () => {
    const origin = await startOrigin()
    const { rig, proxy } = await open(['api.example.com'], origin.port)
    const got = await reach(proxy, origin.port, origins.cert)
    expect(got).toMatchObject({ status: 200, issuer: 'test authority' })
    expect(await rig.exchanges()).toEqual([])
    expect(await metrics(proxy)).toMatch(/how="tunnelled"} 1/)
  })

  it('is relayed unread in absolute form', async () => {
    const origin = await startOrigin(false)
    const { rig, proxy } = await open(['api.example.com'], origin.port)
    expect(await askRaw(proxy.href, absolute(origin.port), text => text.includes('origin'))).toContain(
      '"path":"/v1/messages?x=1"',
    )
    expect(await rig.exchanges()).toEqual([])
    expect(await metrics(proxy)).toMatch(/how="relayed"} 1/)
  })

  it('and cannot be reached is a 502 that says why', async () => {
    const { proxy } = await open(['api.example.com'], 1)
    const text = await askRaw(proxy.href, 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 502[\s\S]*E_UPSTREAM_UNREACHABLE/)
  })
})

describe('a way back to the proxy itself', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]'])('by CONNECT to %s is refused', async host => {
    const { proxy } = await open(['*'], 1)
    const text = await askRaw(proxy.href, `CONNECT ${host}:${proxy.port} HTTP/1.1\r\nhost: x\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 400[\s\S]*NO_PROXY/)
  })
  it('in absolute form is refused', async () => {
    const { proxy } = await open(['*'], 1)
    expect(await askRaw(proxy.href, absolute(Number(proxy.port)), text => text.includes('NO_PROXY'))).toMatch(/^HTTP\/1\.1 400/)
  })
  it('through the environment of turnpike is refused', async () => {
    const { rig } = await open(['*'], 1)
    const own = new URL(rig.proxy.url)
    const server = http.createServer()
    Object.assign(server, { address: () => ({ port: Number(own.port) }) })
    const guarded = refuseOwnProxy({ proxyFor: () => own }, target => isSelf(server, target))
    expect(() => guarded.proxyFor?.(new URL('https://api.example'))).toThrow(/this proxy itself/)
  })
})

it.each(['CONNECT nowhere HTTP/1.1', 'CONNECT a b:1 HTTP/1.1', 'CONNECT x:0 HTTP/1.1'])('%s is refused', async line => {
  const { proxy } = await open(['*'], 1)
  expect(await askRaw(proxy.href, `${line}\r\nhost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/)
})

it('curl works through it with the authority of the store', async context => {
  const run = promisify(execFile)
  const found = await run('curl', ['--version']).then(
    () => true,
    () => false,
  )
  if (!found) return context.skip('there is no curl on this machine')
  const origin = await startOrigin()
  const { rig, proxy } = await open(['localhost'], origin.port)
  const through = `http://curl-session:x@127.0.0.1:${proxy.port}`
  const url = `https://localhost:${origin.port}/v1/messages`
  const { stdout } = await run('curl', [
    '-sS',
    '--noproxy',
    '',
    '--proxy',
    through,
    '--cacert',
    authority.file,
    '-d',
    '{"model":"m"}',
    url,
  ])
  expect(stdout).toBe('{"from":"origin","path":"/v1/messages"}')
  expect((await rig.exchanges())[0]).toMatchObject({ route: 'intercept', outcome: 'complete' })
  expect((await rig.store.list('sessions'))[0]?.name).toBe('curl-session')
})

function absolute(port: number, more = ''): string {
  return `POST http://localhost:${port}/v1/messages?x=1 HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 2\r\n${more}\r\n{}`
}

async function metrics(proxy: URL): Promise<string> {
  return (await fetch(`${proxy.origin}/_turnpike/metrics`)).text()
}

async function makeTrial(rig: Rig): Promise<string> {
  const id = createUlid()
  const runId = createUlid()
  const started = { startedAt: 1, endedAt: null }
  await rig.store.put('runs', [
    {
      id: runId,
      name: 'run',
      state: 'running',
      config: {},
      turnpikeVersion: 'test',
      simulated: false,
      plannedTurns: 2,
      ...started,
    },
  ])
  await rig.store.put('trials', [
    {
      id,
      runId,
      name: 't',
      taskId: 't',
      agent: 'a',
      model: null,
      index: 1,
      plannedTurns: 2,
      state: 'running',
      outcome: null,
      turn: 2,
      attempt: 1,
      snapshots: null,
      ...started,
    },
  ])
  return id
}
