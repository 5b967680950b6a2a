import { describe, expect, it } from 'vitest'
import { replaySilenceMs } from '../../../core/limits.ts'
import type { Exchange } from '../../../core/types.ts'
import type { ForwardEvents } from '../../../proxy/forward.ts'
import { type Playback, planPlayback, play, type RecordedAnswer } from '../../../proxy/replay/playback.ts'
import type { Arrival, StoredBody } from '../../../store/_adapter.ts'
import { eventually } from '../../client.ts'
import { makeExchange } from '../../rows.ts'

const stored = (text: string, decodedFrom: string | null = null): StoredBody => ({
  bytes: Buffer.from(text),
  sentSha256: '',
  storedSha256: '',
  masked: [],
  decodedFrom,
})

function recorded(
  exchange: Partial<Exchange>,
  body: StoredBody | null = stored('abcdef'),
  arrivals: readonly Arrival[] = [],
): RecordedAnswer {
  const whole: Exchange = makeExchange({
    protocol: null,
    responseHeaders: [['Content-Type', 'text/plain']],
    responseBytes: 6,
    startedAt: 1000,
    firstByteAt: 1100,
    endedAt: 1500,
    ...exchange,
  })
  return { exchange: whole, body, arrivals }
}

const mark = [['x-turnpike-replay', 'E1']] as const
const plan = (answer: RecordedAnswer): Playback => planPlayback(answer, mark)

describe('the plan of a playback', () => {
  it('keeps headers in order and case, and puts its own mark in place of an older one', () => {
    const headers = [
      ['X-B', '1'],
      ['x-a', '2'],
      ['X-B', '3'],
      ['X-Turnpike-Replay', 'E0'],
    ] as const
    expect(plan(recorded({ status: 429, responseHeaders: headers })).head).toEqual({
      status: 429,
      statusText: 'Too Many Requests',
      headers: [
        ['X-B', '1'],
        ['x-a', '2'],
        ['X-B', '3'],
        ['x-turnpike-replay', 'E1'],
      ],
    })
  })

  it('cuts the bytes where they arrived, at their times', () => {
    const { steps, ending } = plan(
      recorded({}, stored('abcdef'), [
        { at: 1100, bytes: 2 },
        { at: 1300, bytes: 0 },
        { at: 1400, bytes: 4 },
      ]),
    )
    expect(steps.map(({ atMs, bytes }) => [atMs, bytes.toString()])).toEqual([
      [100, 'ab'],
      [400, 'cdef'],
    ])
    expect(ending).toEqual({ kind: 'end', atMs: 500 })
  })

  it('gives in one piece what was stored decoded, described as it now is', () => {
    const headers = [
      ['Content-Encoding', 'gzip'],
      ['Content-Length', '3'],
      ['x', 'y'],
    ] as const
    const { head, steps } = plan(recorded({ responseHeaders: headers }, stored('abcdef', 'gzip'), [{ at: 1200, bytes: 3 }]))
    expect(head?.headers).toEqual([['Content-Length', '6'], ['x', 'y'], ...mark])
    expect(steps.map(({ atMs, bytes }) => [atMs, bytes.toString()])).toEqual([[200, 'abcdef']])
  })

  it.each<[string, Partial<Exchange>, object]>([
    ['ends what was whole', {}, { kind: 'end', atMs: 500 }],
    ['ends what we refused', { outcome: 'refused', status: 401 }, { kind: 'end', atMs: 500 }],
    [
      'ends what we answered for an upstream out of reach',
      { outcome: 'upstream-refused', status: 502 },
      { kind: 'end', atMs: 500 },
    ],
    ['cuts what was cut', { outcome: 'upstream-cut' }, { kind: 'cut', atMs: 500 }],
    ['cuts what a killed proxy left', { outcome: 'proxy-killed', endedAt: null }, { kind: 'cut', atMs: 100 }],
    ['cuts what was cut after its end', { failure: { code: 'E_UPSTREAM_CUT', message: '' } }, { kind: 'cut', atMs: 500 }],
    ['resets what had no head', { outcome: 'timed-out', status: null }, { kind: 'cut', atMs: 500 }],
    ['is silent where the agent left', { outcome: 'client-aborted' }, { kind: 'silence', untilMs: 500 + replaySilenceMs }],
    [
      'is silent where it left before the head',
      { outcome: 'client-aborted', status: null },
      { kind: 'silence', untilMs: 500 + replaySilenceMs },
    ],
  ])('%s', (_, exchange, ending) => {
    const made = plan(recorded(exchange))
    expect(made.ending).toEqual(ending)
    expect(made.head === null).toBe(exchange.status === null)
  })
})

function listen(): { readonly events: ForwardEvents; readonly log: string[] } {
  const log: string[] = []
  const events: ForwardEvents = {
    onHead: ({ status }) => log.push(`head ${status}`),
    onData: bytes => log.push(bytes.toString()),
    onEnd: () => log.push('end'),
    onFailure: ({ stage }) => log.push(`failure ${stage}`),
  }
  return { events, log }
}

const twoSteps = [
  { atMs: 40, bytes: Buffer.from('one') },
  { atMs: 900, bytes: Buffer.from('two') },
]
const head = { status: 200, statusText: 'OK', headers: [] }
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('playing', () => {
  it('gives nothing before it has returned, then everything in order', async () => {
    const { events, log } = listen()
    play({ head, steps: twoSteps, ending: { kind: 'end', atMs: 9000 } }, 'zero', events)
    expect(log).toEqual([])
    await eventually(() => expect(log).toEqual(['head 200', 'one', 'two', 'end']))
  })

  it('keeps the recorded times', async () => {
    const { events, log } = listen()
    const startedAt = performance.now()
    play({ head, steps: twoSteps, ending: { kind: 'end', atMs: 1000 } }, 'recorded', events)
    await eventually(() => expect(log).toEqual(['head 200', 'one']))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38)
    await eventually(() => expect(log).toEqual(['head 200', 'one', 'two', 'end']))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(998)
  })

  it.each([
    [head, 'failure mid-answer'],
    [null, 'failure before-head'],
  ])('breaks off with head %j: %s', async (given, last) => {
    const { events, log } = listen()
    play({ head: given, steps: given === null ? [] : twoSteps, ending: { kind: 'cut', atMs: 0 } }, 'zero', events)
    await eventually(() => expect(log.at(-1)).toBe(last))
  })

  it('stops while it is paused and goes on where it was', async () => {
    const { events, log } = listen()
    const forwarding = play({ head, steps: twoSteps, ending: { kind: 'end', atMs: 0 } }, 'zero', {
      ...events,
      onData: bytes => {
        events.onData(bytes)
        forwarding.pause()
      },
    })
    await pause(30)
    expect(log).toEqual(['head 200', 'one'])
    forwarding.resume()
    forwarding.resume()
    await pause(30)
    expect(log).toEqual(['head 200', 'one', 'two'])
    forwarding.resume()
    await eventually(() => expect(log).toEqual(['head 200', 'one', 'two', 'end']))
  })

  it('says nothing more after an abort, and breaks a silence off when its time is up', async () => {
    const aborted = listen()
    play({ head, steps: twoSteps, ending: { kind: 'end', atMs: 0 } }, 'zero', aborted.events).abort()
    const silent = listen()
    const startedAt = performance.now()
    play({ head, steps: [], ending: { kind: 'silence', untilMs: 300 } }, 'zero', silent.events)
    await eventually(() => expect(silent.log).toEqual(['head 200']))
    await eventually(() => expect(silent.log).toEqual(['head 200', 'failure mid-answer']))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(298)
    expect(aborted.log).toEqual([])
  })
})
