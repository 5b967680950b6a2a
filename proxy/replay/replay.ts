// The layer that answers from the record instead of asking a provider. Sits where a forwarder sits, so that what it answers is
// attributed, recorded and relayed like any other traffic. Never answers twice with a recorded exchange, bodyless probes aside.

import { hash } from 'node:crypto'
import { asTurnpikeError } from '../../core/errors.ts'
import type { HeaderList, Json } from '../../core/types.ts'
import type { ForwardEvents, Forwarder, Forwarding, ForwardLayer, ForwardRequest } from '../forward.ts'
import { headerValue } from '../headers.ts'
import { readFingerprint, readSteps } from './fingerprint.ts'
import type { ReplayLibrary, ShelfView } from './library.ts'
import { type Match, type Matchable, type MatchRule, matchBytes, matchMeaning, matchRepeat } from './match.ts'
import { explainMiss } from './miss.ts'
import { planPlayback, play, type ReplayTiming } from './playback.ts'
import { parseBody, type Shelved, withoutCredentials } from './shelf.ts'

export interface ReplayOptions {
  readonly library: ReplayLibrary
  /** What happens to a request that no recorded exchange answers: a clear error, or on to the provider. */
  readonly onMiss: 'fail' | 'forward'
  readonly timing: ReplayTiming
}

/** What a replay has done so far. */
export interface ReplayTally {
  readonly matched: Readonly<Record<MatchRule, number>>
  readonly missed: number
  readonly forwarded: number
}

export interface Replay {
  readonly layer: ForwardLayer
  readonly tally: () => ReplayTally
}

type Counts = Record<MatchRule | 'missed' | 'forwarded', number>

export function createReplay(options: ReplayOptions): Replay {
  const counts: Counts = { bytes: 0, request: 0, place: 0, order: 0, repeat: 0, missed: 0, forwarded: 0 }
  return {
    layer: next => ({
      forward: (request, events) => answer(options, next, request, events, counts),
      close: next.close,
    }),
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
  counts: Counts,
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
    await findMatch(request, view, {
      // An agent that has left uses nothing up.
      isGone: () => aborted,
      onMatch: async match => {
        counts[match.rule]++
        const recorded = await options.library.readAnswer(match.candidate)
        if (!aborted) begin(play(planPlayback(recorded, writeMark(match)), options.timing, events))
      },
      onMiss: async () => {
        counts.missed++
        if (options.onMiss === 'forward') {
          counts.forwarded++
          begin(next.forward(request, events))
          return
        }
        const error = await explain(request, view)
        if (!aborted) events.onFailure({ stage: 'connect', error })
      },
    })
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

interface Outcomes {
  readonly isGone: () => boolean
  readonly onMatch: (match: Match<Shelved>) => Promise<void>
  readonly onMiss: () => Promise<void>
}

/** Marks what it finds as used in the same tick as it finds it: requests come at once. */
async function findMatch(request: ForwardRequest, view: ShelfView, outcomes: Outcomes): Promise<void> {
  const { method, path } = request.exchange
  const asked = describeAsked(request)
  const entries = view.shelf.entries(method, path)
  const unused = (): readonly Shelved[] => entries.filter(entry => !view.used.has(entry))
  const isProbe = (method === 'GET' || method === 'HEAD') && request.exchange.body.length === 0
  let match = matchBytes(asked, unused()) ?? (isProbe ? matchRepeat(asked, entries) : null)
  if (match === null && entries.length > 0) {
    await view.shelf.readPrints(method, path)
    if (outcomes.isGone()) return
    const print = readFingerprint(readJson(request), request.exchange.protocol, request.exchange)
    match = matchMeaning(asked, print, unused(), view.shelf.printOf)
  }
  if (outcomes.isGone()) return
  if (match === null) return outcomes.onMiss()
  view.used.add(match.candidate)
  return outcomes.onMatch(match)
}

function describeAsked({ exchange }: ForwardRequest): Matchable {
  const { protocol, query, body, turn, attempt } = exchange
  return {
    protocol: protocol?.id ?? null,
    query: withoutCredentials(query),
    bodySha256: hash('sha256', body, 'hex'),
    turn,
    attempt,
  }
}

function readJson({ exchange }: ForwardRequest): Json | undefined {
  return parseBody(exchange.body, headerValue(exchange.headers, 'content-encoding'))
}

function explain(request: ForwardRequest, view: ShelfView): Promise<Error> {
  const { method, path, protocol } = request.exchange
  const body = readJson(request)
  const print = readFingerprint(body, protocol, request.exchange)
  const steps = body === undefined ? [] : readSteps(body, protocol, request.exchange)
  return explainMiss({ method, path, body, place: print?.place ?? null, steps }, view)
}

/** Tells a replayed answer from a provider's, in the agent's log as in the record: nobody is billed for it. */
function writeMark({ candidate, rule, likeness }: Match<Shelved>): HeaderList {
  const how = rule === 'place' ? `; likeness=${likeness.toFixed(2)}` : ''
  return [['x-turnpike-replay', `${candidate.id}; matched=${rule}${how}`]]
}
