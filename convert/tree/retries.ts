// Several answers to one request: one of them is kept in a lane, the others stand beside it. Pure.

import { groupBy } from '../../core/groups.ts'
import type { TreeCall } from './tree.ts'

export interface Retries {
  /** By the kept call: answers to the same request that nothing continues. */
  readonly besides: ReadonlyMap<number, readonly TreeCall[]>
  /** All of those. */
  readonly alternatives: ReadonlySet<number>
}

/** Kept is the answer that was continued, furthest where several were, else the last. `reach`: latest call that goes on from each. */
export function groupRetries(generating: readonly TreeCall[], reach: Int32Array): Retries {
  const groups = groupBy(generating, call => call.retryOf ?? call.index)
  const besides = new Map<number, readonly TreeCall[]>()
  const alternatives = new Set<number>()
  for (const group of groups.values()) {
    const kept = group.length === 1 ? undefined : chooseKept(group, reach)
    const others = kept === undefined ? [] : group.filter(call => call !== kept && reach[call.index] === call.index)
    if (kept === undefined || others.length === 0) continue
    besides.set(kept.index, others)
    for (const call of others) alternatives.add(call.index)
  }
  return { besides, alternatives }
}

function chooseKept(group: readonly TreeCall[], reach: Int32Array): TreeCall | undefined {
  const continued = group.filter(call => reach[call.index] !== call.index)
  const candidates = continued.length > 0 ? continued : group
  const furthest = candidates.reduce((most, call) => Math.max(most, reach[call.index] ?? 0), 0)
  return candidates.find(call => reach[call.index] === furthest)
}
