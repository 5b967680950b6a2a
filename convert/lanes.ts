// Lanes through the call tree: the maximal runs of calls in which each continues the one before it. Pure.
// Every generation is on exactly one lane step or is one alternative of it; calls that generated nothing hang on a lane or stand apart.

import type { CallTree, TreeCall } from './tree.ts'

export interface LaneStep {
  readonly call: TreeCall
  /** Other answers to the same request that nothing continues: retries whose result was thrown away. */
  readonly alternatives: readonly TreeCall[]
}

export interface Lane {
  readonly kind: 'root' | 'fork' | 'subagent' | 'side'
  readonly steps: readonly LaneStep[]
  /** Calls that generated nothing and belong here: failed tries of a step, or what came after its last one. */
  readonly failed: readonly TreeCall[]
}

export interface Lanes {
  readonly lanes: readonly Lane[]
  /** Calls without a generation that no lane can claim. */
  readonly stray: readonly TreeCall[]
}

const noParent = -1

export function buildLanes(tree: CallTree): Lanes {
  const generating = tree.calls.filter(call => call.call.answer !== null)
  const reach = findReach(generating)
  const families = groupSiblings(generating)
  const alternatives = findAlternatives(families, reach)
  const next = chooseNext(families, alternatives, reach)
  const continued = new Set([...next.values()].map(call => call.index))
  const lanes: Lane[] = []
  const laneOf = new Map<number, number>()
  const failed: TreeCall[][] = []
  for (const first of generating) {
    if (continued.has(first.index) || alternatives.hidden.has(first.index)) continue
    const steps: LaneStep[] = []
    for (let call: TreeCall | undefined = first; call !== undefined; call = next.get(call.index)) {
      const others: readonly TreeCall[] = alternatives.shown.get(call.index) ?? []
      steps.push({ call, alternatives: others })
      for (const member of [call, ...others]) laneOf.set(member.index, lanes.length)
    }
    const members: TreeCall[] = []
    failed.push(members)
    lanes.push({ kind: first.link.parent === null ? 'root' : 'fork', steps, failed: members })
  }
  return { lanes, stray: placeFailed(tree, generating, laneOf, failed) }
}

/** Latest call of each subtree; parents come before children in the order. */
function findReach(calls: readonly TreeCall[]): Map<number, number> {
  const reach = new Map(calls.map(call => [call.index, call.index]))
  for (const call of [...calls].reverse()) {
    const { parent } = call.link
    const own = reach.get(call.index) ?? call.index
    if (parent !== null && (reach.get(parent) ?? parent) < own) reach.set(parent, own)
  }
  return reach
}

/** Calls by parent; the roots are each other's siblings. */
function groupSiblings(calls: readonly TreeCall[]): Map<number, TreeCall[]> {
  const families = new Map<number, TreeCall[]>()
  for (const call of calls) {
    const parent = call.link.parent ?? noParent
    const family = families.get(parent)
    if (family === undefined) families.set(parent, [call])
    else family.push(call)
  }
  return families
}

interface Alternatives {
  readonly shown: ReadonlyMap<number, readonly TreeCall[]>
  readonly hidden: ReadonlySet<number>
}

/** Among answers to one and the same request, the one continued furthest is kept, else the last; leaves beside it are alternatives. */
function findAlternatives(families: ReadonlyMap<number, readonly TreeCall[]>, reach: ReadonlyMap<number, number>): Alternatives {
  const shown = new Map<number, TreeCall[]>()
  const hidden = new Set<number>()
  for (const family of families.values()) {
    const bySame = new Map<string, TreeCall[]>()
    for (const call of family) {
      const same = `${call.requestNode} ${call.call.preamble}`
      bySame.set(same, [...(bySame.get(same) ?? []), call])
    }
    for (const group of bySame.values()) {
      const kept = furthest(group, reach)
      const leaves = group.filter(call => call !== kept && reach.get(call.index) === call.index)
      if (kept === undefined || leaves.length === 0) continue
      shown.set(kept.index, leaves)
      for (const leaf of leaves) hidden.add(leaf.index)
    }
  }
  return { shown, hidden }
}

/** A continued call reaches beyond itself and so beats any leaf that came after it. */
function furthest(calls: readonly TreeCall[], reach: ReadonlyMap<number, number>): TreeCall | undefined {
  const continued = calls.filter(call => reach.get(call.index) !== call.index)
  let best: TreeCall | undefined
  for (const call of continued.length > 0 ? continued : calls)
    if (best === undefined || (reach.get(call.index) ?? 0) > (reach.get(best.index) ?? 0)) best = call
  return best
}

/** Each parent's continuation; its other children start lanes of their own. */
function chooseNext(
  families: ReadonlyMap<number, readonly TreeCall[]>,
  alternatives: Alternatives,
  reach: ReadonlyMap<number, number>,
): Map<number, TreeCall> {
  const next = new Map<number, TreeCall>()
  for (const [parent, family] of families) {
    if (parent === noParent) continue
    const chosen = furthest(
      family.filter(call => !alternatives.hidden.has(call.index)),
      reach,
    )
    if (chosen !== undefined) next.set(parent, chosen)
  }
  return next
}

/** A failed call goes to the lane of a call that asked the same, else to that of its parent; the rest is given back. */
function placeFailed(
  tree: CallTree,
  generating: readonly TreeCall[],
  laneOf: ReadonlyMap<number, number>,
  failed: readonly TreeCall[][],
): TreeCall[] {
  const asked = new Map(generating.map(call => [`${call.requestNode} ${call.link.parent}`, call.index]))
  const stray: TreeCall[] = []
  for (const call of tree.calls) {
    if (call.call.answer !== null) continue
    const owner = asked.get(`${call.requestNode} ${call.link.parent}`) ?? call.link.parent
    const lane = owner === null ? undefined : laneOf.get(owner)
    const members = lane === undefined ? undefined : failed[lane]
    if (members === undefined) stray.push(call)
    else members.push(call)
  }
  return stray
}
