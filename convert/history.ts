// Every conversation of a scope as one trie of blocks: a request is a single node, and what it resends costs nothing.
// Blocks stand here in wire order as they were spelled, thinking included; what makes them the same is identity-trie.ts.

import type { Block, Message, Role } from '../core/types.ts'
import type { BlockTable, StoredBlock } from './blocks.ts'

/** A node says: these blocks in this order. Node 0 is the empty conversation. */
export interface History {
  /** Nodes so far; all below it exist. */
  readonly size: () => number
  /** Number of blocks from the beginning up to and including this one. */
  readonly depthOf: (node: number) => number
  /** The conversation without its last block. */
  readonly parentOf: (node: number) => number
  /** Reference of its last block into the block table; -1 for node 0. */
  readonly referenceOf: (node: number) => number
  readonly blockOf: (node: number) => StoredBlock
  /** The last block opens a message of its own; an assistant's messages in a row count as one. */
  readonly startsMessage: (node: number) => boolean
  /** The last block of an assistant at or before this one; 0 = none. */
  readonly assistantAt: (node: number) => number
  /** The conversation's first `depth` blocks; the node itself when it has no more. Cheap at any distance. */
  readonly ancestorAt: (node: number, depth: number) => number
  /** `node` begins with the whole of `ancestor`, word for word. */
  readonly continues: (node: number, ancestor: number) => boolean
  /** What two conversations have in common from the beginning, word for word. */
  readonly commonAncestor: (a: number, b: number) => number
  /** Nodes behind the first `fromDepth` blocks, in wire order. Costs what it gives. */
  readonly nodesFrom: (node: number, fromDepth: number) => number[]
  /** Nodes behind `ancestor`, which `node` continues; none when there is no `node`. */
  readonly between: (ancestor: number, node: number | null) => number[]
  /** Messages behind the first `fromDepth` blocks; the first may be the rest of a message. */
  readonly readMessages: (node: number, fromDepth: number) => Message[]
  readonly add: (parent: number, reference: number, startsMessage: boolean) => number
  /** Puts a message behind a conversation; empty texts are no blocks. */
  readonly addMessage: (parent: number, role: Role, blocks: readonly Block[]) => number
}

/** References stay below this, so that an edge is one exact integer. */
const referencesMax = 2 ** 26

export function createHistory(table: BlockTable): History {
  const nodes = createNodes(table)
  const { parentOf, referenceOf, depthOf, jumpOf, startsMessage, childOf, add } = nodes
  const blockOf = (node: number): StoredBlock => table.read(referenceOf(node))
  const ancestorAt = (node: number, depth: number): number => {
    let found = node
    while (depthOf(found) > depth) found = depthOf(jumpOf(found)) >= depth ? jumpOf(found) : parentOf(found)
    return found
  }
  const nodesFrom = (node: number, fromDepth: number): number[] => {
    const found: number[] = []
    for (let at = node; depthOf(at) > fromDepth; at = parentOf(at)) found.push(at)
    return found.reverse()
  }

  return {
    ...nodes,
    blockOf,
    ancestorAt,
    continues: (node, ancestor) => ancestorAt(node, depthOf(ancestor)) === ancestor,
    commonAncestor: (a, b) => {
      const depth = Math.min(depthOf(a), depthOf(b))
      let [one, two] = [ancestorAt(a, depth), ancestorAt(b, depth)]
      while (one !== two) {
        const part = jumpOf(one) === jumpOf(two) ? parentOf : jumpOf
        ;[one, two] = [part(one), part(two)]
      }
      return one
    },
    nodesFrom,
    between: (ancestor, node) => (node === null ? [] : nodesFrom(node, depthOf(ancestor))),
    readMessages: (node, fromDepth) => {
      const read: Array<{ role: Role; blocks: Block[] }> = []
      for (const found of nodesFrom(node, fromDepth)) {
        const { role, block } = blockOf(found)
        const last = read.at(-1)
        if (last === undefined || startsMessage(found)) read.push({ role, blocks: [block] })
        else last.blocks.push(block)
      }
      return read
    },
    addMessage: (parent, role, blocks) => {
      let node = parent
      let start = !(role === 'assistant' && parent !== 0 && blockOf(parent).role === 'assistant')
      for (const block of blocks) {
        if (block.kind === 'text' && block.text === '') continue
        const child = childOf(node)
        const isKnown = child !== 0 && startsMessage(child) === start && table.holds(referenceOf(child), role, block)
        node = isKnown ? child : add(node, table.add(role, block), start)
        start = false
      }
      return node
    },
  }
}

/** Blocks of assistants in a conversation behind one of its beginnings, the last first. */
export function* assistantsBehind(history: History, node: number, beginning: number): Generator<number> {
  const depth = history.depthOf(beginning)
  for (let at = history.assistantAt(node); history.depthOf(at) > depth; at = history.assistantAt(history.parentOf(at))) yield at
}

/** The bare trie, as columns of numbers. */
function createNodes(table: BlockTable) {
  const parents = [0]
  const references = [-1]
  const depths = [0]
  /** A distant ancestor of each node, so chosen that any depth is reached in few jumps. */
  const jumps = [0]
  const starts = [false]
  const assistants = [0]
  /** Most blocks are followed by one other only; the rest is in `others`. */
  const firstChildren = [0]
  const others = new Map<number, number>()
  const at = (column: readonly number[], node: number): number => column[node] ?? 0

  const findChild = (parent: number, reference: number, start: boolean): number => {
    const child = at(firstChildren, parent)
    if (child !== 0 && references[child] === reference && starts[child] === start) return child
    return others.get(edgeOf(parent, reference, start)) ?? 0
  }
  return {
    size: () => parents.length,
    parentOf: (node: number) => at(parents, node),
    referenceOf: (node: number) => references[node] ?? -1,
    depthOf: (node: number) => at(depths, node),
    jumpOf: (node: number) => at(jumps, node),
    startsMessage: (node: number) => starts[node] ?? false,
    assistantAt: (node: number) => at(assistants, node),
    /** The first child there was; 0 = none. */
    childOf: (node: number) => at(firstChildren, node),
    add: (parent: number, reference: number, start: boolean): number => {
      const known = findChild(parent, reference, start)
      if (known !== 0) return known
      const node = parents.length
      const jump = at(jumps, parent)
      const isEven = at(depths, parent) - at(depths, jump) === at(depths, jump) - at(depths, at(jumps, jump))
      parents.push(parent)
      references.push(reference)
      depths.push(at(depths, parent) + 1)
      jumps.push(isEven ? at(jumps, jump) : parent)
      starts.push(start)
      assistants.push(table.read(reference).role === 'assistant' ? node : at(assistants, parent))
      firstChildren.push(0)
      if (at(firstChildren, parent) === 0) firstChildren[parent] = node
      else others.set(edgeOf(parent, reference, start), node)
      return node
    },
  }
}

function edgeOf(parent: number, reference: number, start: boolean): number {
  return (parent * referencesMax + reference) * 2 + (start ? 1 : 0)
}
