// A recorded answer given once more: the same head and bytes in the same pieces, ended, broken off or left silent as it was then.
// Never mends what was broken: agents behave differently after a cut, and that is part of what is replayed.

import { STATUS_CODES } from 'node:http'
import { replaySilenceMs } from '../../core/limits.ts'
import type { Exchange, HeaderList } from '../../core/types.ts'
import type { Arrival, StoredBody } from '../../store/_adapter.ts'
import type { ForwardEvents, Forwarding, UpstreamHead } from '../forward.ts'

export type ReplayTiming = 'recorded' | 'zero'

export interface RecordedAnswer {
  readonly exchange: Exchange
  readonly body: StoredBody | null
  readonly arrivals: readonly Arrival[]
}

export interface PlaybackStep {
  /** Milliseconds after the request. */
  readonly atMs: number
  readonly bytes: Buffer
}

export interface Playback {
  /** Null: the connection broke before a head came. */
  readonly head: UpstreamHead | null
  readonly steps: readonly PlaybackStep[]
  /** `silence`: the agent left, so nothing more follows until it leaves again; after `untilMs` it is broken off. */
  readonly ending:
    | { readonly kind: 'end' | 'cut'; readonly atMs: number }
    | { readonly kind: 'silence'; readonly untilMs: number }
}

/** Pure. `mark` is put onto the head, to tell a replayed answer from one a provider gave. */
export function planPlayback(recorded: RecordedAnswer, mark: HeaderList): Playback {
  const { exchange } = recorded
  const { startedAt, endedAt, firstByteAt } = exchange
  // A message on a WebSocket has no head, and a status only once its answer has ended.
  const steps = exchange.status === null && exchange.method !== 'WS' ? [] : planSteps(recorded)
  const lastMs = Math.max((endedAt ?? firstByteAt ?? startedAt) - startedAt, steps.at(-1)?.atMs ?? 0)
  return { head: planHead(recorded, mark), steps, ending: planEnding(exchange, lastMs) }
}

function planHead({ exchange, body }: RecordedAnswer, mark: HeaderList): UpstreamHead | null {
  if (exchange.status === null) return null
  const kept = (exchange.responseHeaders ?? []).filter(([name]) => !mark.some(([own]) => own === name.toLowerCase()))
  // Masking had to undo the encoding: what is stored, and given now, are the decoded bytes.
  const decoded = body !== null && body.decodedFrom !== null
  const headers = decoded ? describeDecoded(kept, body.bytes.length) : kept
  return { status: exchange.status, statusText: STATUS_CODES[exchange.status] ?? '', headers: [...headers, ...mark] }
}

function describeDecoded(headers: HeaderList, length: number): HeaderList {
  return headers.flatMap(([name, value]): HeaderList => {
    const lower = name.toLowerCase()
    if (lower === 'content-encoding') return []
    return [[name, lower === 'content-length' ? String(length) : value]]
  })
}

function planSteps({ exchange, body, arrivals }: RecordedAnswer): PlaybackStep[] {
  if (body === null || body.bytes.length === 0) return []
  const { bytes } = body
  const sum = arrivals.reduce((total, arrival) => total + arrival.bytes, 0)
  // Pieces are known only for bytes stored as they came.
  if (sum !== bytes.length) {
    const at = arrivals.at(-1)?.at ?? exchange.endedAt ?? exchange.startedAt
    return [{ atMs: at - exchange.startedAt, bytes }]
  }
  let start = 0
  return arrivals
    .filter(arrival => arrival.bytes > 0)
    .map(arrival => {
      const end = start + arrival.bytes
      const step = { atMs: arrival.at - exchange.startedAt, bytes: bytes.subarray(start, end) }
      start = end
      return step
    })
}

function planEnding(exchange: Exchange, lastMs: number): Playback['ending'] {
  if (exchange.outcome === 'client-aborted') return { kind: 'silence', untilMs: lastMs + replaySilenceMs }
  const whole = exchange.outcome === 'complete' || exchange.outcome === 'refused' || exchange.outcome === 'upstream-refused'
  // Complete for the agent, and broken off all the same: the cut came after the terminal event.
  const headless = exchange.status === null && exchange.method !== 'WS'
  const broken = headless || !whole || exchange.failure?.code === 'E_UPSTREAM_CUT'
  return { kind: broken ? 'cut' : 'end', atMs: lastMs }
}

interface Playing {
  readonly playback: Playback
  readonly timing: ReplayTiming
  readonly events: ForwardEvents
  readonly startedMs: number
  next: number
  headSent: boolean
  paused: boolean
  over: boolean
  cancel: () => void
}

/** Plays it, at the recorded times or as fast as it is taken. */
export function play(playback: Playback, timing: ReplayTiming, events: ForwardEvents): Forwarding {
  const playing: Playing = {
    playback,
    timing,
    events,
    startedMs: performance.now(),
    next: 0,
    headSent: false,
    paused: false,
    over: false,
    cancel: () => undefined,
  }
  schedule(playing)
  return {
    pause: () => {
      playing.paused = true
      playing.cancel()
    },
    resume: () => {
      if (!playing.paused || playing.over) return
      playing.paused = false
      schedule(playing)
    },
    abort: () => {
      playing.over = true
      playing.cancel()
    },
    retries: () => 0,
  }
}

function schedule(playing: Playing): void {
  const { playback, timing, next } = playing
  const { ending, steps } = playback
  const dueMs = (recordedMs: number): number => (timing === 'recorded' ? recordedMs : 0)
  const step = steps[next]
  if (step !== undefined) return wait(playing, dueMs(step.atMs), advance)
  const endMs = ending.kind === 'silence' ? 0 : dueMs(ending.atMs)
  if (!playing.headSent && playback.head !== null) return wait(playing, endMs, advance)
  wait(playing, ending.kind === 'silence' ? ending.untilMs : endMs, finish)
}

/** Always later: whoever asked must first have what `play` returns. */
function wait(playing: Playing, atMs: number, action: (playing: Playing) => void): void {
  const leftMs = playing.startedMs + atMs - performance.now()
  if (leftMs <= 0) {
    const immediate = setImmediate(action, playing)
    playing.cancel = () => clearImmediate(immediate)
  } else {
    const timer = setTimeout(action, leftMs, playing)
    playing.cancel = () => clearTimeout(timer)
  }
}

/** The head comes with the first bytes: when it came by itself is not on record. */
function advance(playing: Playing): void {
  const { playback, events } = playing
  if (!playing.headSent && playback.head !== null) {
    playing.headSent = true
    events.onHead(playback.head)
  } else {
    const step = playback.steps[playing.next++]
    if (step !== undefined) events.onData(step.bytes)
  }
  if (!playing.over && !playing.paused) schedule(playing)
}

function finish(playing: Playing): void {
  playing.over = true
  if (playing.playback.ending.kind === 'end') return playing.events.onEnd([])
  playing.events.onFailure({ stage: playing.headSent ? 'mid-answer' : 'before-head', error: recordedBreak() })
}

/** What a connection that broke in the recording breaks with now. */
export function recordedBreak(): Error {
  return Object.assign(new Error('replayed: the recorded connection broke off here'), { code: 'ECONNRESET' })
}
