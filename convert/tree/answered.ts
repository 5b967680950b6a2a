// Calls by the clock: their order, which never depends on how they were recorded, and which of those that gave the same answer a request
// goes on from. Read by everything in this folder that links; knows nothing of what calls hold.

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

function endOf(call: Timed): number {
  return call.endedAt ?? call.startedAt
}
