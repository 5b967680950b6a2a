// Does a call continue another to the letter? What its model saw must be what the other saw, then the other's answer, then new items.
// Pure; costs what is new when it does, and a walk back to the first difference when it does not.

import type { Block } from '../core/types.ts'
import { isCompaction } from './context.ts'
import { readLineage } from './lineage.ts'
import type { Link } from './link.ts'
import type { BreakReason } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface Continuation {
  /** Null: to the letter. */
  readonly reason: BreakReason | null
  /** Number of leading blocks of the request that what came before accounts for. */
  readonly known: number
}

export function readContinuation(tree: CallTree, before: TreeCall, call: TreeCall): Continuation {
  const { history } = tree.scope
  const said = before.answer ?? before.request
  const isLiteral = history.continues(call.request, said)
  const lineage = readLineage(tree, call)
  const known = isLiteral ? history.depthOf(said) : skipThinking(tree, call, lineage.known)
  const difference = isLiteral ? null : readDifference(tree, said, call, known)
  const reason =
    difference === 'history-not-visible' ? difference : (readOutline(tree, before, call, lineage.relation) ?? difference)
  return { reason, known }
}

/** For a call whose whole context is shown: null when all that its model saw stands in its request and in those it is declared to continue. */
export function readBeginning(tree: CallTree, call: TreeCall): BreakReason | null {
  for (let at: TreeCall | undefined = call; at !== undefined; ) {
    if (isHidden(at)) return 'history-not-visible'
    if (at.link.relation !== 'declared' || at.link.parent === null) return isCut(at) ? 'history-not-visible' : null
    at = tree.calls[at.link.parent]
  }
  return null
}

function isHidden({ call }: TreeCall): boolean {
  return call.visibility.edited || call.visibility.unseen !== null
}

/** It names an answer that the record does not have. */
function isCut({ call, link }: TreeCall): boolean {
  return call.previousAnswerId !== null && link.relation !== 'declared'
}

/** What can be told without looking at the words. */
function readOutline(tree: CallTree, before: TreeCall, call: TreeCall, relation: Link['relation']): BreakReason | null {
  const [seen, sees] = [before.call.visibility, call.call.visibility]
  if (relation === 'compact' || holdsSummary(tree, before, call)) return 'compaction'
  if (relation === 'edit') return 'edit'
  if (before.call.preamble !== call.call.preamble) return 'preamble-changed'
  if (seen.edited || sees.edited || seen.unseen !== sees.unseen) return 'history-not-visible'
  return isCut(call) ? 'history-not-visible' : null
}

/** The provider's own summary, in the answer before or in what is new: what stands before it is not read any more. */
export function holdsSummary({ scope: { history } }: CallTree, before: TreeCall, call: TreeCall): boolean {
  return history.nodesFrom(call.request, history.depthOf(before.request)).some(node => isCompaction(history.blockOf(node).block))
}

/** Thinking behind the last word of an answer belongs to the answer, though it accounts for no part of the link. */
function skipThinking({ scope: { history } }: CallTree, call: TreeCall, depth: number): number {
  let known = depth
  for (const node of history.nodesFrom(call.request, depth)) {
    const { role, block } = history.blockOf(node)
    if (role !== 'assistant' || block.kind !== 'thinking') break
    known += 1
  }
  return known
}

interface Part {
  readonly key: number
  /** By content alone. */
  readonly weak: number
  /** The first of its message. */
  readonly opens: boolean
  readonly block: Block
}

/** Texts of an answer in a row are one: clients join them. */
const joined = -2

/** Null: word for word the same after all. */
function readDifference({ scope: { history } }: CallTree, said: number, call: TreeCall, known: number): BreakReason | null {
  const shared = history.depthOf(history.commonAncestor(call.request, said))
  const readParts = (end: number): Part[] => {
    const parts: Part[] = []
    for (const node of history.nodesFrom(end, shared)) {
      const { strong, weak, role, block } = history.blockOf(node)
      const opens = history.startsMessage(node)
      const last = parts.at(-1)
      if (role !== 'assistant' || block.kind !== 'text') parts.push({ key: strong, weak, opens, block })
      else if (last?.key === joined && last.block.kind === 'text')
        parts[parts.length - 1] = { ...last, block: { kind: 'text', text: last.block.text + block.text } }
      else parts.push({ key: joined, weak, opens, block })
    }
    return parts
  }
  return compareParts(readParts(said), readParts(history.ancestorAt(call.request, known)))
}

function compareParts(expected: readonly Part[], actual: readonly Part[]): BreakReason | null {
  if (actual.some(({ block }) => block.kind === 'opaque' && block.type === 'item_reference')) return 'history-not-visible'
  if (isEach(expected, actual, isSame)) return null
  const thoughts = new Set(actual.map(nameThought))
  if (expected.some(part => says(part) && !thoughts.has(nameThought(part)))) return 'thinking-dropped'
  const isWord = ({ block }: Part): boolean => block.kind !== 'thinking'
  const renamed = new Map<string, string>()
  const [before, after] = [expected.filter(isWord), actual.filter(isWord)]
  return isEach(before, after, (one, other) => isAlike(one, other, renamed)) ? 'answer-rewritten' : 'edit'
}

function isEach(one: readonly Part[], other: readonly Part[], is: (a: Part, b: Part) => boolean): boolean {
  return one.length === other.length && one.every((part, index) => is(part, other[index] ?? part))
}

/** Blocks spelled alike are one block of the table. */
function isSame(one: Part, other: Part): boolean {
  if (one.opens !== other.opens) return false
  if (one.key === joined && one.block.kind === 'text')
    return other.key === joined && other.block.kind === 'text' && one.block.text === other.block.text
  return one.block === other.block
}

/** `renamed`: ids of tool calls that a gateway gave others, as far as they were met. */
function isAlike(one: Part, other: Part, renamed: Map<string, string>): boolean {
  if (one.key === joined && one.block.kind === 'text' && other.block.kind === 'text')
    return other.key === joined && one.block.text.trimEnd() === other.block.text.trimEnd()
  if (one.block.kind === 'tool-call' && other.block.kind === 'tool-call' && one.block.name === other.block.name)
    renamed.set(one.block.id, other.block.id)
  else if (one.block.kind === 'tool-result' && other.block.kind === 'tool-result')
    return one.weak === other.weak && (renamed.get(one.block.callId) ?? one.block.callId) === other.block.callId
  else return one.key === other.key
  return true
}

function nameThought({ block }: Part): string | null {
  return block.kind === 'thinking' ? `${block.signature ?? ''} ${block.redacted ?? ''} ${block.text}` : null
}

function says({ block }: Part): boolean {
  return block.kind === 'thinking' && (block.text !== '' || block.signature !== undefined || block.redacted !== undefined)
}
