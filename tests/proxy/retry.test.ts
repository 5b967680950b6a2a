import { afterEach, describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../proxy/retry.ts'
import { parseRoutes } from '../../proxy/routes.ts'
import type { ProxyOptions } from '../../proxy/server.ts'
import { ask, eventually, header } from '../client.ts'
import { openRig, type Rig } from '../rig.ts'
import { chunk, lastChunk, reply, startUpstream, streamHead, type Upstream, type UpstreamConnection } from '../upstream.ts'

let upstream: Upstream
let rig: Rig
afterEach(async () => {
  await rig.close()
  await upstream.close()
})

interface Spec {
  readonly attempts: number
  readonly on?: ReadonlyArray<number | string>
  readonly backoff_ms?: number
  readonly max_backoff_ms?: number
}

async function open(
  retry: Spec,
  answers: ReadonlyArray<(connection: UpstreamConnection) => void>,
  options: Partial<ProxyOptions> = {},
): Promise<string> {
  let asked = 0
  upstream = await startUpstream((_, connection) => answers[asked++]?.(connection))
  const models = {
    version: 1,
    providers: { main: { endpoints: { 'anthropic-messages': { base_url: upstream.url } }, retry } },
    routes: [{ model: '*', provider: 'main' }],
  }
  rig = await openRig(upstream.url, { routes: parseRoutes(JSON.stringify(models), 'models.yaml', {}), ...options })
  return `${rig.proxy.url}/s/retry/v1/messages`
}

const refused =
  (more: readonly string[] = []) =>
  (connection: UpstreamConnection) =>
    connection.write(
      reply(
        '529 Overloaded',
        ['content-type: application/json', 'request-id: req_x', ...more],
        '{"error":"busy, sk-key-123456"}',
      ),
    )
const answered = (connection: UpstreamConnection) =>
  connection.write(reply('200 OK', ['content-type: application/json'], '{"ok":1}'))
const call = {
  headers: ['content-type', 'application/json', 'x-api-key', 'sk-key-123456'],
  body: '{"model":"m","key":"sk-key-123456"}',
}
const quick = { backoff_ms: 1, max_backoff_ms: 50 }

describe('a route that retries', () => {
  it('gives the agent the first good answer, and records each attempt before it as a part of the exchange', async () => {
    const url = await open({ attempts: 3, ...quick }, [refused(), refused(['retry-after: 0.02']), answered])
    const startedAt = Date.now()
    const got = await ask(url, call)
    expect([got.status, got.body.toString()]).toEqual([200, '{"ok":1}'])
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(20)
    expect(upstream.requests.map(request => request.body.toString())).toEqual(Array(3).fill(call.body))
    const exchanges = await rig.exchanges()
    expect(exchanges.map(exchange => [exchange.status, exchange.outcome, exchange.partOf])).toEqual([
      [200, 'complete', undefined],
    ])
    const attempts = await rig.store.exchanges({ partOf: exchanges[0]?.id ?? '' })
    expect(attempts).toHaveLength(2)
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        status: 529,
        outcome: 'complete',
        partOf: { id: exchanges[0]?.id, part: 'upstream-attempt' },
        providerRequestId: 'req_x',
        route: 'main',
      })
      expect((await rig.body(attempt, 'response')).toString()).toBe('{"error":"busy, *************"}')
      expect((await rig.body(attempt, 'request')).toString()).toBe('{"model":"m","key":"*************"}')
      expect(attempt.requestHeaders).toContainEqual(['x-api-key', '*************'])
    }
    expect(await rig.store.exchanges({ parts: true })).toHaveLength(3)
    expect((await rig.store.verify()).bad).toEqual([])
    expect((await rig.store.verify()).exchanges).toBe(3)
  })

  it('gives the last answer when all were bad', async () => {
    const url = await open({ attempts: 2, ...quick }, [refused(), refused(['x-last: 1'])])
    const got = await ask(url, call)
    expect([got.status, header(got, 'x-last')]).toEqual([529, '1'])
    expect((await rig.exchanges())[0]).toMatchObject({ status: 529, outcome: 'complete', failure: null })
  })

  it.each([
    ['a status it does not name', { attempts: 3, on: [500], ...quick }, refused()],
    ['a pause longer than it may take', { attempts: 3, ...quick }, refused(['retry-after: 30'])],
    ['one attempt only', { attempts: 1 }, refused()],
  ])('passes on an answer with %s', async (_, retry, answer) => {
    const url = await open(retry, [answer, answered])
    expect((await ask(url, call)).status).toBe(529)
    expect(await rig.store.exchanges({ parts: true })).toHaveLength(1)
  })

  it('never begins again once a byte was passed on', async () => {
    const half = (connection: UpstreamConnection): void => {
      connection.write(streamHead)
      connection.write(chunk('event: a\ndata: 1\n\n'))
      setTimeout(() => connection.reset(), 30)
    }
    const url = await open({ attempts: 3, on: [529, 'connection'], ...quick }, [half, answered])
    expect((await ask(url, call)).broken).toBe(true)
    expect(upstream.requests).toHaveLength(1)
  })

  it('tries again after a lost connection only where it says so', async () => {
    const lost = (connection: UpstreamConnection): void => connection.reset()
    const url = await open({ attempts: 2, on: ['connection'], ...quick }, [lost, answered])
    expect((await ask(url, call)).status).toBe(200)
    const [exchange] = await rig.exchanges()
    const [attempt] = await rig.store.exchanges({ partOf: exchange?.id ?? '' })
    expect(attempt).toMatchObject({ status: null, outcome: 'upstream-cut', failure: { code: 'E_UPSTREAM_CUT' } })
    await rig.close()
    await upstream.close()
    await expect(ask(await open({ attempts: 2, on: [529], ...quick }, [lost, answered]), call)).rejects.toThrow()
  })

  it('stops at once when the agent goes away while it waits', async () => {
    const url = await open({ attempts: 3, backoff_ms: 60_000, max_backoff_ms: 60_000 }, [refused(), answered])
    const asked = ask(url, {
      ...call,
      onRequest: request =>
        void eventually(async () => expect(await rig.store.exchanges({ parts: true })).toHaveLength(2)).then(() =>
          request.destroy(),
        ),
    })
    await expect(asked).rejects.toThrow()
    expect((await rig.exchanges())[0]).toMatchObject({ outcome: 'client-aborted', status: null })
    expect(upstream.requests).toHaveLength(1)
  })

  it('does not read an endless error answer to its end', async () => {
    const endless = (connection: UpstreamConnection): void => {
      connection.write('HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n')
      for (let count = 0; count < 40; count++) connection.write(chunk(Buffer.alloc(64 * 1024, 'x')))
    }
    const url = await open({ attempts: 2, ...quick }, [endless, answered])
    expect((await ask(url, call)).status).toBe(200)
    const [exchange] = await rig.exchanges()
    const [attempt] = await rig.store.exchanges({ partOf: exchange?.id ?? '' })
    expect(attempt).toMatchObject({ status: 500, outcome: 'upstream-cut', failure: { code: 'E_UPSTREAM_CUT' } })
  })
})

it('a stream that ends well is passed on as it is', async () => {
  const url = await open({ attempts: 2, ...quick }, [
    connection => {
      connection.write(streamHead)
      connection.write(chunk('event: message_stop\ndata: {}\n\n'))
      connection.write(lastChunk)
    },
  ])
  expect((await ask(url, call)).body.toString()).toBe('event: message_stop\ndata: {}\n\n')
})

it.each([
  ['7', 7000],
  ['0.5', 500],
  ['-1', 0],
  ['Thu, 01 Jan 1970 00:00:12 GMT', 2000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['soon', null],
  ['', null],
  [null, null],
])('retry-after: %s means %s ms', (value, ms) => expect(readRetryAfter(value, 10_000)).toBe(ms))
