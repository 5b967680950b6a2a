import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Forwarder } from '../../proxy/forward.ts'
import type { UpstreamAccess } from '../../proxy/forward-connections.ts'
import { describeUnreachable } from '../../proxy/forward-failure.ts'
import { createForwarder } from '../../proxy/forwarder.ts'
import { expired, makeAuthority, makeLeaf, type Pair } from '../certificates.ts'
import { ask, header } from '../client.ts'
import { openRig } from '../rig.ts'
import { startConnectProxy } from './_connect-proxy.ts'
import { requestOf, send } from './_forward.ts'

const authority = makeAuthority()
const authorities = [authority.cert]
const closers: Array<() => void> = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const answer: http.RequestListener = (request, response) => {
  request.resume().on('end', () => response.end(`answer to ${request.url} for ${request.headers.host}`))
}

async function listen(server: http.Server, scheme: string): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections?.()
    server.close()
  })
  return `${scheme}://127.0.0.1:${(server.address() as net.AddressInfo).port}/v1`
}

function open(access: UpstreamAccess): Forwarder {
  const forwarder = createForwarder(access)
  closers.push(forwarder.close)
  return forwarder
}

const secure = (leaf: Pair = makeLeaf('127.0.0.1')): Promise<string> => listen(https.createServer(leaf, answer), 'https')

describe('the certificate of an upstream', () => {
  it('is taken when its authority is trusted', async () => {
    expect((await send(open({ authorities }), requestOf(await secure()))).body).toContain('answer to /v1')
  })

  it.each([
    ['an authority nobody knows', makeLeaf('127.0.0.1'), {}, /its authority is not known here/, /--upstream-ca/],
    ['another name', makeLeaf('other.example'), { authorities }, /made out to another name/, /no switch/],
    ['a day that has passed', makeLeaf('127.0.0.1', expired), { authorities }, /has expired/, /no switch/],
  ])('with %s stops the request before anything is sent', async (_, leaf, access, words, hint) => {
    let asked = 0
    const url = await listen(
      https.createServer(leaf, () => asked++),
      'https',
    )
    const { failure } = await send(open(access), requestOf(url))
    expect([failure?.stage, asked]).toEqual(['connect', 0])
    const error = describeUnreachable({ origin: new URL(url), name: 'main' }, failure?.error ?? new Error('none'))
    expect(error.code).toBe('E_UPSTREAM_UNTRUSTED')
    expect(error.message).toMatch(words)
    expect(error.message).toContain(new URL(url).origin)
    expect(error.hint).toMatch(hint)
  })

  it('that does not hold is a clear 502 for the agent, and recorded', async () => {
    const rig = await openRig(await secure())
    const answered = await ask(`${rig.proxy.url}/v1/messages`, { body: '{}' })
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([502, 'E_UPSTREAM_UNTRUSTED'])
    expect(answered.body.toString()).toContain('--upstream-ca')
    expect((await rig.exchanges())[0]).toMatchObject({ outcome: 'upstream-refused', failure: { code: 'E_UPSTREAM_UNTRUSTED' } })
    await rig.close()
  })
})

describe('a proxy on the way', () => {
  const user = 'me:pass%21word'
  async function startProxy(): Promise<Awaited<ReturnType<typeof startConnectProxy>>> {
    const proxy = await startConnectProxy('me:pass!word')
    closers.push(proxy.close)
    return proxy
  }

  it('tunnels https, and the tunnel is used again', async () => {
    const [url, proxy] = [await secure(), await startProxy()]
    const forwarder = open({ authorities, proxyFor: () => proxy.url(user) })
    for (let time = 0; time < 3; time++) expect((await send(forwarder, requestOf(url))).body).toContain('answer to /v1')
    expect(proxy.tunnels).toEqual([new URL(url).host])
  })

  it('relays plain http in absolute form and learns its own password only', async () => {
    const [url, proxy] = [await listen(http.createServer(answer), 'http'), await startProxy()]
    const outcome = await send(open({ proxyFor: () => proxy.url(user) }), requestOf(url))
    expect(outcome.body).toBe(`answer to /v1 for ${new URL(url).host}`)
    expect(proxy.requests.map(request => request.url)).toEqual([url])
  })

  it('tunnels HTTP/2', async () => {
    const server = http2.createSecureServer(makeLeaf('127.0.0.1'), (_, response) => response.end('over 2'))
    server.listen(0, '127.0.0.1')
    await new Promise<void>(resolve => server.once('listening', resolve))
    closers.push(() => void server.close())
    const [url, proxy] = [`https://127.0.0.1:${(server.address() as net.AddressInfo).port}/`, await startProxy()]
    const outcome = await send(open({ authorities, proxyFor: () => proxy.url(user) }), requestOf(url, { http: 2 }))
    expect([outcome.body, proxy.tunnels.length]).toEqual(['over 2', 1])
  })

  it('that refuses is an error of its own, not an answer of the provider', async () => {
    const [url, proxy] = [await secure(), await startProxy()]
    const { status, failure } = await send(open({ authorities, proxyFor: () => proxy.url('me:wrong') }), requestOf(url))
    expect([status, failure?.stage]).toEqual([null, 'connect'])
    const error = describeUnreachable({ origin: new URL(url), name: 'main' }, failure?.error ?? new Error('none'))
    expect(error.code).toBe('E_UPSTREAM_UNREACHABLE')
    expect(error.message).toMatch(/the proxy 127\.0\.0\.1:\d+ refused the way to 127\.0\.0\.1:\d+: 407/)
    expect(error.message + error.hint).not.toContain('wrong')
  })

  it('that is not there is named', async () => {
    const proxy = await startConnectProxy()
    proxy.close()
    const { failure } = await send(open({ authorities, proxyFor: () => proxy.url() }), requestOf(await secure()))
    expect(failure?.error.message).toMatch(/the proxy 127\.0\.0\.1:\d+ cannot be reached/)
  })

  it('still leads to an upstream whose certificate is checked', async () => {
    const [url, proxy] = [await secure(), await startProxy()]
    const { failure } = await send(open({ proxyFor: () => proxy.url(user) }), requestOf(url))
    expect(failure).toMatchObject({ stage: 'connect', error: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } })
  })

  it('is no place where secrets are kept: they are masked wherever they turn up', async () => {
    const rig = await openRig(
      await listen(
        http.createServer((_, response) => response.end('proxy says pass!word')),
        'http',
      ),
      {
        secrets: ['pass!word'],
      },
    )
    await ask(`${rig.proxy.url}/v1/messages`, { body: 'is it pass!word?' })
    const [exchange] = await rig.exchanges()
    expect((await rig.body(exchange, 'request')).toString()).toBe('is it *********?')
    expect((await rig.body(exchange, 'response')).toString()).toBe('proxy says *********')
    await rig.close()
  })
})
