// What stands before the first answer of a request: by it a request without a past is placed. Requests that begin alike share what was
// found; each block is read once.

import type { Block } from '../core/types.ts'
import type { History } from './history.ts'
import { type Line, readLines } from './lines.ts'

export interface Opening {
  /** That users wrote there. */
  readonly lines: readonly Line[]
  /** A block stands there by which the protocol says that it was compacted. */
  readonly isCompacted: boolean
  readonly readBlocks: () => readonly Block[]
}

export interface Openings {
  readonly read: (request: number) => Opening
  /** That users wrote in any blocks. */
  readonly linesOf: (nodes: readonly number[]) => readonly Line[]
}

/** Of the conversation up to a node. */
interface Reach {
  /** Where the opening ends. */
  readonly end: number
  /** The last node in it that has lines; 0 = none. */
  readonly lined: number
  readonly isCompacted: boolean
}

export function createOpenings(history: History): Openings {
  const byReference = new Map<number, readonly Line[]>()
  const reaches: Array<Reach | undefined> = [{ end: 0, lined: 0, isCompacted: false }]

  const readLinesAt = (node: number): readonly Line[] => {
    const { block, role } = history.blockOf(node)
    if (block.kind !== 'text' || role !== 'user') return []
    const reference = history.referenceOf(node)
    const lines = byReference.get(reference) ?? readLines(block.text)
    byReference.set(reference, lines)
    return lines
  }
  const extend = (before: Reach, node: number): Reach => {
    const { block, role } = history.blockOf(node)
    if (before.end !== history.parentOf(node) || role === 'assistant') return before
    return {
      end: node,
      lined: readLinesAt(node).length > 0 ? node : before.lined,
      isCompacted: before.isCompacted || (block.kind === 'opaque' && /^(context_)?compaction/.test(block.type)),
    }
  }
  const reachOf = (node: number): Reach => {
    const open: number[] = []
    let at = node
    for (; reaches[at] === undefined; at = history.parentOf(at)) open.push(at)
    let reach = reaches[at] ?? { end: 0, lined: 0, isCompacted: false }
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      reach = extend(reach, next)
      reaches[next] = reach
    }
    return reach
  }

  return {
    read: request => {
      const { end, lined, isCompacted } = reachOf(request)
      const found: Array<readonly Line[]> = []
      for (let at = lined; at !== 0; at = reachOf(history.parentOf(at)).lined) found.push(readLinesAt(at))
      return {
        lines: found.reverse().flat(),
        isCompacted,
        readBlocks: () => history.nodesFrom(end, 0).map(node => history.blockOf(node).block),
      }
    },
    linesOf: nodes => nodes.flatMap(readLinesAt),
  }
}
