// The meter against the record: what it charged while the answers passed is what decoding the recorded bytes adds up to.
import zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeExchanges } from '../../convert/decode.ts'
import { foldTotals } from '../../judge/cost.ts'
import { protocolById, protocols } from '../../protocols/_all.ts'
import type { Accounts } from '../../proxy/budget-accounts.ts'
import { sumTokens, type Tally } from '../../proxy/budget-tally.ts'
import type { ForwardRequest } from '../../proxy/forward.ts'
import { parseInject } from '../../proxy/inject/spec.ts'
import { createMeter, createReadings, type Metered } from '../../proxy/meter.ts'
import type { TollOptions } from '../../proxy/toll.ts'
import { ask, eventually } from '../client.ts'
import {
  type AnyUpstream,
  contentType,
  eventFrames,
  openTollRig,
  startAnyUpstream,
  type TollRig,
  wholeBody,
} from '../toll-rig.ts'

let upstream: AnyUpstream
let rig: TollRig
let metered: Metered[]
const price: TollOptions['price'] = ({ model, usage }) =>
  model === 'model-1' && usage.source === 'wire' ? (usage.input ?? 0) * 3 + (usage.output ?? 0) * 5 : null

async function open(options: Partial<TollOptions> = {}): Promise<void> {
  metered = []
  rig = await openTollRig(upstream.url, { price, onMetered: one => metered.push(one), ...options })
}
beforeEach(async () => {
  upstream = await startAnyUpstream()
})
afterEach(async () => {
  await rig.close()
  await upstream.close()
})

const tallyOf = (): Tally => {
  const tally = metered.at(-1)?.account.tally
  if (!tally) throw new Error('nothing was metered')
  return tally
}

async function recordedTotals() {
  await rig.exchanges()
  await decodeExchanges(
    rig.store,
    {},
    {
      price: ({ protocol, route, model, usage, at }) => {
        const nanoUsd = usage === null ? null : price({ protocol, route, model, usage, at })
        return nanoUsd === null ? null : { nanoUsd, version: 'v' }
      },
    },
  )
  return foldTotals(await rig.store.list('calls'))
}

async function expectSameAsRecord(): Promise<void> {
  const totals = await recordedTotals()
  const tally = tallyOf()
  const { input, cachedRead, cachedWrite, output, unknown } = totals.tokens
  expect(tally.tokens).toEqual({ input, cachedRead, cachedWrite, output })
  expect(tally.unknownCalls).toBe(unknown)
  expect([tally.calls, tally.nanoUsd, tally.pricedCalls, tally.unpricedCalls]).toEqual([
    totals.calls,
    totals.nanoUsd,
    totals.pricedCalls,
    totals.unpricedCalls,
  ])
}

describe.each(protocols.map(protocol => ({ protocol })))('over $protocol.id', ({ protocol }) => {
  it('charges whole and streamed answers alike, and as the record says', async () => {
    await open()
    await rig.call(protocol, { stream: false })
    await rig.call(protocol, { stream: true })
    await expectSameAsRecord()
    expect(tallyOf()).toMatchObject({
      calls: 2,
      pricedCalls: 2,
      nanoUsd: 2 * (300 + 50),
      tokens: { input: 200, cachedRead: 80, output: 20 },
    })
  })

  it.each([
    ['gzip', zlib.gzipSync],
    ['br', zlib.brotliCompressSync],
    ['deflate', zlib.deflateSync],
  ] as const)('reads answers in %s', async (encoding, compress) => {
    await open()
    upstream.intercept = (_, response, body) => {
      const stream = body.includes('"stream":true')
      response.writeHead(200, {
        'content-type': stream ? contentType(protocol) : 'application/json',
        'content-encoding': encoding,
      })
      response.end(compress(stream ? Buffer.concat(eventFrames(protocol)) : wholeBody(protocol)))
      return true
    }
    await rig.call(protocol, { stream: false })
    await rig.call(protocol, { stream: true })
    await expectSameAsRecord()
    expect(tallyOf().tokens.input).toBe(200)
  })

  it('charges what is known of broken, refused and spoiled answers', async () => {
    await open({
      inject: parseInject('cut after=3 call=1; malformed event=2 call=2; 529 call=3; reset call=4; malformed call=5'),
    })
    for (let index = 0; index < 5; index++) await rig.call(protocol, { stream: index < 4 }).catch(() => null)
    await rig.call(protocol, { model: 'other' })
    upstream.intercept = (_, response) => {
      response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(protocol.writeError(500, 'X', 'no')))
      return true
    }
    await rig.call(protocol)
    upstream.intercept = request => {
      request.socket.destroy()
      return true
    }
    await rig.call(protocol).catch(() => null)
    await expectSameAsRecord()
    expect(tallyOf().calls).toBe(8)
  })
})

const anthropic = protocolById('anthropic-messages')
if (!anthropic) throw new Error('no such protocol')

it('charges the input side of a stream that the agent breaks off', async () => {
  await open()
  const frames = eventFrames(anthropic)
  upstream.intercept = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames.slice(0, 3)) response.write(frame)
    return true
  }
  let seen = 0
  await ask(`${rig.proxy.url}/s/test/v1/messages`, {
    body: '{"model":"model-1","stream":true,"messages":[]}',
    onData: (_, request) => {
      if (seen++ === 0) setTimeout(() => request.destroy(), 30)
    },
  }).catch(() => null)
  await eventually(() => expect(metered.at(-1)?.charge).not.toBeNull())
  await expectSameAsRecord()
  expect(tallyOf()).toMatchObject({ partialCalls: 1, unpricedCalls: 1, nanoUsd: 0, tokens: { input: 100, cachedRead: 40 } })
  expect(tallyOf().unpricedModels.size).toBe(0)
})

it('charges before the agent knows that the answer is over', async () => {
  await open()
  for (let index = 1; index <= 20; index++) {
    await rig.call(anthropic, { stream: index % 2 === 0 })
    expect(sumTokens(tallyOf())).toBe(150 * index)
  }
})

it('counts no token counts, model lists or foreign traffic', async () => {
  await open()
  upstream.intercept = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":5}')
    return true
  }
  for (const path of ['/v1/messages/count_tokens', '/v1/models', '/anything'])
    await ask(`${rig.proxy.url}/s/test${path}`, { method: 'POST', body: '{"model":"m","messages":[]}' })
  expect(metered).toEqual([])
})

it('shows its figures with the metrics', async () => {
  await open()
  await rig.call(anthropic)
  await rig.call(anthropic, { model: 'x', stream: true })
  const text = (await ask(`${rig.proxy.url}/_turnpike/metrics`)).body.toString()
  expect(text).toContain('turnpike_tokens_total{protocol="anthropic-messages",class="input"} 200')
  expect(text).toContain('turnpike_tokens_total{protocol="anthropic-messages",class="cached_read"} 80')
  expect(text).toContain('turnpike_calls_total{protocol="anthropic-messages",price="known"} 2')
  expect(text).toMatch(/turnpike_cost_usd_total\{protocol="anthropic-messages"\} 7e-7/)
})

it('keeps to its memory: what is larger is charged as unknown', async () => {
  await open()
  const part = Buffer.alloc(1024 * 1024, 0x20)
  upstream.intercept = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    let count = 0
    const more = (): void => {
      if (count++ === 34) return void response.end(wholeBody(anthropic))
      if (response.write(part)) setImmediate(more)
      else response.once('drain', more)
    }
    more()
    return true
  }
  const answered = await rig.call(anthropic)
  expect(answered.body.length).toBeGreaterThan(34 * 1024 * 1024)
  expect(tallyOf()).toMatchObject({ calls: 1, unknownCalls: 1, uncountedCalls: 1, unpricedCalls: 1 })
})

it('lets go of a request that cannot be sent at all', async () => {
  await open()
  await rig.call(anthropic)
  const account = metered.at(-1)?.account
  if (!account) throw new Error('nothing was metered')
  const readings = createReadings({ accounts: { find: () => account } as unknown as Accounts, price, now: Date.now })
  const layer = createMeter(readings)
  const refusing = layer({
    forward: () => {
      throw new TypeError('Invalid character in header content')
    },
    close: () => undefined,
  })
  const exchange = {
    id: 'x',
    scope: account.scope,
    protocol: anthropic,
    method: 'POST',
    path: '/v1/messages',
    headers: [],
    body: Buffer.alloc(0),
  }
  const ignore = (): void => undefined
  const events = { onHead: ignore, onData: ignore, onEnd: ignore, onFailure: ignore }
  expect(() => refusing.forward({ exchange } as unknown as ForwardRequest, events)).toThrow(/Invalid character/)
  expect(account.inFlight).toBe(0)
})
