// Which calls make one conversation, by the specification's words: a lane goes from call to the continuation that reaches furthest in time;
// of several answers to one request those that are continued are kept, else the last; the rest are alternatives.

import type { SentCall, Truth } from './truth.ts'

export interface TrueLanes {
  /** Ids of each lane's calls, in order. */
  readonly lanes: readonly string[][]
  readonly alternatives: readonly string[]
  /** Of several answers none was continued: which was used is not known. */
  readonly unresolved: readonly string[]
}

/** Null where the truth leaves a parent open, or the clock the order. */
export function deriveLanes(sent: readonly SentCall[], truth: readonly Truth[]): TrueLanes | null {
  if (truth.some(one => one.relations.includes('root') && one.relations.includes('side'))) return null
  const calls = sent.filter(call => call.answerKeys !== null).sort((a, b) => a.startedAt - b.startedAt)
  if (calls.some(call => call.draft.relation !== 'side' && call.draft.parents.length > 1)) return null
  const asked = new Map(truth.map(one => [one.id, one.retryOf[0] ?? one.id]))
  const children = groupBy(calls.filter(joins), call => call.draft.parents[0] ?? '')
  const families = groupBy(calls, call => asked.get(call.id) ?? call.id)
  const kept = new Set<string>()
  const unresolved: string[] = []
  for (const family of families.values()) {
    const continued = family.filter(call => children.has(call.id))
    for (const call of continued) kept.add(call.id)
    if (continued.length > 0) continue
    const last = family.at(-1)?.id ?? ''
    kept.add(last)
    if (family.length > 1) unresolved.push(last)
  }
  const reaches = new Map<string, number>()
  for (const call of [...calls].reverse())
    reaches.set(call.id, Math.max(call.startedAt, ...(children.get(call.id) ?? []).map(child => reaches.get(child.id) ?? 0)))
  const goesOn = (call: SentCall): boolean => children.has(call.id)
  const next = new Map<string, string>()
  for (const [parent, some] of children) {
    // Further in time; but one late answer that nothing follows does not end a lane that goes on.
    const [best] = some
      .filter(call => kept.has(call.id))
      .sort((a, b) => Number(goesOn(b)) - Number(goesOn(a)) || (reaches.get(b.id) ?? 0) - (reaches.get(a.id) ?? 0))
    if (best !== undefined) next.set(parent, best.id)
  }
  const continues = new Set(next.values())
  const lanes = [...kept]
    .filter(id => !continues.has(id))
    .map(first => {
      const lane = [first]
      for (let at = next.get(first); at !== undefined; at = next.get(at)) lane.push(at)
      return lane
    })
  return {
    lanes: lanes.sort(),
    alternatives: calls
      .map(call => call.id)
      .filter(id => !kept.has(id))
      .sort(),
    unresolved: unresolved.sort(),
  }
}

function joins(call: SentCall): boolean {
  return ['chain', 'declared', 'edit', 'compact'].includes(call.draft.relation)
}

function groupBy(calls: readonly SentCall[], keyOf: (call: SentCall) => string): Map<string, SentCall[]> {
  const groups = new Map<string, SentCall[]>()
  for (const call of calls) groups.set(keyOf(call), [...(groups.get(keyOf(call)) ?? []), call])
  return groups
}
