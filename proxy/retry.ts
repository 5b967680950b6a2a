// Sends a request again where its route says so, before anything of the answer was passed on. Each attempt that is given up is recorded
// as a part of its exchange. Waits as long as the upstream asks; when that is longer than allowed, the agent gets the answer to decide.

import type { ErrorCode } from '../core/errors.ts'
import { discardedAnswerBytesMax } from '../core/limits.ts'
import type { EpochMs } from '../core/types.ts'
import type { ForwardEvents, Forwarder, Forwarding, ForwardLayer, ForwardRequest, RetryPolicy, UpstreamHead } from './forward.ts'
import { headerValue } from './headers.ts'

type Failure = Parameters<ForwardEvents['onFailure']>[0]

/** How an attempt that was given up ended. */
export interface Discarded {
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs
  readonly firstByteAt: EpochMs | null
  readonly head: UpstreamHead | null
  readonly body: Buffer
  readonly outcome: 'complete' | 'upstream-cut' | 'upstream-refused' | 'client-aborted'
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null
  readonly retries: number
}

export interface RetryOptions {
  /** Resolves when the attempt is in the record; rejects when it cannot be and nothing may pass unrecorded. */
  readonly record: (request: ForwardRequest, discarded: Discarded) => Promise<void>
  readonly now: () => EpochMs
}

export function createRetryLayer(options: RetryOptions): ForwardLayer {
  return next => ({
    forward: (request, events) =>
      request.retry === undefined
        ? next.forward(request, events)
        : start(next, request, { policy: request.retry, options, events }),
    close: next.close,
  })
}

interface Context {
  readonly policy: RetryPolicy
  readonly options: RetryOptions
  readonly events: ForwardEvents
}

interface State {
  current: Forwarding | null
  attempt: number
  timer: NodeJS.Timeout | null
  aborted: boolean
  /** Gives up the attempt that is being read to its end. */
  leave: (() => void) | null
}

function start(next: Forwarder, request: ForwardRequest, context: Context): Forwarding {
  const state: State = { current: null, attempt: 0, timer: null, aborted: false, leave: null }
  const send = (): void => {
    state.attempt++
    sendOnce(next, request, context, state, send)
  }
  send()
  return {
    pause: () => state.current?.pause(),
    resume: () => state.current?.resume(),
    abort: () => {
      state.aborted = true
      if (state.timer !== null) clearTimeout(state.timer)
      state.leave?.()
      state.current?.abort()
    },
    retries: () => state.current?.retries() ?? 0,
    note: () => state.current?.note?.() ?? null,
  }
}

function sendOnce(next: Forwarder, request: ForwardRequest, context: Context, state: State, again: () => void): void {
  const { policy, options, events } = context
  const startedAt = options.now()
  let discarding: { readonly pauseMs: number; readonly head: UpstreamHead; firstByteAt: EpochMs | null; bytes: number } | null =
    null
  const parts: Buffer[] = []
  let over = false
  const giveUp = (outcome: Discarded['outcome'], failure: Discarded['failure'], pauseMs: number): void => {
    if (over) return
    over = true
    state.leave = null
    const [head, firstByteAt] = [discarding?.head ?? null, discarding?.firstByteAt ?? null]
    const retries = state.current?.retries() ?? 0
    const discarded = {
      startedAt,
      endedAt: options.now(),
      firstByteAt,
      head,
      body: Buffer.concat(parts),
      outcome,
      failure,
      retries,
    }
    options.record(request, discarded).then(
      () => {
        if (!state.aborted) state.timer = setTimeout(again, pauseMs)
      },
      (error: Error) => {
        if (!state.aborted) events.onFailure({ stage: 'connect', error })
      },
    )
  }
  const onFailure = (failure: Failure): void => {
    const described = describeFailure(failure)
    if (discarding !== null) return giveUp('upstream-cut', described, discarding.pauseMs)
    if (failure.stage === 'mid-answer' || !policy.on.includes('connection') || state.attempt >= policy.attempts)
      return events.onFailure(failure)
    giveUp(failure.stage === 'connect' ? 'upstream-refused' : 'upstream-cut', described, backOff(policy, state.attempt))
  }
  state.current = next.forward(request, {
    onHead: head => {
      const pauseMs = state.attempt < policy.attempts ? pauseAfter(policy, head, state.attempt, options.now()) : null
      if (pauseMs === null) return events.onHead(head)
      discarding = { pauseMs, head, firstByteAt: null, bytes: 0 }
      state.leave = () => giveUp('client-aborted', { code: 'E_CLIENT_ABORTED', message: 'the agent went away' }, 0)
    },
    onData: bytes => {
      if (discarding === null) return events.onData(bytes)
      if (over) return
      discarding.firstByteAt ??= options.now()
      discarding.bytes += bytes.length
      parts.push(bytes)
      if (discarding.bytes <= discardedAnswerBytesMax) return
      const { pauseMs } = discarding
      state.current?.abort()
      giveUp(
        'upstream-cut',
        { code: 'E_UPSTREAM_CUT', message: 'the rest of the answer was not read: it was not to be passed on' },
        pauseMs,
      )
    },
    onEnd: trailers => (discarding === null ? events.onEnd(trailers) : giveUp('complete', null, discarding.pauseMs)),
    onFailure,
  })
}

function describeFailure({ stage, error }: Failure): NonNullable<Discarded['failure']> {
  return { code: stage === 'connect' ? 'E_UPSTREAM_UNREACHABLE' : 'E_UPSTREAM_CUT', message: error.message }
}

/** Null when the answer is to be passed on: no retry for this status, or the upstream asks for a longer pause than is allowed. */
function pauseAfter(policy: RetryPolicy, head: UpstreamHead, attempt: number, now: EpochMs): number | null {
  if (!policy.on.includes(head.status)) return null
  const asked = readRetryAfter(headerValue(head.headers, 'retry-after'), now)
  if (asked === null) return backOff(policy, attempt)
  return asked > policy.backoffMaxMs ? null : Math.max(asked, backOff(policy, attempt))
}

/** Doubling, and not in step with everyone else who was refused at the same moment. */
function backOff(policy: RetryPolicy, attempt: number): number {
  const full = Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** (attempt - 1))
  return full / 2 + (full / 2) * Math.random()
}

/** Seconds or a date; null when it is absent or neither. */
export function readRetryAfter(value: string | null, now: EpochMs): number | null {
  if (value === null || value.trim() === '') return null
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
