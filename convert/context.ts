// What a call's model saw, as context steps: which blocks of its request, grouped to messages, and whether an earlier row says them.
// Pure. Policies ask for a whole context or for what is new in one; nothing here decides which.

import type { Block, Message } from '../core/types.ts'
import { readLineage } from './lineage.ts'
import type { TrajectoryStep } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

/** Whose words a context repeats: those of the call's parent, of a row that shows the very same request, or nobody's. */
export type Repeats = 'parent' | 'all' | 'nothing'

export interface ContextReader {
  /** Everything the model saw before it answered. */
  readonly readWhole: (call: TreeCall, repeats: Repeats) => TrajectoryStep[]
  /** As many of its blocks, from one depth to another. */
  readonly readRange: (call: TreeCall, from: number, to: number) => TrajectoryStep[]
  /** The messages behind the first `depth` blocks; the first may be the rest of a message. */
  readonly readNew: (call: TreeCall, depth: number) => TrajectoryStep[]
  /** The blocks at these positions of the request, as messages. */
  readonly readBlocks: (call: TreeCall, positions: readonly number[]) => TrajectoryStep[]
  /** Depth at which what the model saw begins: what stands before a provider's own summary is not read any more. */
  readonly findStart: (call: TreeCall) => number
}

export function createContextReader(tree: CallTree): ContextReader {
  const { history } = tree.scope

  const findStart = (call: TreeCall): number => {
    if (call.call.protocol !== 'anthropic-messages') return 0
    const start = history.nodesFrom(call.request, 0).findLastIndex(node => isCompaction(history.blockOf(node).block))
    return Math.max(start, 0)
  }

  const isRepeated = (call: TreeCall, repeats: Repeats): ((node: number) => boolean) => {
    if (repeats !== 'parent') return () => repeats === 'all'
    const { parent, known, edits } = readLineage(tree, call)
    if (parent === null) return () => false
    if (known > 0) {
      const changed = new Set(edits.map(edit => edit.position))
      return node => history.depthOf(node) <= known && !changed.has(history.depthOf(node) - 1)
    }
    const said = new Set(history.nodesFrom(parent.answer ?? parent.request, 0).map(history.referenceOf))
    return node => said.has(history.referenceOf(node))
  }

  /** A message is a repetition only when all of it is. */
  const group = (nodes: readonly number[], isCopied: (node: number) => boolean, isApart?: boolean): TrajectoryStep[] => {
    const steps: Array<{ message: { role: Message['role']; blocks: Block[] }; generation: null; copied: boolean; tokens: null }> =
      []
    for (const node of nodes) {
      const { role, block } = history.blockOf(node)
      const last = steps.at(-1)
      const opens = last === undefined || (isApart === true ? last.message.role !== role : history.startsMessage(node))
      if (opens) steps.push({ message: { role, blocks: [block] }, generation: null, copied: isCopied(node), tokens: null })
      else {
        last.message.blocks.push(block)
        last.copied &&= isCopied(node)
      }
    }
    return steps
  }

  return {
    findStart,
    readWhole: (call, repeats) => group(history.nodesFrom(call.request, findStart(call)), isRepeated(call, repeats)),
    readRange: (call, from, to) =>
      group(history.nodesFrom(history.ancestorAt(call.request, to), from), isRepeated(call, 'parent')),
    readNew: (call, depth) => group(history.nodesFrom(call.request, depth), () => false),
    readBlocks: (call, positions) => {
      const nodes = positions.map(position => history.ancestorAt(call.request, position + 1))
      return group(nodes, () => false, true)
    },
  }
}

/** Anthropic reads nothing before the last summary that its own compaction has written. */
export function isCompaction(block: Block): boolean {
  return block.kind === 'opaque' && block.type === 'compaction'
}
