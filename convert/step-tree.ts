// All rows of `calls` laid over one another: a trie of steps, in which what several calls share to the letter stands once. Pure.
// A step is a context message or an answer; answers are steps of their own even where two calls gave the same one.

import { type ContextReader, createContextReader } from './context.ts'
import { readBeginning, readContinuation } from './continuation.ts'
import { readLineage } from './lineage.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface Step {
  /** -1: a beginning, which is no step of any row. */
  readonly parent: number
  /** Steps of a row before it. */
  readonly level: number
  /** How many steps of a row it stands for; more than one where a call begins anew and nothing of its context is shared. */
  readonly count: number
  /** Depths of `call` before its first block and behind its last. */
  readonly from: number
  readonly end: number
  /** The first call that saw or generated it. */
  readonly call: TreeCall
  readonly isAnswer: boolean
}

export interface StepTree {
  readonly steps: readonly Step[]
  /** How many steps stand directly behind each, and one of them. */
  readonly children: ReadonlyArray<{ readonly count: number; readonly last: number }>
}

/** A step, and how much of a call's request it accounts for. */
interface Base {
  readonly at: number
  readonly depth: number
  /** Nothing of its parent's context stands before it: its own is kept whole, or a client that always begins anew would fill the memory. */
  readonly isAnew: boolean
}

/** `calls`: those that generated something, parents before children. */
export function buildStepTree(tree: CallTree, calls: readonly TreeCall[]): StepTree {
  const growth = openGrowth(tree)
  for (const call of calls) place(growth, call)
  return growth
}

interface Growth extends StepTree {
  readonly tree: CallTree
  readonly reader: ContextReader
  readonly byPlace: Map<string, number>
  readonly answerOf: Map<number, number>
  readonly add: (step: Step) => number
}

function openGrowth(tree: CallTree): Growth {
  const steps: Step[] = []
  const children: Array<{ count: number; last: number }> = []
  const add = (step: Step): number => {
    steps.push(step)
    children.push({ count: 0, last: -1 })
    const family = children[step.parent]
    if (family !== undefined) children[step.parent] = { count: family.count + 1, last: steps.length - 1 }
    return steps.length - 1
  }
  return { tree, reader: createContextReader(tree), steps, children, byPlace: new Map(), answerOf: new Map(), add }
}

/** Calls that asked the same begin together; others share nothing that no link accounts for. */
function begin({ tree, reader, byPlace, add }: Growth, call: TreeCall, isAnew: boolean): Base {
  const depth = reader.findStart(call)
  const isHidden = readBeginning(tree, call) !== null
  const name = `root ${call.call.preamble} ${depth} ${isHidden ? call.index : `r${call.request}`}`
  const at = byPlace.get(name) ?? add({ parent: -1, level: 0, count: 0, from: 0, end: depth, call, isAnswer: false })
  byPlace.set(name, at)
  return { at, depth, isAnew }
}

/** The last step that the call's parent and the call have both seen. */
function findBase(growth: Growth, call: TreeCall): Base {
  const { tree, answerOf } = growth
  const { history } = tree.scope
  const { parent } = readLineage(tree, call)
  const at = parent === null ? undefined : answerOf.get(parent.index)
  if (parent === null || at === undefined) return begin(growth, call, false)
  const { reason, known } = readContinuation(tree, parent, call)
  if (reason === null) return { at, depth: known, isAnew: false }
  const isShared = reason === 'edit' || reason === 'thinking-dropped' || reason === 'answer-rewritten'
  if (!isShared || parent.call.preamble !== call.call.preamble) return begin(growth, call, true)
  const shared = history.depthOf(history.commonAncestor(call.request, parent.answer ?? parent.request))
  return climb(growth, call, at, shared) ?? begin(growth, call, true)
}

/** Up from an answer to the last step within the first `shared` blocks; null when that is a beginning. */
function climb({ tree, steps }: Growth, call: TreeCall, from: number, shared: number): Base | null {
  let at = from
  // An answer whose texts were joined has fewer blocks in the requests behind it than it had itself.
  let offset = 0
  for (let step = steps[at]; step !== undefined && step.parent >= 0; step = steps[at]) {
    const depth = step.end + offset
    if (depth <= shared && isBoundary(tree, call, depth)) return { at, depth, isAnew: false }
    offset += step.from - (steps[step.parent]?.end ?? step.from)
    at = step.parent
  }
  return null
}

function isBoundary({ scope: { history } }: CallTree, call: TreeCall, depth: number): boolean {
  return depth >= history.depthOf(call.request) || history.startsMessage(history.ancestorAt(call.request, depth + 1))
}

function place(growth: Growth, call: TreeCall): void {
  const { tree, steps, byPlace, answerOf } = growth
  const { history } = tree.scope
  const base = findBase(growth, call)
  let { at, depth } = base
  const add = (end: number, isAnswer: boolean, count: number): number => {
    const before = steps[at]
    const level = (before?.level ?? 0) + (before?.count ?? 0)
    return growth.add({ parent: at, level, count, from: depth, end, call, isAnswer })
  }
  const nodes = history.nodesFrom(call.request, depth)
  let count = 0
  for (const [index, node] of nodes.entries()) {
    const next = nodes[index + 1]
    if (next === undefined || history.startsMessage(next)) count += 1
    if (next !== undefined && (base.isAnew || !history.startsMessage(next))) continue
    const name = `${at} ${node}`
    at = byPlace.get(name) ?? add(history.depthOf(node), false, count)
    byPlace.set(name, at)
    depth = history.depthOf(node)
    count = 0
  }
  answerOf.set(call.index, add(history.depthOf(call.answer ?? call.request), true, 1))
}
