// Calls by the clock: their order, which never depends on how they were recorded, and which of those that gave the same answer a request
// goes on from. Read by everything in this folder that links; knows nothing of what calls hold.

import { addTo } from '../../core/groups.ts'
import type { Exchange } from '../../core/types.ts'

export type Timed = Pick<Exchange, 'id' | 'startedAt' | 'endedAt'>

/** By request time, then id. */
export function compareCalls(a: Omit<Timed, 'endedAt'>, b: Omit<Timed, 'endedAt'>): number {
  return a.startedAt - b.startedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** Calls that gave the same answer, so kept that the one a request goes on from is found without asking each. */
export interface Answered<C extends Timed> {
  readonly byEnd: readonly C[]
  readonly first: C | null
}

export function sortAnswered<C extends Timed>(calls: readonly C[]): Answered<C> {
  const byEnd = [...calls].sort((a, b) => endOf(a) - endOf(b) || (a.id < b.id ? 1 : -1))
  let first: C | null = null
  for (const call of calls) if (first === null || call.id < first.id) first = call
  return { byEnd, first }
}

/** The latest that had ended when the call was made, of equal ones that with the smallest id; else the one with the smallest id. */
export function chooseAnswered<C extends Timed>({ byEnd, first }: Answered<C>, call: Timed): C | null {
  let [low, high] = [0, byEnd.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const candidate = byEnd[middle]
    if (candidate !== undefined && endOf(candidate) <= call.startedAt) low = middle + 1
    else high = middle
  }
  return byEnd[low - 1] ?? first
}

/** A call whose answer has an id, and which may say whose answer it goes on from. */
export interface Answering extends Timed {
  readonly answerId: string | null
  readonly previousAnswerId: string | null
}

export interface AnswerIds<C> {
  readonly note: (call: C) => void
  /** The noted call whose answer this one names; null when it names none, or one that was not noted. Never itself. */
  readonly findPrevious: (call: Answering) => C | null
}

export function createAnswerIds<C extends Answering>(): AnswerIds<C> {
  const byAnswerId = new Map<string, C[]>()
  return {
    note: call => {
      if (call.answerId !== null) addTo(byAnswerId, call.answerId, call)
    },
    findPrevious: call => {
      if (call.previousAnswerId === null) return null
      const named = (byAnswerId.get(call.previousAnswerId) ?? []).filter(other => other.id !== call.id)
      return chooseAnswered(sortAnswered(named), call)
    },
  }
}

function endOf(call: Timed): number {
  return call.endedAt ?? call.startedAt
}
