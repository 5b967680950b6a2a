// All rows of `calls` laid over one another: a trie of steps, in which what several calls share to the letter stands once. Pure.
// A step is a context message or an answer; answers are steps of their own even where two calls gave the same one.

import { createContextReader } from './context.ts'
import { readBeginning, readContinuation } from './continuation.ts'
import { readLineage } from './lineage.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface Step {
  /** -1: a beginning, which is no step of any row. */
  readonly parent: number
  /** Steps before it. */
  readonly level: number
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
    const root = addStep({ parent: -1, level: -1, from: 0, end, call, isAnswer: false })
    byPlace.set(name, root)
    return root
  }

  const begin = (call: TreeCall, start: number): Base => ({ at: findRoot(call, start), depth: start })

  /** The last step that the call's parent and the call have both seen. */
  const findBase = (call: TreeCall): Base => {
    const { parent } = readLineage(tree, call)
    const at = parent === null ? undefined : answerOf.get(parent.index)
    if (parent === null || at === undefined) return begin(call, reader.findStart(call))
    const { reason, known } = readContinuation(tree, parent, call)
    if (reason === null) return { at, depth: known }
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
      if (depth <= shared && isBoundary(call, depth)) return { at, depth }
      offset += step.from - (steps[step.parent]?.end ?? step.from)
      at = step.parent
    }
    return null
  }

  const isBoundary = (call: TreeCall, depth: number): boolean =>
    depth >= history.depthOf(call.request) || history.startsMessage(history.ancestorAt(call.request, depth + 1))

  const place = (call: TreeCall): void => {
    let { at, depth } = findBase(call)
    const add = (end: number, isAnswer: boolean): number => {
      const level = (steps[at]?.level ?? -1) + 1
      return addStep({ parent: at, level, from: depth, end, call, isAnswer })
    }
    const nodes = history.nodesFrom(call.request, depth)
    for (const [index, node] of nodes.entries()) {
      const next = nodes[index + 1]
      if (next !== undefined && !history.startsMessage(next)) continue
      const name = `${at} ${node}`
      at = byPlace.get(name) ?? add(history.depthOf(node), false)
      byPlace.set(name, at)
      depth = history.depthOf(node)
    }
    answerOf.set(call.index, add(history.depthOf(call.answer ?? call.request), true))
  }

  for (const call of calls) place(call)
  return { steps, children }
}
