// All rows of `calls` laid over one another: a trie of steps, in which what several calls share to the letter stands once. Pure.
// A step is a context message or an answer; answers are steps of their own even where two calls gave the same one.

import { createContextReader } from './context.ts'
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
  const { history } = tree.scope
  const reader = createContextReader(tree)
  const steps: Step[] = []
  const children: Array<{ count: number; last: number }> = []
  const byPlace = new Map<string, number>()
  const answerOf = new Map<number, number>()

  const addStep = (step: Step): number => {
    steps.push(step)
    children.push({ count: 0, last: -1 })
    const family = children[step.parent]
    if (family !== undefined) children[step.parent] = { count: family.count + 1, last: steps.length - 1 }
    return steps.length - 1
  }

  /** Calls that asked the same begin together; others share nothing that no link accounts for. */
  const findRoot = (call: TreeCall, end: number): number => {
    const isHidden = readBeginning(tree, call) !== null
    const name = `root ${call.call.preamble} ${end} ${isHidden ? call.index : `r${call.request}`}`
    const known = byPlace.get(name)
    if (known !== undefined) return known
    const root = addStep({ parent: -1, level: 0, count: 0, from: 0, end, call, isAnswer: false })
    byPlace.set(name, root)
    return root
  }

  const begin = (call: TreeCall, start: number, isAnew = true): Base => ({ at: findRoot(call, start), depth: start, isAnew })

  /** The last step that the call's parent and the call have both seen. */
  const findBase = (call: TreeCall): Base => {
    const { parent } = readLineage(tree, call)
    const at = parent === null ? undefined : answerOf.get(parent.index)
    if (parent === null || at === undefined) return begin(call, reader.findStart(call), false)
    const { reason, known } = readContinuation(tree, parent, call)
    if (reason === null) return { at, depth: known, isAnew: false }
    const start = reader.findStart(call)
    const isShared = reason === 'edit' || reason === 'thinking-dropped' || reason === 'answer-rewritten'
    if (!isShared || parent.call.preamble !== call.call.preamble) return begin(call, start)
    const shared = history.depthOf(history.commonAncestor(call.request, parent.answer ?? parent.request))
    return climb(call, at, shared) ?? begin(call, start)
  }

  /** Up from an answer to the last step within the first `shared` blocks; null when that is a beginning. */
  const climb = (call: TreeCall, from: number, shared: number): Base | null => {
    let at = from
    // An answer whose texts were joined has fewer blocks in the requests behind it than it had itself.
    let offset = 0
    for (let step = steps[at]; step !== undefined && step.parent >= 0; step = steps[at]) {
      const depth = step.end + offset
      if (depth <= shared && isBoundary(call, depth)) return { at, depth, isAnew: false }
      offset += step.from - (steps[step.parent]?.end ?? step.from)
      at = step.parent
    }
    return null
  }

  const isBoundary = (call: TreeCall, depth: number): boolean =>
    depth >= history.depthOf(call.request) || history.startsMessage(history.ancestorAt(call.request, depth + 1))

  const place = (call: TreeCall): void => {
    const base = findBase(call)
    let { at, depth } = base
    const add = (end: number, isAnswer: boolean, count = 1): number => {
      const before = steps[at]
      return addStep({ parent: at, level: (before?.level ?? 0) + (before?.count ?? 0), count, from: depth, end, call, isAnswer })
    }
    const nodes = history.nodesFrom(call.request, depth)
    const isLast = (index: number): boolean => index + 1 === nodes.length || history.startsMessage(nodes[index + 1] ?? 0)
    const isStep = (index: number): boolean => (base.isAnew ? index + 1 === nodes.length : isLast(index))
    let count = 0
    for (const [index, node] of nodes.entries()) {
      if (isLast(index)) count += 1
      if (!isStep(index)) continue
      const name = `${at} ${node}`
      at = byPlace.get(name) ?? add(history.depthOf(node), false, count)
      byPlace.set(name, at)
      depth = history.depthOf(node)
      count = 0
    }
    answerOf.set(call.index, add(history.depthOf(call.answer ?? call.request), true))
  }

  for (const call of calls) place(call)
  return { steps, children }
}
