// Calls that a log holds more than once: recorders that write from two hooks write the same call twice. Two real calls are never one.

import type { ExpandedCall } from './expansion.ts'
import type { LoadedCall } from './load.ts'

export interface Duplicates {
  /** Calls in the order of time, each once; true when it is one that was there already. */
  readonly add: (expanded: ExpandedCall) => boolean
  /** The call that stands for a call and its duplicates: the earliest of them. */
  readonly standFor: (call: LoadedCall) => LoadedCall
  readonly loggedTimes: (call: LoadedCall) => number
}

/** How far apart two log lines of one call may be. */
const clockNoiseMs = 1000

/** The same answer id, request and answer; without ids also the same moment. */
export function createDuplicates(): Duplicates {
  const byWords = new Map<string, LoadedCall>()
  const originals = new Map<LoadedCall, LoadedCall>()
  const times = new Map<LoadedCall, number>()
  return {
    add: ({ call, request, answer }) => {
      if (answer === null) return false
      const words = `${request} ${answer} ${call.preamble} ${call.complete} ${call.answerId ?? ''}`
      const before = byWords.get(words)
      if (before === undefined || (call.answerId === null && !isSameMoment(before, call))) {
        byWords.set(words, call)
        return false
      }
      originals.set(call, before)
      times.set(before, (times.get(before) ?? 1) + 1)
      return true
    },
    standFor: call => originals.get(call) ?? call,
    loggedTimes: call => times.get(call) ?? 1,
  }
}

/** A call made after the other had ended is a call of its own; logs that stamp one moment per call cannot tell, and are given the noise. */
function isSameMoment(before: LoadedCall, call: LoadedCall): boolean {
  if (call.startedAt - before.startedAt > clockNoiseMs) return false
  const isStamped = before.endedAt === null || before.endedAt === before.startedAt
  return isStamped || call.startedAt < (before.endedAt ?? before.startedAt)
}
