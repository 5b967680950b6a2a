import http2 from 'node:http2'
import https from 'node:https'
import type net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Forwarder } from '../../proxy/forward.ts'
import { createForwarder } from '../../proxy/forwarder.ts'
import { parseRoutes } from '../../proxy/routes.ts'
import { makeAuthority, makeLeaf } from '../certificates.ts'
import { ask, eventually } from '../client.ts'
import { openRig } from '../rig.ts'
import { requestOf, send } from './_forward.ts'
import { type FrameServer, type FrameStream, startFrameServer } from './_http2-frames.ts'

const authority = makeAuthority()
let forwarder: Forwarder
let close: () => void = () => undefined

interface Server {
  readonly url: string
  readonly sessions: () => number
  readonly last: () => http2.ServerHttp2Session | undefined
}

type Answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, raw: string[]) => void

async function startServer(
  answer: Answer,
  options: http2.SecureServerOptions & { readonly plain?: boolean } = {},
): Promise<Server> {
  const server = options.plain ? http2.createServer(options) : http2.createSecureServer({ ...makeLeaf('127.0.0.1'), ...options })
  const sessions: http2.ServerHttp2Session[] = []
  server.on('session', session => {
    sessions.push(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, _flags: number, raw: unknown) => {
    stream.on('error', () => undefined)
    answer(stream, headers, raw as string[])
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  close = () => {
    for (const session of sessions) session.destroy()
    server.close()
  }
  const { port } = server.address() as net.AddressInfo
  return {
    url: `${options.plain ? 'http' : 'https'}://127.0.0.1:${port}/v1/messages`,
    sessions: () => sessions.length,
    last: () => sessions.at(-1),
  }
}

async function startFrames(answer: (stream: FrameStream) => void): Promise<FrameServer> {
  const server = await startFrameServer(answer)
  close = server.close
  return server
}

const ok: Answer = stream => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain', 'x-twice': ['a', 'b'] })
  stream.end('answer')
}
const http = 2 as const

beforeEach(() => {
  forwarder = createForwarder({ authorities: [authority.cert] })
})
afterEach(() => {
  forwarder.close()
  close()
})

describe('a request over HTTP/2', () => {
  it.each([
    ['over TLS', false],
    ['with prior knowledge', true],
  ])('gives and gets the same bytes %s', async (_, plain) => {
    const seen: { headers?: http2.IncomingHttpHeaders; body?: string } = {}
    const server = await startServer(
      (stream, headers) => {
        seen.headers = headers
        let body = ''
        stream.on('data', bytes => (body += String(bytes)))
        stream.on('end', () => {
          seen.body = body
          ok(stream, headers, [])
        })
      },
      { plain },
    )
    const { headers } = requestOf(server.url)
    const more = [
      ['X-Custom', '1'],
      ['x-custom', '2'],
      ['Connection', 'keep-alive'],
      ['Transfer-Encoding', 'chunked'],
      ['TE', 'trailers'],
    ] as const
    const body = Buffer.from('{"model":"ünï"}')
    const outcome = await send(forwarder, requestOf(server.url, { http, headers: [...headers, ...more], body }))
    expect(outcome).toMatchObject({ status: 200, body: 'answer', failure: null, retries: 0 })
    expect(outcome.headers.filter(([name]) => name === 'x-twice').map(([, value]) => value)).toEqual(['a', 'b'])
    expect(outcome.headers.some(([name]) => name.startsWith(':'))).toBe(false)
    expect(seen.body).toBe('{"model":"ünï"}')
    expect(seen.headers).toMatchObject({
      ':method': 'POST',
      ':path': '/v1/messages',
      ':authority': new URL(server.url).host,
      'x-custom': '1, 2',
    })
    for (const name of ['connection', 'transfer-encoding', 'te', 'host']) expect(seen.headers?.[name], name).toBeUndefined()
  })

  it('carries trailers both ways', async () => {
    let got: unknown = null
    const server = await startServer(stream => {
      stream.on('trailers', fields => (got = { ...fields }))
      stream.on('data', () => undefined)
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
        stream.end('abc')
      })
    })
    const outcome = await send(forwarder, requestOf(server.url, { http, body: Buffer.from('x'), trailers: [['X-Digest', 'd']] }))
    expect(outcome).toMatchObject({ body: 'abc', trailers: [['x-sum', '1']], failure: null })
    expect(got).toMatchObject({ 'x-digest': 'd' })
  })

  it('shares one session with forty others, and none waits for another', async () => {
    let waiting: http2.ServerHttp2Stream[] = []
    const server = await startServer((stream, headers, raw) => {
      waiting.push(stream)
      if (waiting.length < 40) return
      for (const each of waiting) ok(each, headers, raw)
      waiting = []
    })
    const all = await Promise.all(
      Array.from({ length: 40 }, () => send(forwarder, requestOf(server.url, { http, body: Buffer.from('x') }))),
    )
    expect(all.map(outcome => outcome.body)).toEqual(Array(40).fill('answer'))
    expect(server.sessions()).toBe(1)
  })

  it('takes a further session where the upstream bounds its streams', async () => {
    const waiting: http2.ServerHttp2Stream[] = []
    const server = await startServer(
      (stream, headers, raw) => {
        waiting.push(stream)
        if (waiting.length === 2) for (const each of waiting) ok(each, headers, raw)
      },
      { settings: { maxConcurrentStreams: 1 } },
    )
    const all = await Promise.all([1, 2].map(() => send(forwarder, requestOf(server.url, { http }))))
    expect(all.map(outcome => outcome.body)).toEqual(['answer', 'answer'])
    expect(server.sessions()).toBe(2)
  })
})

describe('an upstream that refuses', () => {
  it('a stream before looking at it gets the request once more, and no third time', async () => {
    const server = await startFrames(stream => {
      if (stream.number === 1) {
        stream.headers()
        stream.data('answer', true)
      } else stream.reset(http2.constants.NGHTTP2_REFUSED_STREAM)
    })
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer', retries: 1, failure: null })
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({
      retries: 1,
      failure: { stage: 'before-head' },
    })
    expect([server.opened(), server.connections()]).toEqual([4, 1])
  })

  it('a stream with a GOAWAY gets it on a new session, while the old one ends its own', async () => {
    let first: FrameStream | null = null
    const server = await startFrames(stream => {
      stream.headers()
      if (stream.number === 0) {
        first = stream
        stream.data('begin ')
      } else if (stream.number === 1) stream.goAway(1)
      else stream.data('answer', true)
    })
    const begun = send(forwarder, requestOf(server.url, { http }))
    await eventually(() => expect(server.opened()).toBe(1))
    // Its head came, but by the last id the upstream says that it did not process it: nothing of it is given to the agent twice.
    expect((await send(forwarder, requestOf(server.url, { http }))).failure?.stage).toBe('mid-answer')
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer', retries: 0 })
    expect(server.connections()).toBe(2)
    ;(first as FrameStream | null)?.data('end', true)
    expect(await begun).toMatchObject({ body: 'begin end', failure: null })
  })

  it('all further streams with a GOAWAY before their heads gets them on a new session', async () => {
    const server = await startFrames(stream => {
      if (stream.number === 0) return stream.goAway(0)
      stream.headers()
      stream.data('answer', true)
    })
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer', retries: 1 })
    expect(server.connections()).toBe(2)
  })

  it('HTTP/2 itself is named so', async () => {
    const server = https.createServer(makeLeaf('127.0.0.1'), (_, response) => response.end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    close = () => void server.close()
    const url = `https://127.0.0.1:${(server.address() as net.AddressInfo).port}/`
    const { failure } = await send(forwarder, requestOf(url, { http }))
    expect(failure?.stage).toBe('connect')
    expect(failure?.error.message).toMatch(/does not speak HTTP\/2|no application protocol/i)
  })
})

describe('a stream that breaks', () => {
  it.each([
    ['an error', (stream: FrameStream) => stream.reset(http2.constants.NGHTTP2_INTERNAL_ERROR)],
    ['a cancel', (stream: FrameStream) => stream.reset(http2.constants.NGHTTP2_CANCEL)],
    ['a reset that claims there was no error', (stream: FrameStream) => stream.reset(http2.constants.NGHTTP2_NO_ERROR)],
    ['its whole connection', (stream: FrameStream) => stream.destroy()],
  ])('in mid-answer with %s stays broken', async (_, breakOff) => {
    let open: FrameStream | null = null
    const server = await startFrames(stream => {
      open = stream
      stream.headers()
      stream.data('half')
    })
    const outcome = await send(forwarder, requestOf(server.url, { http }), { data: () => open && breakOff(open) })
    expect(outcome).toMatchObject({ status: 200, body: 'half', failure: { stage: 'mid-answer' } })
  })

  it('before its head is no answer, and is not tried again', async () => {
    const server = await startFrames(stream => stream.reset(http2.constants.NGHTTP2_INTERNAL_ERROR))
    const outcome = await send(forwarder, requestOf(server.url, { http }))
    expect(outcome).toMatchObject({ status: null, failure: { stage: 'before-head' }, retries: 0 })
  })

  it('because its idle session had died is tried once on a new one', async () => {
    const server = await startFrames(stream => {
      if (stream.number === 1) return stream.destroy()
      stream.headers()
      stream.data('answer', true)
    })
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer', retries: 0 })
    expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer', retries: 1 })
  })
})

it('an abort cancels the stream and leaves the session', async () => {
  const codes: Array<number | undefined> = []
  const server = await startServer((stream, headers, raw) => {
    if (codes.length > 0) return ok(stream, headers, raw)
    stream.on('close', () => codes.push(stream.rstCode))
    stream.respond({ ':status': 200 })
    stream.write('half')
  })
  void send(forwarder, requestOf(server.url, { http }), { data: (_, forwarding) => forwarding.abort() })
  await eventually(() => expect(codes).toEqual([http2.constants.NGHTTP2_CANCEL]))
  expect(await send(forwarder, requestOf(server.url, { http }))).toMatchObject({ body: 'answer' })
  expect(server.sessions()).toBe(1)
})

it('an agent that does not read holds its own stream back and nobody else', async () => {
  let sent = 0
  const server = await startServer((stream, headers, raw) => {
    if (headers['x-small'] !== undefined) return ok(stream, headers, raw)
    stream.respond({ ':status': 200 })
    const write = (): void => {
      while (sent < 64 * 1024 * 1024) {
        sent += 65536
        if (!stream.write(Buffer.alloc(65536))) return void stream.once('drain', write)
      }
      stream.end()
    }
    write()
  })
  let held: (() => void) | null = null
  const large = send(forwarder, requestOf(server.url, { http }), {
    head: forwarding => {
      forwarding.pause()
      held = forwarding.resume
    },
  })
  await new Promise(resolve => setTimeout(resolve, 400))
  expect(sent).toBeLessThan(16 * 1024 * 1024)
  const { headers } = requestOf(server.url)
  expect(await send(forwarder, requestOf(server.url, { http, headers: [...headers, ['x-small', '1']] }))).toMatchObject({
    body: 'answer',
  })
  ;(held as (() => void) | null)?.()
  expect((await large).failure).toBeNull()
  expect(sent).toBe(64 * 1024 * 1024)
})

it('an endpoint with http: 2 in the models file is reached through the whole proxy, and its exchange recorded', async () => {
  const event = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
  const server = await startServer(stream => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream', 'request-id': 'req_2' })
    stream.end(event)
  })
  const models = {
    version: 1,
    providers: { modern: { endpoints: { 'anthropic-messages': { base_url: new URL(server.url).origin, http: 2 } } } },
    routes: [{ model: '*', provider: 'modern' }],
  }
  const rig = await openRig(server.url, {
    routes: parseRoutes(JSON.stringify(models), 'models.yaml', {}),
    access: { authorities: [authority.cert] },
  })
  const answered = await ask(`${rig.proxy.url}/v1/messages`, {
    headers: ['content-type', 'application/json'],
    body: '{"model":"m"}',
  })
  expect([answered.status, answered.body.toString(), answered.broken]).toEqual([200, event, false])
  const [exchange] = await rig.exchanges()
  expect(exchange).toMatchObject({ outcome: 'complete', status: 200, route: 'modern', providerRequestId: 'req_2' })
  await rig.close()
})
