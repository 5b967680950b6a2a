// The upgrade: what the upstream sees of it, what the agent gets, what is refused by whom and how that is recorded.

import net from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../../core/errors.ts'
import type { ForwardedExchange } from '../../../proxy/forward.ts'
import type { ProxyOptions } from '../../../proxy/server.ts'
import type { LinkLayer } from '../../../proxy/websocket/link.ts'
import { askRaw } from '../../client.ts'
import { startTrial } from '../../rig.ts'
import { openSlowStore, openSocketRig, realKey, routesTo, type SocketRig } from '../../socket-rig.ts'
import { answerMessages, create, openAgent, type Refused, type UpstreamScript } from '../../sockets.ts'

let at: SocketRig

async function open(script: UpstreamScript, options?: (url: string) => Partial<ProxyOptions>): Promise<string> {
  at = await openSocketRig(script, options)
  return at.url
}

afterEach(() => at?.close())

const refusedBy = (opening: Promise<unknown>): Promise<Refused> =>
  opening.then(
    () => Promise.reject(new Error('it was accepted')),
    (refused: Refused) => refused,
  )
const headerOf = ({ rawHeaders }: Refused, name: string): string | null => {
  const found = rawHeaders.findIndex((value, index) => index % 2 === 0 && value.toLowerCase() === name)
  return found < 0 ? null : (rawHeaders[found + 1] ?? null)
}

describe('an upgrade', () => {
  it('reaches the upstream with the agent’s fields, and its 101 the agent with the upstream’s', async () => {
    const url = await open({
      headers: ['X-Codex-Turn-State: abc', 'Set-Cookie: a=1', 'set-cookie: b=2'],
      settings: { perMessageDeflate: true, handleProtocols: offered => [...offered][1] ?? false },
    })
    const options = {
      perMessageDeflate: true,
      headers: {
        authorization: 'Bearer sk-agent-own-key',
        'X-Custom-CASE': 'a',
        'openai-beta': 'responses_websockets=2026-02-06',
      },
    }
    let rawHeaders: string[] = []
    const opening = openAgent(
      `${url}?b=%7e&a=1//2`,
      {
        ...options,
        finishRequest: request => {
          request.on('upgrade', answer => (rawHeaders = answer.rawHeaders))
          request.end()
        },
      },
      ['one', 'two'],
    )
    const agent = await opening
    expect(agent.socket.protocol).toBe('two')
    expect(agent.socket.extensions).toBe('permessage-deflate')
    expect(rawHeaders.join('|')).toContain('X-Codex-Turn-State|abc|Set-Cookie|a=1|set-cookie|b=2')
    const [seen] = at.upstream.handshakes
    expect(seen?.url).toBe('/v1/responses?b=%7e&a=1//2')
    const fields = seen?.rawHeaders.join('|') ?? ''
    expect(fields).toMatch(/^Host\|127\.0\.0\.1:\d+\|/)
    expect(fields).toContain('authorization|Bearer sk-agent-own-key|X-Custom-CASE|a|openai-beta|responses_websockets=2026-02-06')
    expect(fields).toContain('Sec-WebSocket-Protocol|one,two')
    expect(fields).toContain('Sec-WebSocket-Extensions|permessage-deflate')
    expect(fields.match(/sec-websocket-key/gi)).toHaveLength(1)
    const [exchange] = await at.rig.exchanges()
    expect(exchange).toMatchObject({ method: 'GET', status: 101, outcome: 'complete', protocol: null, query: 'b=%7e&a=1//2' })
    expect(exchange?.requestHeaders.find(([name]) => name === 'authorization')?.[1]).toBe(`Bearer ${'*'.repeat(16)}`)
    expect(exchange?.responseHeaders?.map(([name]) => name)).toContain('X-Codex-Turn-State')
  })

  it('asks for the path as it was written', async () => {
    const url = new URL(await open({}))
    const target = "/v1/./x/../responses?a='b'&c=|"
    const fields = 'host: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13'
    const head = `GET ${target} HTTP/1.1\r\n${fields}\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
    expect(await askRaw(url.origin, head, text => text.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 101 /)
    expect(at.upstream.handshakes[0]?.url).toBe(target)
  })

  it('offers no compression that the agent did not offer', async () => {
    await openAgent(await open({ settings: { perMessageDeflate: true } }))
    expect(at.upstream.handshakes[0]?.rawHeaders.join('|')).not.toMatch(/extensions/i)
  })

  it('is answered only after the upstream’s answer is committed', async () => {
    const { store, release } = await openSlowStore()
    release()
    const order: string[] = []
    const end: typeof store.recorder.end = async (id, ended) => {
      await new Promise(resolve => setTimeout(resolve, 60))
      await store.recorder.end(id, ended)
      order.push(`committed ${ended.status}`)
    }
    const url = await open({ onOpen: () => order.push('upstream opened') }, () => ({
      store: { ...store, recorder: { ...store.recorder, end } },
    }))
    await openAgent(url)
    order.push('agent opened')
    expect(order).toEqual(['upstream opened', 'committed 101', 'agent opened'])
  })

  it('keeps what the upstream said before the agent had its 101', async () => {
    const url = await open({
      onOpen: ({ send, socket }) => {
        send('{"type":"codex.rate_limits"}')
        socket.close(1013, 'later')
      },
    })
    const agent = await openAgent(url)
    expect(await agent.closed).toEqual({ code: 1013, reason: 'later' })
    expect(agent.texts()).toEqual(['{"type":"codex.rate_limits"}'])
  })
})

describe('the upstream’s refusal', () => {
  it.each([
    ['426 Upgrade Required', 426, 'upgrade: websocket'],
    ['401 Unauthorized', 401, 'www-authenticate: Bearer'],
    ['404 Not Found', 404, 'x-request-id: req_1'],
    ['500 Internal Server Error', 500, 'retry-after: 3'],
  ])('%s passes as it is and is recorded', async (line, status, field) => {
    const body = `{"error":{"message":"${line}"}}`
    const refuse = (socket: Duplex): void => {
      socket.end(
        `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\n${field}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
    }
    const refused = await refusedBy(openAgent(await open({ refuse })))
    expect([refused.status, refused.body, headerOf(refused, 'content-type')]).toEqual([status, body, 'application/json'])
    const [name = '', value = ''] = field.split(': ')
    expect(headerOf(refused, name)).toBe(value)
    const [exchange] = await at.rig.exchanges()
    expect(exchange).toMatchObject({ method: 'GET', status, outcome: 'complete', failure: null })
    expect((await at.rig.body(exchange, 'response')).toString()).toBe(body)
  })

  it('in chunks arrives whole', async () => {
    const refuse = (socket: Duplex): void => {
      socket.end('HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
    }
    const refused = await refusedBy(openAgent(await open({ refuse })))
    expect([refused.status, refused.body]).toEqual([403, 'abcde'])
  })

  it('by a reset is a reset for the agent', async () => {
    const url = await open({ refuse: socket => socket.destroy() })
    await expect(openAgent(url)).rejects.toThrow(/hang up|ECONNRESET/)
    expect(await at.rig.exchanges()).toMatchObject([
      { outcome: 'upstream-cut', status: null, failure: { code: 'E_UPSTREAM_CUT' } },
    ])
  })

  it('to speak WebSocket properly is no success', async () => {
    const refuse = (socket: Duplex): void => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: no\r\n\r\n',
      )
    }
    await expect(openAgent(await open({ refuse }))).rejects.toThrow(/hang up|ECONNRESET/)
    expect(await at.rig.exchanges()).toMatchObject([{ outcome: 'upstream-cut', status: null }])
  })

  it('to be there is a clear 502', async () => {
    const url = await open({})
    await at.upstream.close()
    const refused = await refusedBy(openAgent(url))
    expect([refused.status, headerOf(refused, 'x-turnpike-error')]).toEqual([502, 'E_UPSTREAM_UNREACHABLE'])
    expect(await at.rig.exchanges()).toMatchObject([{ outcome: 'upstream-refused', status: 502 }])
  })
})

describe('the proxy refuses', () => {
  it('an unknown token with 401 in the dialect', async () => {
    await open({})
    const refused = await refusedBy(openAgent(`${at.rig.proxy.url}/t/tp_nobody/v1/responses`))
    expect([refused.status, headerOf(refused, 'x-turnpike-error')]).toEqual([401, 'E_TOKEN_UNKNOWN'])
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'E_TOKEN_UNKNOWN' } })
    expect(at.upstream.handshakes).toEqual([])
  })

  it('with 426 at once where the route takes no WebSockets, and records that', async () => {
    const url = await open({}, upstream => ({ routes: routesTo(upstream) }))
    const metadata = { 'x-codex-turn-metadata': '{"model":"plain-1"}' }
    const refused = await refusedBy(openAgent(url, { headers: metadata }))
    expect([refused.status, headerOf(refused, 'x-turnpike-error')]).toEqual([426, 'E_NO_WEBSOCKET'])
    expect(await at.rig.exchanges()).toMatchObject([{ outcome: 'refused', status: 426, failure: { code: 'E_NO_WEBSOCKET' } }])
    expect(at.upstream.handshakes).toEqual([])
  })

  it('a model that no route serves with 404, where the query names it', async () => {
    await open({}, upstream => ({ routes: routesTo(upstream) }))
    const { token } = await startTrial(at.rig.store)
    await openAgent(`${at.rig.proxy.url}/t/${token}/v1/responses?model=gpt-1`)
    expect(at.upstream.handshakes[0]?.rawHeaders.join('|')).toContain(`Bearer ${realKey}`)
    const refused = await refusedBy(openAgent(`${at.rig.proxy.url}/t/${token}/v1/responses?model=nobody`))
    expect([refused.status, headerOf(refused, 'x-turnpike-error')]).toEqual([404, 'E_MODEL_UNKNOWN'])
  })

  it('with 503 while the store cannot be written', async () => {
    const { store, release } = await openSlowStore()
    release()
    const begin: typeof store.recorder.begin = () => Promise.reject(new TurnpikeError('E_RECORD_FAILED', 'disk full'))
    const url = await open({}, () => ({ store: { ...store, recorder: { ...store.recorder, begin } } }))
    expect((await refusedBy(openAgent(url))).status).toBe(503)
    expect(at.upstream.handshakes).toEqual([])
  })

  it.each([
    ['a body', 'content-length: 5\r\n', 400],
    ['no key', 'x: y\r\n', 400],
  ])('%s with 400', async (what, field, status) => {
    const url = new URL(await open({}))
    const key = what === 'no key' ? '' : 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    const head = `GET ${url.pathname} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n${key}${field}\r\n`
    expect(await askRaw(url.origin, head)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(at.upstream.handshakes).toEqual([])
  })

  it('other protocols with 426, so that the caller goes on without', async () => {
    const url = new URL(await open({}))
    const head = `POST ${url.pathname} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}`
    expect(await askRaw(url.origin, head)).toMatch(/^HTTP\/1\.1 426 /)
  })

  it('sockets to its own control routes', async () => {
    await open({})
    expect((await refusedBy(openAgent(`${at.rig.proxy.url}/_turnpike/health`))).status).toBe(426)
    expect(at.upstream.handshakes).toEqual([])
  })

  it('without being held up by an agent that stays', async () => {
    const url = new URL(await open({}))
    const head = `GET ${url.pathname} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n`
    const stubborn = net.connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true }, () => stubborn.write(head))
    await new Promise(resolve => stubborn.once('data', resolve))
    await at.rig.proxy.drain(600_000) // longer than any test may take
    stubborn.destroy()
  })

  it('an agent that went away meanwhile: the upstream’s socket is closed', async () => {
    let answer = (): void => undefined
    const refuse = (socket: Duplex): void => {
      answer = () => socket.end()
      socket.once('close', () => answer())
    }
    const url = new URL(await open({ refuse }))
    const head = `GET ${url.pathname} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`
    await askRaw(url.origin, head, () => false, 300)
    expect(await at.rig.exchanges()).toMatchObject([{ outcome: 'client-aborted', status: null }])
  })
})

it('a key among the subprotocols is masked, and a trial’s is not sent on', async () => {
  await open({ settings: { handleProtocols: offered => [...offered][0] ?? false } })
  const { token } = await startTrial(at.rig.store)
  await openAgent(`${at.rig.proxy.url}/v1/realtime`, {}, ['realtime', `openai-insecure-api-key.${token}`])
  expect(at.upstream.handshakes[0]?.rawHeaders.join('|')).not.toContain(token)
  const [exchange] = await at.rig.exchanges()
  expect(exchange?.scope).toEqual({ kind: 'trial', id: 'trial1' })
  expect(JSON.stringify(exchange)).not.toContain(token)
})

describe('a layer around the linker', () => {
  it('may answer in the upstream’s place, message by message, and say what it did', async () => {
    const asked: ForwardedExchange[] = []
    const layer: LinkLayer = () => ({
      open: (_, events) => {
        setImmediate(() => events.onOpen({ status: 101, statusText: 'Switching Protocols', headers: [['x-layer', 'yes']] }))
        const nothing = () => undefined
        return {
          send: (__, exchange) => {
            asked.push(exchange)
            for (const text of answerMessages('resp_1')) events.onMessage({ payload: Buffer.from(text), binary: false })
          },
          note: id => (id === asked[0]?.id ? { code: 'E_UPSTREAM_CUT', message: 'on purpose' } : null),
          ...{ ping: nothing, pong: nothing, terminate: nothing, pause: nothing, resume: nothing },
          close: (code, reason) => events.onClose(code, reason),
          bufferedBytes: () => 0,
        }
      },
    })
    const agent = await openAgent(await open({}, () => ({ linkLayers: [layer] })))
    agent.socket.send(create())
    expect(await agent.messages(4)).toEqual(answerMessages('resp_1'))
    const [exchange] = await at.asked()
    expect(asked[0]).toMatchObject({ id: exchange?.id, method: 'WS', path: '/v1/responses', route: 'upstream' })
    expect(Buffer.from(asked[0]?.body ?? []).toString()).toBe(create())
    expect(exchange).toMatchObject({ outcome: 'complete', failure: { code: 'E_UPSTREAM_CUT', message: 'on purpose' } })
    expect(at.upstream.handshakes).toEqual([])
  })
})
