// What a client changed in a history before it sent it back: the blocks of the context an answer was generated from, held against the
// blocks that stand before that answer now. Both are read from where they part, so an unchanged beginning costs nothing.

import { addTo } from '../../core/groups.ts'
import type { History } from './history.ts'
import type { IdentityTrie } from './identity-trie.ts'
import type { Edit } from './link.ts'

/** Before: the owner's context and its answer. After: a request up to and including the last block of that answer. */
export function listEdits(history: History, identities: IdentityTrie, before: number, after: number): Edit[] {
  const shared = history.depthOf(history.commonAncestor(before, after))
  const keyOf = (node: number): number => readKey(history, identities, node)
  const old = history.nodesFrom(before, shared).filter(node => keyOf(node) >= 0)
  const now = history.nodesFrom(after, shared).filter(node => keyOf(node) >= 0)
  const matches = matchInOrder(old.map(keyOf), now.map(keyOf))
  return describe(history, old, now, matches)
}

/** A result is the same block only with the same words; an assistant's text also when it was trimmed or joined. */
function readKey(history: History, identities: IdentityTrie, node: number): number {
  const { role, strong } = history.blockOf(node)
  return role === 'assistant' ? identities.keyOf(node) : strong
}

/** For each of `now` the index in `old` of the same block, equal blocks in their order; -1 = none. Linear. */
function matchInOrder(old: readonly number[], now: readonly number[]): number[] {
  const places = new Map<number, number[]>()
  for (const [index, key] of old.entries()) addTo(places, key, index)
  const used = new Map<number, number>()
  return now.map(key => {
    const next = used.get(key) ?? 0
    used.set(key, next + 1)
    return places.get(key)?.[next] ?? -1
  })
}

function describe(history: History, old: readonly number[], now: readonly number[], matches: readonly number[]): Edit[] {
  const gone = findGone(history, old, new Set(matches))
  const edits: Edit[] = []
  let reached = -1
  for (const [index, node] of now.entries()) {
    const match = matches[index] ?? -1
    reached = Math.max(reached, match)
    if (match >= 0) continue
    const { block, callId } = history.blockOf(node)
    const rivals =
      block.kind === 'tool-result' ? gone.results.get(callId ?? '') : block.kind === 'text' ? gone.texts.get(reached) : undefined
    const changed = block.kind === 'tool-result' ? 'result-changed' : 'text-changed'
    const kind = rivals?.shift() === undefined ? 'inserted' : changed
    edits.push({ kind, position: history.depthOf(node) - 1 })
  }
  for (const _ of [...gone.results.values()].flat()) edits.push({ kind: 'result-changed', position: null })
  for (const _ of [...gone.texts.values()].flat()) edits.push({ kind: 'text-dropped', position: null })
  return edits
}

/** Blocks that are there no more: results by their call, others by the last block before them that is still there. */
function findGone(history: History, old: readonly number[], matched: ReadonlySet<number>) {
  const results = new Map<string, number[]>()
  const texts = new Map<number, number[]>()
  let reached = -1
  for (const [index, node] of old.entries()) {
    const { block, callId } = history.blockOf(node)
    if (matched.has(index)) reached = index
    else if (block.kind === 'tool-result') addTo(results, callId ?? '', index)
    else addTo(texts, reached, index)
  }
  return { results, texts }
}
