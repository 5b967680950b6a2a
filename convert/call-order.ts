// The order of a scope's calls: by time, then id, but no call before one that it goes on from. Logs stamp calls when they end, in ties, or
// out of turn; what a request contains is surer than any clock (causes.ts says what it contains).

import { compareCalls, type LoadedCall } from './load.ts'

export interface OrderInputs {
  readonly calls: readonly LoadedCall[]
  /** Calls that must come first. A ring of them, which only forged ids can make, is cut where it is entered. */
  readonly findCertain: (call: LoadedCall) => readonly LoadedCall[]
  /** Calls that should come first: asked of each once, and given up where they would make a ring. */
  readonly findLikely: (call: LoadedCall) => readonly LoadedCall[]
}

interface Cause {
  readonly call: LoadedCall
  readonly isCertain: boolean
}

interface Frame {
  readonly call: LoadedCall
  readonly causes: readonly Cause[]
  next: number
}

type FindCauses = (call: LoadedCall) => readonly Cause[]

/** So often is the order tried again without a likely cause that made a ring; rings are coincidences of words. */
const triesMax = 16

export function orderCalls({ calls, findCertain, findLikely }: OrderInputs): readonly LoadedCall[] {
  const byTime = [...calls].sort(compareCalls)
  const certain = new Map(byTime.map(call => [call, findCertain(call).map(before => ({ call: before, isCertain: true }))]))
  const ordered = order(byTime, call => certain.get(call) ?? [], null)
  const likely = findLikelyCauses(ordered, call => certain.get(call) ?? [], findLikely)
  if (likely === null) return ordered
  for (let tries = 0; tries < triesMax; tries += 1) {
    const lost: Frame[] = []
    const found = order(byTime, call => [...(certain.get(call) ?? []), ...(likely.get(call) ?? [])], lost)
    if (lost.length === 0) return found
    for (const { call, causes, next } of lost)
      likely.set(
        call,
        (likely.get(call) ?? []).filter(cause => cause !== causes[next - 1]),
      )
  }
  return ordered
}

/** Null: they come first anyway. */
function findLikelyCauses(
  ordered: readonly LoadedCall[],
  certain: FindCauses,
  findLikely: OrderInputs['findLikely'],
): Map<LoadedCall, readonly Cause[]> | null {
  const places = new Map(ordered.map((call, index) => [call, index]))
  const placeOf = (call: LoadedCall): number => places.get(call) ?? -1
  /** First call of the conversation. */
  const roots = new Map<LoadedCall, LoadedCall>()
  for (const call of ordered) {
    const [first] = certain(call)
    roots.set(call, first === undefined ? call : (roots.get(first.call) ?? call))
  }
  const likely = new Map<LoadedCall, readonly Cause[]>()
  let isNeeded = false
  for (const call of ordered) {
    const before = findLikely(call).filter(other => other !== call && roots.get(other) !== call)
    if (before.length > 0)
      likely.set(
        call,
        before.map(other => ({ call: other, isCertain: false })),
      )
    isNeeded ||= before.some(other => placeOf(other) > placeOf(call))
  }
  return isNeeded ? likely : null
}

/** Causes before what they cause. `lost`: takes the frame whose likely cause, entered last, closed a ring of certain ones; it ends there. */
function order(byTime: readonly LoadedCall[], findCauses: FindCauses, lost: Frame[] | null): LoadedCall[] {
  const ordered: LoadedCall[] = []
  const seen = new Set<LoadedCall>()
  const open: Frame[] = []
  const opened = new Set<LoadedCall>()
  const enter = (call: LoadedCall): void => {
    seen.add(call)
    opened.add(call)
    open.push({ call, causes: findCauses(call), next: 0 })
  }
  for (const call of byTime) {
    if (!seen.has(call)) enter(call)
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const cause = top.causes[top.next]
      top.next += 1
      if (cause === undefined) {
        ordered.push(top.call)
        opened.delete(top.call)
        open.pop()
      } else if (!seen.has(cause.call)) enter(cause.call)
      else if (lost !== null && cause.isCertain && opened.has(cause.call)) {
        const within = open.slice(open.findIndex(frame => frame.call === cause.call))
        const found = within.findLast(({ causes, next }) => causes[next - 1]?.isCertain === false)
        if (found === undefined) continue
        lost.push(found)
        return []
      }
    }
  }
  return ordered
}
