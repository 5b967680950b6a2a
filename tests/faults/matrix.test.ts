// Every injected fault, over every protocol, streamed and whole: what the agent sees, what the record says, and that nothing hangs.
// The model's name chooses the fault, so that one proxy serves the whole table.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exchange } from '../../core/types.ts'
import { protocols } from '../../protocols/_all.ts'
import { readEvents } from '../../protocols/_framing.ts'
import { framingById } from '../../protocols/_framings.ts'
import { parseInject } from '../../proxy/inject/spec.ts'
import { type Answered, header } from '../client.ts'
import { type AnyUpstream, eventFrames, openTollRig, startAnyUpstream, type TollRig, wholeBody } from '../toll-rig.ts'

const statuses = [401, 429, 500, 503, 529]
const spec = parseInject(
  [
    ...statuses.map(status => `${status} model=f-${status}${status === 429 ? ' retry-after=7' : ''}`),
    'reset model=f-reset',
    'cut after=0 model=f-cut-0',
    'cut after=3 model=f-cut-3',
    'stall ms=60 after=2 model=f-stall',
    'stall ms=60 model=f-late',
    'malformed event=2 model=f-malformed',
    'drip ms=3 model=f-drip',
    'seed=11',
  ].join(';'),
)

let upstream: AnyUpstream
let rig: TollRig
beforeAll(async () => {
  upstream = await startAnyUpstream()
  rig = await openTollRig(upstream.url, { inject: spec })
})
afterAll(async () => {
  await rig.close()
  await upstream.close()
})

const cases = protocols.flatMap(protocol =>
  [false, true].map(stream => ({ protocol, stream, how: stream ? 'streamed' : 'whole' })),
)

interface Seen {
  readonly answered: Answered | null
  readonly exchange: Exchange
  readonly recorded: Buffer
  readonly upstreamCalls: number
  readonly ms: number
}

async function see({ protocol, stream }: (typeof cases)[number], model: string): Promise<Seen> {
  const before = upstream.asked.length
  const startedAt = performance.now()
  const scope = `/s/${model}.${protocol.id}.${stream}`
  const answered = await Promise.race([rig.call(protocol, { model, stream, scope }).catch(() => null), hang()])
  const ms = performance.now() - startedAt
  const exchange = (await rig.exchanges()).at(-1)
  if (!exchange) throw new Error('nothing is recorded')
  return { answered, exchange, recorded: await rig.body(exchange, 'response'), upstreamCalls: upstream.asked.length - before, ms }
}

const hang = (): Promise<never> => new Promise((_, reject) => setTimeout(() => reject(new Error('it hangs')), 5000).unref())
const injected = (rule: string) => ({
  code: 'E_INJECTED_FAULT',
  message: expect.stringMatching(new RegExp(`${rule}.*seed 11, call 1 of f-`)),
})

describe.each(cases)('$protocol.id, $how', one => {
  const { protocol, stream } = one
  const sound = stream ? Buffer.concat(eventFrames(protocol)) : Buffer.from(wholeBody(protocol))
  const frames = stream ? eventFrames(protocol) : []
  const framing = framingById(protocol.framings[0] ?? 'sse')

  it.each(statuses)('%i comes in the shape of the provider, which is not asked', async status => {
    const { answered, exchange, recorded, upstreamCalls } = await see(one, `f-${status}`)
    expect(answered?.status).toBe(status)
    const text = answered?.body.toString() ?? ''
    expect(protocol.readResponse(JSON.parse(text)).error?.message).toMatch(/^[A-Z][^:]+\.?$/)
    expect(text).not.toMatch(/turnpike|E_INJECTED|fault/i)
    expect(answered && header(answered, 'retry-after')).toBe(status === 429 ? '7' : null)
    expect(answered && header(answered, 'x-turnpike-error')).toBeNull()
    expect(exchange).toMatchObject({ outcome: 'complete', status, failure: injected(`${status} model=`) })
    expect(exchange.providerRequestId).toBe(`req_${exchange.id.toLowerCase()}`)
    expect(recorded.toString()).toBe(text)
    expect(upstreamCalls).toBe(0)
  })

  it('a reset before the head is a connection without an answer', async () => {
    const { answered, exchange, upstreamCalls } = await see(one, 'f-reset')
    expect(answered).toBeNull()
    expect(exchange).toMatchObject({ outcome: 'upstream-cut', status: null, failure: injected('reset') })
    expect(upstreamCalls).toBe(0)
  })

  it.each([0, 3])('a cut after %i events breaks the connection there', async count => {
    const { answered, exchange, recorded } = await see(one, `f-cut-${count}`)
    const seen = answered?.body ?? Buffer.alloc(0)
    const wanted = stream
      ? Buffer.concat(frames.slice(0, count))
      : sound.subarray(0, count === 0 ? 0 : Math.ceil(sound.length / 2))
    // The head of a counted answer travels with its first bytes: without them the agent sees nothing at all.
    if (stream || count > 0) expect(answered?.broken).toBe(true)
    else expect(answered).toBeNull()
    expect(seen.toString('latin1')).toBe(wanted.toString('latin1'))
    expect(recorded.equals(seen)).toBe(true)
    expect(exchange).toMatchObject({ outcome: 'upstream-cut', status: 200, failure: injected('cut after') })
  })

  it.each(['f-stall', 'f-late'])('%s keeps every byte and takes its time', async model => {
    const { answered, exchange, ms } = await see(one, model)
    expect(answered?.body.equals(sound)).toBe(true)
    expect(answered?.broken).toBe(false)
    expect(ms).toBeGreaterThan(55)
    expect(exchange).toMatchObject({ outcome: 'complete', status: 200, failure: injected('stall ms=60') })
  })

  it('one malformed event cannot be read, the others can, and the connection ends well', async () => {
    const { answered, exchange, recorded } = await see(one, 'f-malformed')
    const body = answered?.body ?? Buffer.alloc(0)
    expect(answered?.broken).toBe(false)
    expect(recorded.equals(body)).toBe(true)
    expect(exchange).toMatchObject({ outcome: 'complete', failure: injected('malformed event=2') })
    const isJson = (text: string): boolean => {
      try {
        return JSON.parse(text) !== undefined
      } catch {
        return false
      }
    }
    if (!stream || framing === null) return expect(isJson(body.toString())).toBe(false)
    const unreadable = readEvents(framing, body).map(event => !isJson(event.data) && event.data !== '[DONE]')
    expect(unreadable.filter(Boolean)).toEqual([true])
    expect(unreadable[1]).toBe(true)
    expect(unreadable).toHaveLength(readEvents(framing, sound).length)
  })

  it('a drip brings every byte, slowly', async () => {
    const { answered, exchange, ms } = await see(one, 'f-drip')
    expect(answered?.body.equals(sound)).toBe(true)
    expect(ms).toBeGreaterThan(3 * (stream ? frames.length - 2 : 9))
    expect(exchange).toMatchObject({ outcome: 'complete', failure: injected('drip') })
  })

  it('leaves other calls alone', async () => {
    const { answered, exchange } = await see(one, 'sound')
    expect(answered?.body.equals(sound)).toBe(true)
    expect(exchange).toMatchObject({ outcome: 'complete', failure: null })
  })
})

it('leaves a record in which every hash holds', async () => {
  const report = await rig.store.verify()
  expect(report.bad).toEqual([])
  expect(report.exchanges).toBeGreaterThan(cases.length * 10)
})
