// The wire table: how the proxy behaves where proxies usually fail. Raw-socket upstream, real store.
import http from 'node:http'
import zlib from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askRaw, eventually, header } from '../client.ts'
import { zstdEvents, zstdSecret, zstdText } from '../core/_zstd.ts'
import { openRig, type Rig } from '../rig.ts'
import {
  chunk,
  lastChunk,
  reply,
  startUpstream,
  streamHead,
  type Upstream,
  type UpstreamConnection,
  type UpstreamRequest,
} from '../upstream.ts'

let upstream: Upstream
let rig: Rig

async function open(answer: (request: UpstreamRequest, connection: UpstreamConnection) => void, options = {}): Promise<string> {
  upstream = await startUpstream(answer)
  rig = await openRig(upstream.url, options)
  return `${rig.proxy.url}/s/wire/v1/messages`
}

afterEach(async () => {
  await rig?.close()
  await upstream?.close()
})

const json = ['content-type', 'application/json'] as const
const post = { headers: json, body: '{"model":"m","messages":[]}' }
const event = (name: string, data: string) => `event: ${name}\ndata: ${data}\n\n`

describe('bytes', () => {
  it('are the same for the agent, the upstream and the record, in both directions', async () => {
    const answer = '{"type":"message","text":"ünïcode \\u0000"}'
    const url = await open((_, connection) =>
      connection.write(reply('200 OK', ['Content-Type: application/json', 'Request-Id: req_1'], answer)),
    )
    const body = '{"model":"m",  "messages":[ {"role":"user","content":"hä?"} ]}\n'
    const answered = await ask(`${url}?beta=true`, { headers: ['X-Custom-CASE', 'a', 'x-custom-case', 'b', ...json], body })
    expect(answered.body.toString()).toBe(answer)
    expect(upstream.requests[0]?.body.toString()).toBe(body)
    expect(upstream.requests[0]?.target).toBe('/v1/messages?beta=true')
    expect(upstream.requests[0]?.rawHeaders.join('|')).toContain('X-Custom-CASE|a|x-custom-case|b|content-type|application/json')
    const [exchange] = await rig.exchanges()
    expect(exchange).toMatchObject({
      outcome: 'complete',
      status: 200,
      path: '/v1/messages',
      query: 'beta=true',
      providerRequestId: 'req_1',
      protocol: 'anthropic-messages',
    })
    expect((await rig.body(exchange, 'request')).toString()).toBe(body)
    expect((await rig.body(exchange, 'response')).toString()).toBe(answer)
  })

  it('survive UTF-8 split at every byte of a stream', async () => {
    const stream = event('content_block_delta', '{"t":"日本語 ünï 🚀"}') + event('message_stop', '{"type":"message_stop"}')
    const url = await open(async (_, connection) => {
      connection.write(streamHead)
      for (const byte of Buffer.from(stream)) {
        connection.write(chunk(Buffer.from([byte])))
        await new Promise(resolve => setImmediate(resolve))
      }
      connection.write(lastChunk)
    })
    const answered = await ask(url, post)
    expect(answered.body.toString()).toBe(stream)
    expect(answered.broken).toBe(false)
    const [exchange] = await rig.exchanges()
    expect((await rig.body(exchange, 'response')).toString()).toBe(stream)
  })

  it.each([
    ['gzip', zlib.gzipSync],
    ['br', zlib.brotliCompressSync],
    ['deflate', zlib.deflateSync],
  ] as const)('keep their %s coding on the wire and in the record', async (encoding, encode) => {
    const coded = encode(Buffer.from('{"type":"message"}'))
    const url = await open((_, connection) =>
      connection.write(reply('200 OK', [`content-encoding: ${encoding}`, 'content-type: application/json'], coded)),
    )
    const answered = await ask(url, { ...post, headers: [...json, 'Accept-Encoding', 'gzip, br, deflate, zstd'] })
    expect(answered.body.equals(coded)).toBe(true)
    expect(header(answered, 'content-encoding')).toBe(encoding)
    expect(upstream.requests[0]?.head).toContain('Accept-Encoding: gzip, br, deflate, zstd')
    const [exchange] = await rig.exchanges()
    expect((await rig.body(exchange, 'response')).equals(coded)).toBe(true)
  })

  it('of a zstd body reach the upstream as sent, while a key in them is masked in the record', async () => {
    const url = await open((_, connection) => connection.write(reply('200 OK', ['content-encoding: zstd'], zstdText)))
    const key = ['x-api-key', 'sk-secret-0001', 'content-encoding', 'zstd']
    const answered = await ask(url, { headers: [...json, ...key], body: zstdSecret })
    expect([answered.body.equals(zstdText), upstream.requests[0]?.body.equals(zstdSecret)]).toEqual([true, true])
    const [exchange] = await rig.exchanges()
    const stored = await rig.store.readBody(exchange?.id ?? '', 'request')
    expect(stored?.decodedFrom).toBe('zstd')
    expect(stored?.masked).toHaveLength(3)
    expect(stored?.bytes.toString()).toContain('{"key":"**************"}{"key":"**************"}')
    expect((await rig.body(exchange, 'response')).equals(zstdText)).toBe(true)
  })

  it('of a zstd stream reach the agent event by event', async () => {
    const url = await open(async (_, connection) => {
      connection.write(streamHead.replace('\r\n\r\n', '\r\ncontent-encoding: zstd\r\n\r\n'))
      for (const part of zstdEvents) {
        connection.write(chunk(part))
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      connection.write(lastChunk)
    })
    const seen: Buffer[] = []
    const answered = await ask(url, { ...post, onData: bytes => void seen.push(bytes) })
    expect([answered.broken, answered.body.equals(Buffer.concat(zstdEvents))]).toEqual([false, true])
    expect(seen[0]?.equals(zstdEvents[0] ?? Buffer.alloc(0))).toBe(true)
  })

  it('of a compressed stream reach the agent event by event, the terminal one after the commit', async () => {
    const gzip = zlib.createGzip()
    const url = await open(async (_, connection) => {
      connection.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n',
      )
      gzip.on('data', (bytes: Buffer) => connection.write(chunk(bytes)))
      for (const text of [event('a', '1'), event('message_stop', '{}')]) {
        gzip.write(text)
        await new Promise<void>(resolve => gzip.flush(() => resolve()))
        await new Promise(resolve => setTimeout(resolve, 30))
      }
      gzip.on('end', () => connection.write(lastChunk))
      gzip.end()
    })
    const answered = await ask(url, post)
    expect(answered.broken).toBe(false)
    expect(zlib.gunzipSync(answered.body).toString()).toBe(event('a', '1') + event('message_stop', '{}'))
  })

  it('of duplicate headers and cookies are kept', async () => {
    const url = await open((_, connection) =>
      connection.write(reply('200 OK', ['Set-Cookie: a=1', 'set-cookie: b=2', 'X-Twice: 1', 'X-Twice: 2'], 'ok')),
    )
    const { rawHeaders } = await ask(url, post)
    expect(rawHeaders.slice(0, 8)).toEqual(['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'X-Twice', '1', 'X-Twice', '2'])
  })

  it('come chunked with trailers both ways', async () => {
    const url = await open((_, connection) =>
      connection.write(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n'),
          chunk('abc'),
          Buffer.from('0\r\nx-sum: 1\r\n\r\n'),
        ]),
      ),
    )
    const body = Buffer.alloc(300_000, 'x')
    const answered = await ask(url, {
      headers: ['transfer-encoding', 'chunked', 'trailer', 'x-digest'],
      body,
      onRequest: request => request.addTrailers([['X-Digest', 'abc']]),
    })
    expect(answered.body.toString()).toBe('abc')
    expect(answered.trailers).toEqual(['x-sum', '1'])
    expect(upstream.requests[0]?.trailers).toEqual(['X-Digest', 'abc'])
    const [exchange] = await rig.exchanges()
    expect(exchange?.requestHeaders.at(-1)).toEqual(['trailer:X-Digest', 'abc'])
    expect(exchange?.responseHeaders?.at(-1)).toEqual(['trailer:x-sum', '1'])
    expect(upstream.requests[0]?.body.equals(body)).toBe(true)
  })
})

describe('errors of the provider', () => {
  it.each([
    ['429 Too Many Requests', 429],
    ['529 Overloaded', 529],
    ['500 Internal Server Error', 500],
  ])('%s keeps status, retry-after and body', async (line, status) => {
    const body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    const url = await open((_, connection) => connection.write(reply(line, ['retry-after: 7', 'x-should-retry: true'], body)))
    const answered = await ask(url, post)
    expect([
      answered.status,
      header(answered, 'retry-after'),
      header(answered, 'x-should-retry'),
      answered.body.toString(),
    ]).toEqual([status, '7', 'true', body])
    expect(header(answered, 'x-turnpike-error')).toBeNull()
    expect((await rig.exchanges())[0]).toMatchObject({ status, outcome: 'complete', failure: null })
  })

  it.each([
    ['a reset', (connection: UpstreamConnection) => connection.reset()],
    ['a clean close without the last chunk', (connection: UpstreamConnection) => connection.end()],
  ])('%s in the middle of a stream stays a broken stream', async (_, breakOff) => {
    const first = event('content_block_delta', '{"half":')
    const url = await open((_request, connection) => {
      connection.write(streamHead)
      connection.write(chunk(first))
      setTimeout(() => breakOff(connection), 50)
    })
    const answered = await ask(url, post)
    expect(answered.broken).toBe(true)
    expect(answered.body.toString()).toBe(first)
    const [exchange] = await rig.exchanges()
    expect(exchange).toMatchObject({ outcome: 'upstream-cut', status: 200, failure: { code: 'E_UPSTREAM_CUT' } })
    expect((await rig.body(exchange, 'response')).toString()).toBe(first)
  })

  it('a counted body that ends early stays broken', async () => {
    const url = await open((_, connection) => {
      connection.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort')
      setTimeout(() => connection.end(), 30)
    })
    const answered = await ask(url, post)
    expect([answered.broken, answered.body.toString()]).toEqual([true, 'short'])
  })

  it('a reset before the head reaches the agent as a reset, not as an invented answer', async () => {
    const url = await open((_, connection) => connection.reset())
    await expect(ask(url, post)).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect((await rig.exchanges())[0]).toMatchObject({
      outcome: 'upstream-cut',
      status: null,
      failure: { code: 'E_UPSTREAM_CUT' },
    })
  })

  it('an upstream that is not there is a clear 502 in the dialect', async () => {
    const url = await open(() => undefined)
    await upstream.close()
    const answered = await ask(url, post)
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([502, 'E_UPSTREAM_UNREACHABLE'])
    expect(JSON.parse(answered.body.toString())).toMatchObject({ type: 'error', error: { type: 'api_error' } })
    const [exchange] = await rig.exchanges()
    expect(exchange).toMatchObject({ outcome: 'upstream-refused', status: 502, failure: { code: 'E_UPSTREAM_UNREACHABLE' } })
    expect((await rig.body(exchange, 'response')).equals(answered.body)).toBe(true)
  })
})

describe('an agent that goes away', () => {
  it('in mid-stream closes the upstream at once, 5 of 5', async () => {
    const closed: Array<Promise<void>> = []
    const url = await open((_, connection) => {
      closed.push(connection.closed)
      connection.write(streamHead)
      connection.write(chunk(event('a', '1')))
    })
    for (let time = 0; time < 5; time++) {
      const answered = await ask(url, { ...post, onData: (_, request) => request.destroy() }).catch(() => null)
      expect(answered === null || answered.broken).toBe(true)
      await Promise.race([
        closed[time],
        new Promise((_, reject) => setTimeout(() => reject(new Error('upstream left running')), 500)),
      ])
    }
    const exchanges = await rig.exchanges()
    expect(exchanges.map(exchange => exchange.outcome)).toEqual(Array(5).fill('client-aborted'))
    expect((await rig.body(exchanges[4], 'response')).toString()).toBe(event('a', '1'))
  })

  it('before the head closes the upstream at once, 5 of 5', async () => {
    const closed: Array<Promise<void>> = []
    const url = await open((_, connection) => void closed.push(connection.closed))
    for (let time = 0; time < 5; time++) {
      const asked = ask(url, {
        ...post,
        onRequest: request => void eventually(() => expect(closed).toHaveLength(time + 1)).then(() => request.destroy()),
      })
      await expect(asked).rejects.toThrow()
      await Promise.race([
        closed[time],
        new Promise((_, reject) => setTimeout(() => reject(new Error('upstream left running')), 500)),
      ])
    }
    expect((await rig.exchanges()).map(exchange => [exchange.outcome, exchange.status])).toEqual(
      Array(5).fill(['client-aborted', null]),
    )
  })

  it('after the terminal event has not aborted, though the upstream lingers', async () => {
    const url = await open((_, connection) => {
      connection.write(streamHead)
      connection.write(chunk(event('message_stop', '{"type":"message_stop"}')))
    })
    let text = ''
    const hangUp = (bytes: Buffer, request: http.ClientRequest) => {
      text += bytes.toString()
      if (text.endsWith('\n\n')) request.destroy()
    }
    await ask(url, { ...post, onData: hangUp }).catch(() => null)
    const [exchange] = await eventually(async () => {
      const all = await rig.store.exchanges({})
      expect(all[0]?.endedAt).not.toBeNull()
      return all
    })
    expect(exchange).toMatchObject({ outcome: 'complete', failure: null })
  })
})

describe('answered = committed', () => {
  it('the terminal event of a stream is seen only after the exchange can be read back whole', async () => {
    const start = event('message_start', '{}')
    const end = event('message_stop', '{"type":"message_stop"}')
    const url = await open(async (_, connection) => {
      connection.write(streamHead)
      connection.write(chunk(start))
      await new Promise(resolve => setTimeout(resolve, 40))
      connection.write(Buffer.concat([chunk(end), Buffer.from(lastChunk)]))
    })
    const seen: Array<Promise<string>> = []
    const readBack = async () => (await rig.body((await rig.store.exchanges({}))[0], 'response')).toString()
    await ask(url, {
      ...post,
      onData: bytes => {
        if (bytes.toString().includes('message_stop')) seen.push(readBack())
      },
    })
    expect(seen).toHaveLength(1)
    expect(await seen[0]).toBe(start + end)
  })

  it('the first event does not wait for the second', async () => {
    let release = (): void => undefined
    const url = await open((_, connection) => {
      connection.write(streamHead)
      connection.write(chunk(event('a', '1')))
      release = () => connection.write(Buffer.concat([chunk(event('b', '2')), Buffer.from(lastChunk)]))
    })
    let first = ''
    const answered = ask(url, {
      ...post,
      onData: bytes => {
        if (first === '') first = bytes.toString()
      },
    })
    await eventually(() => expect(first).toBe(event('a', '1')))
    release()
    expect((await answered).body.toString()).toBe(event('a', '1') + event('b', '2'))
  })
})

describe('connections', () => {
  it('answer Expect: 100-continue themselves and do not forward it', async () => {
    await open((_, connection) => connection.write(reply('200 OK', [], 'done')))
    const head = 'POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n'
    const text = await askRaw(rig.proxy.url, `${head}{}`, received => received.includes('done'))
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    expect(upstream.requests[0]?.head.toLowerCase()).not.toContain('expect')
  })

  it('that went stale fail 0 of 20 POSTs', async () => {
    const url = await open((request, connection) => {
      if (request.served % 2 === 1) connection.reset()
      else connection.write(reply('200 OK', [], 'ok'))
    })
    for (let time = 0; time < 20; time++) expect((await ask(url, post)).body.toString()).toBe('ok')
    const exchanges = await rig.exchanges()
    expect(exchanges).toHaveLength(20)
    expect(exchanges.filter(exchange => exchange.retries === 1).length).toBeGreaterThan(5)
  })

  it('are reused by agents that keep them alive', async () => {
    const url = await open((_, connection) => connection.write(reply('200 OK', [], 'ok')))
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let time = 0; time < 5; time++) expect((await ask(url, { ...post, agent })).status).toBe(200)
    agent.destroy()
    expect(upstream.connections()).toBe(1)
  })

  it('hold back an upstream whose agent does not read', async () => {
    let sent = 0
    const url = await open((_, connection) => {
      connection.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      const timer = setInterval(() => {
        if (sent >= 400) return clearInterval(timer)
        sent++
        connection.write(chunk(Buffer.alloc(256 * 1024, 'x')))
      }, 1)
      void connection.closed.then(() => clearInterval(timer))
    })
    const before = process.memoryUsage().rss
    await new Promise<void>((resolve, reject) => {
      const { hostname, port, pathname } = new URL(url)
      const request = http.request({ hostname, port, path: pathname, method: 'POST', agent: false }, answer => {
        answer.pause()
        setTimeout(() => {
          answer.destroy()
          resolve()
        }, 1500)
      })
      request.on('error', reject)
      request.end('{}')
    })
    const [exchange] = await rig.exchanges()
    expect(exchange?.outcome).toBe('client-aborted')
    expect(exchange?.responseBytes).toBeLessThan(30 * 1024 * 1024)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
  })

  it.each([
    ['HEAD', '200 OK', 'content-length: 5\r\n'],
    ['GET', '204 No Content', ''],
    ['GET', '304 Not Modified', ''],
  ])('%s %s has no body and ends', async (method, line, extra) => {
    await open((_, connection) => connection.write(`HTTP/1.1 ${line}\r\n${extra}\r\n`))
    const answered = await ask(`${rig.proxy.url}/anything`, { method })
    expect([answered.status, answered.body.length]).toEqual([Number(line.slice(0, 3)), 0])
    expect((await rig.exchanges())[0]).toMatchObject({ outcome: 'complete', responseBytes: 0, protocol: null })
  })
})

describe('bad input gets a clear answer', () => {
  const lengthAndChunked =
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'
  it.each([
    ['both length and chunked framing', lengthAndChunked],
    ['a malformed chunk', 'POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nhello\r\n'],
    ['two different lengths', 'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['a space in the header name', 'GET / HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n'],
  ])('%s is refused and never forwarded', async (_, bytes) => {
    await open((_request, connection) => connection.write(reply('200 OK', [], 'ok')))
    const text = await askRaw(rig.proxy.url, bytes)
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request/)
    expect(text).toContain('x-turnpike-error: E_BAD_REQUEST')
    expect(upstream.requests).toHaveLength(0)
  })

  it.each([
    ['to another protocol than a WebSocket is answered 426: plain requests pass', 'h2c', 426],
    ['to a WebSocket without its key is answered 400', 'websocket', 400],
  ])('an upgrade %s', async (_, protocol, status) => {
    await open(() => undefined)
    const head = `GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`
    const text = await askRaw(rig.proxy.url, head)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  it.each([
    ['declared', ['content-length', '5000']],
    ['chunked', ['transfer-encoding', 'chunked']],
    ['announced with Expect', ['expect', '100-continue', 'content-length', '5000']],
  ])('a body over the limit, %s, is a 413 in the dialect', async (_, headers) => {
    await open(() => undefined, { bodyBytesMax: 1000 })
    const lines = headers.reduce((text, value, index) => text + (index % 2 === 0 ? `${value}: ` : `${value}\r\n`), '')
    const payload =
      headers[0] === 'transfer-encoding'
        ? `1388\r\n${'x'.repeat(5000)}\r\n0\r\n\r\n`
        : headers[0] === 'expect'
          ? ''
          : 'x'.repeat(5000)
    const text = await askRaw(rig.proxy.url, `POST /v1/messages HTTP/1.1\r\nhost: x\r\n${lines}\r\n${payload}`)
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toContain('request_too_large')
  })

  it('an unknown token is a 401 in the dialect, and nothing is forwarded', async () => {
    await open(() => undefined)
    const answered = await ask(`${rig.proxy.url}/t/tp_unknown/v1/chat/completions`, post)
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([401, 'E_TOKEN_UNKNOWN'])
    expect(JSON.parse(answered.body.toString()).error).toMatchObject({ code: 'E_TOKEN_UNKNOWN' })
    expect(upstream.requests).toHaveLength(0)
  })

  it('broken JSON is the provider’s to judge: forwarded and recorded byte for byte', async () => {
    const url = await open((_, connection) => connection.write(reply('400 Bad Request', [], '{"type":"error"}')))
    const body = '{"model": "m", "messages": [}{{{\u0000'
    expect((await ask(url, { headers: json, body })).status).toBe(400)
    expect(upstream.requests[0]?.body.toString()).toBe(body)
    expect((await rig.body((await rig.exchanges())[0], 'request')).toString()).toBe(body)
  })
})
