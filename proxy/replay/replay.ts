// The layer that answers from the record instead of asking a provider. Sits where a forwarder sits, so that what it answers is
// attributed, recorded and relayed like any other traffic. Never answers twice with a recorded exchange, bodyless probes aside.

import { asTurnpikeError } from '../../core/errors.ts'
import type { ForwardEvents, Forwarder, Forwarding, ForwardLayer, ForwardRequest } from '../forward.ts'
import type { LinkLayer } from '../websocket/link.ts'
import { findMatch, writeMark } from './find.ts'
import type { MatchRule } from './match.ts'
import { explainMiss } from './miss.ts'
import type { ReplayCounts, ReplayOptions } from './options.ts'
import { planPlayback, play } from './playback.ts'
import { openReplayedSocket } from './socket.ts'

/** What a replay has done so far. */
export interface ReplayTally {
  readonly matched: Readonly<Record<MatchRule, number>>
  readonly missed: number
  readonly forwarded: number
}

export interface Replay {
  readonly layer: ForwardLayer
  /** The same for WebSockets. Their messages are never forwarded: where misses may pass to a provider, whole sockets do. */
  readonly linkLayer: LinkLayer
  readonly tally: () => ReplayTally
}

export function createReplay(options: ReplayOptions): Replay {
  const counts: ReplayCounts = { bytes: 0, request: 0, place: 0, order: 0, repeat: 0, missed: 0, forwarded: 0 }
  return {
    layer: next => ({
      forward: (request, events) => answer(options, next, request, events, counts),
      close: next.close,
    }),
    linkLayer: next =>
      options.onMiss === 'forward' ? next : { open: (request, events) => openReplayedSocket(options, request, events, counts) },
    tally: () => {
      const { missed, forwarded, ...matched } = counts
      return { matched, missed, forwarded }
    },
  }
}

/** Finding the answer takes a look into the store; until then the returned forwarding stands in for the real one. */
function answer(
  options: ReplayOptions,
  next: Forwarder,
  request: ForwardRequest,
  events: ForwardEvents,
  counts: ReplayCounts,
): Forwarding {
  let inner: Forwarding | null = null
  let paused = false
  let aborted = false
  const begin = (forwarding: Forwarding): void => {
    inner = forwarding
    if (paused) forwarding.pause()
  }
  const run = async (): Promise<void> => {
    const view = await options.library.viewFor(request.exchange.scope)
    const match = await findMatch(request.exchange, view, () => aborted)
    if (aborted) return
    if (match !== null) {
      counts[match.rule]++
      const recorded = await options.library.readAnswer(match.candidate)
      if (!aborted) begin(play(planPlayback(recorded, writeMark(match)), options.timing, events))
      return
    }
    counts.missed++
    if (options.onMiss === 'forward') {
      counts.forwarded++
      return begin(next.forward(request, events))
    }
    const error = await explainMiss(request.exchange, view)
    if (!aborted) events.onFailure({ stage: 'connect', error })
  }
  run().catch((error: unknown) => {
    if (!aborted) events.onFailure({ stage: 'connect', error: asTurnpikeError(error) })
  })
  return {
    pause: () => {
      paused = true
      inner?.pause()
    },
    resume: () => {
      paused = false
      inner?.resume()
    },
    abort: () => {
      aborted = true
      inner?.abort()
    },
    retries: () => inner?.retries() ?? 0,
    note: () => inner?.note?.() ?? null,
  }
}
