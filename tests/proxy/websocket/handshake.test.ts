import type http from 'node:http'
import { describe, expect, it } from 'vitest'
import { findFlaw, linkRequest, modelOf, readHandshake } from '../../../proxy/websocket/handshake.ts'

function upgrade(url: string, rawHeaders: readonly string[] = [], method = 'GET'): http.IncomingMessage {
  const headers: Record<string, string> = {}
  for (let at = 0; at < rawHeaders.length; at += 2) headers[(rawHeaders[at] ?? '').toLowerCase()] = rawHeaders[at + 1] ?? ''
  return { url, rawHeaders, headers, method } as unknown as http.IncomingMessage
}

const sound = ['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==', 'Upgrade', 'websocket']
const read = (url: string, rawHeaders: readonly string[] = []) => readHandshake(upgrade(url, rawHeaders), 'id', 1)

describe('an upgrade is read', () => {
  it.each([
    ['/v1/responses', 'openai-responses'],
    ['/s/x/v1/responses?model=m', 'openai-responses'],
    ['/v1/realtime', null],
    // Claimed over HTTP, but its messages are not known on a socket.
    ['/v1/chat/completions', null],
    ['/v1/responses/input_tokens', null],
  ])('%s speaks %s', (url, protocol) => {
    expect(read(url).protocol?.id ?? null).toBe(protocol)
  })

  it('with its subprotocols and its offer of compression', () => {
    const handshake = read('/v1/realtime', [
      'Sec-WebSocket-Protocol',
      'realtime, beta',
      'sec-websocket-protocol',
      'third',
      'Sec-WebSocket-Extensions',
      'x-other, permessage-deflate; client_max_window_bits',
    ])
    expect([handshake.subprotocols, handshake.compression]).toEqual([['realtime', 'beta', 'third'], true])
    expect(read('/', ['Sec-WebSocket-Extensions', 'x-permessage-deflate']).compression).toBe(false)
  })

  it.each([
    ['/v1/realtime?model=gpt-rt', [], 'gpt-rt'],
    ['/v1/responses', ['x-codex-turn-metadata', '{"model":"gpt-5.5","turn_id":""}'], 'gpt-5.5'],
    ['/v1/responses', ['x-codex-turn-metadata', '{broken'], null],
    ['/v1/responses', ['x-codex-turn-metadata', 'null'], null],
    ['/v1/responses', [], null],
  ])('%s %j names the model %s', (url, headers, model) => {
    expect(modelOf(read(url, headers))).toBe(model)
  })
})

describe('a flaw', () => {
  it.each([
    [upgrade('/', sound), null],
    [upgrade('/', sound, 'POST'), /must be a GET/],
    [upgrade('/', ['Sec-WebSocket-Version', '8', ...sound.slice(2)]), /version 8/],
    [upgrade('/', sound.slice(2)), /version none/],
    [upgrade('/', [...sound, 'Content-Length', '3']), /carries a body/],
    [upgrade('/', [...sound, 'Content-Length', '0']), null],
    [upgrade('/', [...sound, 'Transfer-Encoding', 'chunked']), /carries a body/],
    [upgrade('/', [...sound.slice(0, 2), 'Sec-WebSocket-Key', 'short']), /sec-websocket-key/],
  ])('%#', (request, message) => {
    const flaw = findFlaw(request)
    if (message === null) expect(flaw).toBeNull()
    else expect(flaw?.message).toMatch(message)
  })
})

describe('what the upstream is asked', () => {
  const route = {
    name: 'real',
    origin: new URL('https://provider.example'),
    targetOf: (path: string) => `/base${path}`,
    credential: [['authorization', 'Bearer real']] as const,
    headers: [['x-extra', 'yes']] as const,
    upstreamModel: null,
    websocket: true,
  }
  const scope = { kind: 'trial', id: 't' } as const
  const handshake = read('/t/tp_token/v1/responses?x=1&key=tp_token', [
    'Host',
    'proxy',
    'Connection',
    'Upgrade',
    ...sound,
    'Authorization',
    'Bearer tp_token',
    'X-Other',
    'kept',
    'x-turnpike-session',
    's',
    'Sec-WebSocket-Protocol',
    'realtime, openai-insecure-api-key.tp_token',
  ])

  it('by a trial carries the proxy’s key and nothing of the token', () => {
    const asked = linkRequest(handshake, { scope, turn: 1, attempt: 1, ownKey: true }, route)
    expect(asked).toMatchObject({ target: '/base/v1/responses?x=1', subprotocols: ['realtime'], compression: false })
    expect(asked.headers).toEqual([
      ['Host', 'provider.example'],
      ['X-Other', 'kept'],
      ['authorization', 'Bearer real'],
      ['x-extra', 'yes'],
    ])
  })

  it('by others carries their own credential', () => {
    const asked = linkRequest(handshake, { scope, turn: null, attempt: null, ownKey: false }, route)
    expect(asked.headers).toContainEqual(['Authorization', 'Bearer tp_token'])
    expect(asked.subprotocols).toHaveLength(2)
  })
})
