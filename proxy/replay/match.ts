// Which recorded exchange answers a request: the rules of docs/replay.md, best first. Pure; knows neither store nor sockets.
// Candidates are what is left of the recording for this method and path, in recorded order; it is the caller who uses them up.

import type { Fingerprint, Place } from './fingerprint.ts'
import { compareSketches, type Sketch } from './sketch.ts'

/** What a request and a recorded exchange are compared by, besides method and path, which the caller has compared. */
export interface Matchable {
  readonly protocol: string | null
  /** Without credentials, parameters in order. */
  readonly query: string
  readonly bodySha256: string
  readonly turn: number | null
  readonly attempt: number | null
}

/** `bytes`, `request`: the same; `place`: the same point of a conversation; `order`: the next one of its address; see docs/replay.md. */
export type MatchRule = 'bytes' | 'request' | 'place' | 'order' | 'repeat'

export interface Match<T> {
  readonly candidate: T
  readonly rule: MatchRule
  /** How alike the two are, 0 to 1; 1 unless the rule is `place`. */
  readonly likeness: number
}

/** Candidates this near to the best one are equally good: recorded order decides among them. */
const nearEnough = 0.005

/** Below it, two texts are about different things. */
const alikeMin = 0.3

/** Below it, two lists of tools belong to different agents. */
const toolsMin = 0.5

/** The first candidate with the same body and query. */
export function matchBytes<T extends Matchable>(asked: Matchable, candidates: readonly T[]): Match<T> | null {
  const candidate = firstInTurn(
    asked,
    candidates.filter(recorded => isSame(asked, recorded)),
  )
  return candidate === null ? null : { candidate, rule: 'bytes', likeness: 1 }
}

/** The last of them, used or not: for probes that may be repeated any number of times. */
export function matchRepeat<T extends Matchable>(asked: Matchable, recorded: readonly T[]): Match<T> | null {
  const candidate = recorded.findLast(entry => isSame(asked, entry))
  return candidate === undefined ? null : { candidate, rule: 'repeat', likeness: 1 }
}

function isSame(asked: Matchable, recorded: Matchable): boolean {
  return recorded.protocol === asked.protocol && recorded.query === asked.query && recorded.bodySha256 === asked.bodySha256
}

/** By what the bodies say. `printOf` gives a candidate's fingerprint, null for what cannot be read. */
export function matchMeaning<T extends Matchable>(
  asked: Matchable,
  print: Fingerprint | null,
  candidates: readonly T[],
  printOf: (candidate: T) => Fingerprint | null,
): Match<T> | null {
  const askable = candidates.filter(candidate => isAskable(asked, candidate))
  const same = print === null ? [] : askable.filter(candidate => printOf(candidate)?.name === print.name)
  const equal = firstInTurn(asked, preferQuery(asked, same))
  if (equal !== null) return { candidate: equal, rule: 'request', likeness: 1 }
  if (print !== null && print.place !== null) return matchPlace(asked, print.place, askable, printOf)
  // No conversation: side traffic of the agent, whose bodies hold clocks and counters.
  if (asked.protocol !== null) return null
  const next = firstInTurn(asked, preferQuery(asked, askable))
  return next === null ? null : { candidate: next, rule: 'order', likeness: 1 }
}

/** A protocol's answer may depend on its query (framing, API version); for other traffic it is only a preference. */
function isAskable(asked: Matchable, candidate: Matchable): boolean {
  return candidate.protocol === asked.protocol && (asked.protocol === null || candidate.query === asked.query)
}

function preferQuery<T extends Matchable>(asked: Matchable, candidates: readonly T[]): readonly T[] {
  const same = candidates.filter(candidate => candidate.query === asked.query)
  return same.length > 0 ? same : candidates
}

/** Recorded order, but what was recorded at the same turn and attempt comes first. */
function firstInTurn<T extends Matchable>(asked: Matchable, candidates: readonly T[]): T | null {
  const inTurn = candidates.find(candidate => candidate.turn === asked.turn && candidate.attempt === asked.attempt)
  return inTurn ?? candidates[0] ?? null
}

function matchPlace<T extends Matchable>(
  asked: Matchable,
  place: Place,
  candidates: readonly T[],
  printOf: (candidate: T) => Fingerprint | null,
): Match<T> | null {
  const placed = candidates.flatMap(candidate => {
    const found = printOf(candidate)?.place ?? null
    return found === null || !couldAnswer(place, found) ? [] : [{ candidate, place: found }]
  })
  const exact = placed.filter(found => found.place.said === place.said)
  const near = exact.length > 0 ? exact : placed.filter(found => found.place.saidLoosely === place.saidLoosely)
  const rated = near.map(found => ({ candidate: found.candidate, likeness: rateLikeness(place, found.place) }))
  const best = rated.reduce((highest, { likeness }) => Math.max(highest, likeness), 0)
  const tied = rated.filter(({ likeness }) => likeness >= best - nearEnough)
  const chosen = firstInTurn(
    asked,
    tied.map(({ candidate }) => candidate),
  )
  if (chosen === null) return null
  return { candidate: chosen, rule: 'place', likeness: tied.find(({ candidate }) => candidate === chosen)?.likeness ?? best }
}

/** What must hold at the least, so that a call that was never recorded does not take another one's answer. */
export function couldAnswer(asked: Place, recorded: Place): boolean {
  if (asked.stream !== recorded.stream || asked.generate !== recorded.generate) return false
  if (asked.answersTools !== recorded.answersTools) return false
  if (compareSketches(asked.tools, recorded.tools) < toolsMin) return false
  // Results of tools may differ in every word and still be what the conversation goes on with; an instruction may not.
  if (!asked.answersTools && !isAlike(asked.newest, recorded.newest)) return false
  if (!asked.answersTools && !isAlike(asked.request, recorded.request)) return false
  // Once the model has spoken, its own words say which conversation it is.
  return asked.steps > 0 || isAlike(asked.system, recorded.system)
}

function isAlike(asked: Sketch, recorded: Sketch): boolean {
  return compareSketches(asked, recorded) >= alikeMin
}

/** 0 to 1: new text 4 (its words 2, its last text 1, its texts as wholes 1), tools 3, system text 2, model 1. */
export function rateLikeness(asked: Place, recorded: Place): number {
  const like = (part: 'newest' | 'request' | 'parts' | 'tools' | 'system'): number => compareSketches(asked[part], recorded[part])
  const text = like('newest') * 2 + like('request') + like('parts')
  return (text + like('tools') * 3 + like('system') * 2 + (asked.model === recorded.model ? 1 : 0)) / 10
}
