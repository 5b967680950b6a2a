import { afterEach, beforeEach, expect, it } from 'vitest'
import { protocolById } from '../../protocols/_all.ts'
import type { RateWait } from '../../proxy/rate.ts'
import type { ProviderLimits } from '../../proxy/rate-queue.ts'
import { ask, eventually, header } from '../client.ts'
import { type AnyUpstream, openTollRig, startAnyUpstream, type TollRig } from '../toll-rig.ts'

const anthropic = protocolById('anthropic-messages')
if (!anthropic) throw new Error('no such protocol')

let upstream: AnyUpstream
let rig: TollRig
let waits: RateWait[]
/** Calls the upstream has and has not answered. */
let held: Array<() => void>

async function open(limits: Partial<ProviderLimits>, now?: () => number): Promise<void> {
  waits = []
  held = []
  const whole = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null, ...limits }
  rig = await openTollRig(upstream.url, {
    limits: new Map([['upstream', whole]]),
    onWaited: wait => waits.push(wait),
    ...(now ? { now } : {}),
  })
}
beforeEach(async () => {
  upstream = await startAnyUpstream()
})
afterEach(async () => {
  await rig.close()
  await upstream.close()
})

function holdAnswers(): void {
  upstream.intercept = (_, response) => Boolean(held.push(() => response.writeHead(200).end('{}')))
}

it('lets one call wait for the other, says for how long, and changes nothing of the answer', async () => {
  await open({ concurrent: 1 })
  const free = await rig.call(anthropic, { stream: true })
  holdAnswers()
  const first = rig.call(anthropic, { scope: '/s/a' })
  await eventually(() => expect(held).toHaveLength(1))
  const second = rig.call(anthropic, { scope: '/s/b', stream: true })
  await eventually(() => expect(rigWaiting()).resolves.toBe(1))
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(upstream.asked).toHaveLength(2)
  upstream.intercept = null
  held[0]?.()
  await first
  const waited = await second
  expect(waited.body.equals(free.body)).toBe(true)
  const names = (raw: readonly string[]): string[] => raw.filter((_, index) => index % 2 === 0)
  expect(names(waited.rawHeaders)).toEqual(names(free.rawHeaders))
  expect(waits).toMatchObject([{ provider: 'upstream', ended: 'forwarded', account: { name: 'b' } }])
  expect(waits[0]?.ms).toBeGreaterThan(45)
  const text = (await ask(`${rig.proxy.url}/_turnpike/metrics`)).body.toString()
  expect(text).toContain('turnpike_rate_wait_seconds_count{provider="upstream",ended="forwarded"} 1')
})

async function rigWaiting(): Promise<number> {
  const text = (await ask(`${rig.proxy.url}/_turnpike/metrics`)).body.toString()
  return Number(/^turnpike_rate_waiting (\d+)$/m.exec(text)?.[1])
}

it('takes an aborted call out of the queue', async () => {
  await open({ concurrent: 1 })
  holdAnswers()
  const first = rig.call(anthropic)
  await eventually(() => expect(held).toHaveLength(1))
  const leave: Array<() => void> = []
  const gone = ask(`${rig.proxy.url}/s/gone/v1/messages`, {
    body: '{"model":"m","messages":[]}',
    onRequest: request => leave.push(() => request.destroy()),
  }).catch(() => null)
  await eventually(() => expect(rigWaiting()).resolves.toBe(1))
  leave[0]?.()
  await gone
  await eventually(() => expect(rigWaiting()).resolves.toBe(0))
  held[0]?.()
  await first
  expect(upstream.asked).toHaveLength(1)
  expect(waits).toMatchObject([{ ended: 'aborted' }])
  expect((await rig.exchanges()).map(one => one.outcome)).toEqual(['complete', 'client-aborted'])
})

it('ends every wait with a refusal when it drains', async () => {
  await open({ concurrent: 1 })
  holdAnswers()
  const first = rig.call(anthropic)
  await eventually(() => expect(held).toHaveLength(1))
  const second = rig.call(anthropic, { stream: true })
  await eventually(() => expect(rigWaiting()).resolves.toBe(1))
  const drained = rig.proxy.drain(2000)
  const refused = await second
  expect([refused.status, header(refused, 'x-turnpike-error')]).toEqual([503, 'E_DRAINING'])
  held[0]?.()
  expect((await first).status).toBe(200)
  await drained
  expect((await rig.exchanges()).map(one => [one.outcome, one.failure?.code])).toEqual([
    ['complete', undefined],
    ['refused', 'E_DRAINING'],
  ])
})

it('gives the place back when an answer breaks off or its agent leaves', async () => {
  await open({ concurrent: 1 })
  upstream.intercept = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: ping\ndata: {}\n\n')
    setTimeout(() => request.socket.destroy(), 5)
    return true
  }
  expect((await rig.call(anthropic)).broken).toBe(true)
  upstream.intercept = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    return response.write('event: ping\ndata: {}\n\n') || true
  }
  await ask(`${rig.proxy.url}/s/gone/v1/messages`, {
    body: '{"model":"m","messages":[]}',
    onData: (_, request) => request.destroy(),
  }).catch(() => null)
  upstream.intercept = null
  expect((await rig.call(anthropic)).status).toBe(200)
})

it('counts what calls used, not what their bytes were taken for', async () => {
  let now = 1_000_000
  await open({ tokensPerMinute: 170 }, () => now)
  await rig.call(anthropic)
  const second = rig.call(anthropic, { stream: true })
  // 150 tokens were used, far more than the request's bytes; another of about 25 does not fit.
  await eventually(() => expect(rigWaiting()).resolves.toBe(1))
  expect(upstream.asked).toHaveLength(1)
  now += 60_000
  // The queue looks at the clock when it is touched: a call that leaves it does that.
  const leave: Array<() => void> = []
  const gone = ask(`${rig.proxy.url}/s/gone/v1/messages`, {
    body: '{"model":"m","messages":[]}',
    onRequest: request => leave.push(() => request.destroy()),
  }).catch(() => null)
  await eventually(() => expect(upstream.asked.length).toBeGreaterThan(1))
  leave[0]?.()
  await gone
  expect((await second).status).toBe(200)
})

it('leaves token counts and other providers alone', async () => {
  await open({ concurrent: 1 })
  holdAnswers()
  const first = rig.call(anthropic)
  await eventually(() => expect(held).toHaveLength(1))
  upstream.intercept = (_, response) => Boolean(response.writeHead(200).end('{}'))
  const counted = await ask(`${rig.proxy.url}/s/test/v1/messages/count_tokens`, { body: '{"model":"m","messages":[]}' })
  expect(counted.status).toBe(200)
  held[0]?.()
  await first
})
