import { describe, expect, it } from 'vitest'
import { anthropicDialect } from '../../../scenarios/simulated/dialect-anthropic.ts'
import { openaiDialect } from '../../../scenarios/simulated/dialect-openai.ts'
import { applyFault } from '../../../scenarios/simulated/faults.ts'
import { defaultPace, type Fault } from '../../../scenarios/simulated/script.ts'
import { jsonTransmission, streamTransmission, type Transmission } from '../../../scenarios/simulated/transmission.ts'

const context = { dialect: anthropicDialect, requestId: 'req_1', headers: { a: 'b' } }
const events = ['data: {"n":1}\n\n', 'data: {"n":2}\n\n', 'data: {"n":3}\n\n']
const stream = streamTransmission(
  events.map(event => Buffer.from(event)),
  'text/event-stream',
  {},
  { ...defaultPace, delayMs: 3, chunkDelayMs: 1 },
)
const json = jsonTransmission(200, { answer: 'hello' }, {}, 3)
const fault = (values: Partial<Fault> & { kind: Fault['kind'] }): Fault => ({
  status: 500,
  retryAfterS: null,
  afterEvents: 1,
  ms: 50,
  times: 1,
  ...values,
})
const texts = (transmission: Transmission) => transmission.frames.map(frame => frame.bytes.toString())
const waits = (transmission: Transmission) => transmission.frames.map(frame => frame.waitMs)

describe('applyFault', () => {
  it("status: the provider's own error body with retry-after, whatever would have come", () => {
    const failed = applyFault(stream, fault({ kind: 'status', status: 529, retryAfterS: 7 }), context)
    expect(failed.head).toMatchObject({
      status: 529,
      headers: { a: 'b', 'retry-after': '7', 'content-type': 'application/json' },
    })
    expect(JSON.parse(texts(failed).join(''))).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: expect.stringContaining('simulated') },
      request_id: 'req_1',
    })
    const openai = applyFault(stream, fault({ kind: 'status', status: 429 }), { ...context, dialect: openaiDialect })
    expect(openai.head?.headers).not.toHaveProperty('retry-after')
    expect(JSON.parse(texts(openai).join(''))).toMatchObject({
      error: { type: 'requests', code: 'rate_limit_exceeded', param: null },
    })
  })

  it('cut: what came before stays, and the end is not clean', () => {
    expect(applyFault(stream, fault({ kind: 'cut', afterEvents: 2 }), context)).toMatchObject({ ending: 'cut' })
    expect(texts(applyFault(stream, fault({ kind: 'cut', afterEvents: 2 }), context))).toEqual(events.slice(0, 2))
    expect(texts(applyFault(stream, fault({ kind: 'cut', afterEvents: 0 }), context))).toEqual([])
    const half = applyFault(json, fault({ kind: 'cut' }), context)
    expect(half.head?.headers['content-length']).toBe('18')
    expect(texts(half)).toEqual(['{"answer"'])
  })

  it('stall: the silence is before the next event, and nothing is lost', () => {
    const stalled = applyFault(stream, fault({ kind: 'stall', afterEvents: 2 }), context)
    expect([texts(stalled), waits(stalled), stalled.ending]).toEqual([events, [3, 1, 51], 'end'])
    expect(waits(applyFault(stream, fault({ kind: 'stall', afterEvents: 0 }), context))).toEqual([53, 1, 1])
    expect(waits(applyFault(json, fault({ kind: 'stall' }), context))).toEqual([3, 50])
  })

  it('malformed: one event is no JSON any more, framing and the others stay', () => {
    const broken = texts(applyFault(stream, fault({ kind: 'malformed', afterEvents: 1 }), context))
    expect([broken[0], broken[2]]).toEqual([events[0], events[2]])
    expect(broken[1]).toMatch(/^data: \{.*\n\n$/)
    expect(() => JSON.parse(broken[1]?.slice(6) ?? '')).toThrow()
    const body = applyFault(json, fault({ kind: 'malformed' }), context)
    expect(() => JSON.parse(texts(body).join(''))).toThrow()
    expect(body.head?.headers['content-length']).toBe(String(texts(body).join('').length))
  })

  it('reset and refuse_connection: no head at all', () => {
    for (const kind of ['reset', 'refuse_connection'] as const) {
      expect(applyFault(stream, fault({ kind }), context)).toMatchObject({ head: null, ending: 'reset' })
    }
  })

  it('drip: the same bytes, one at a time', () => {
    expect(applyFault(stream, fault({ kind: 'drip', ms: 2 }), context)).toEqual({ ...stream, dripMs: 2 })
  })
})
