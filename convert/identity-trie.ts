// Which conversations are the same conversation: a trie of identity keys over the history. Wire noise leads to the same node.
// A node's name is a hash of its path: the same words have the same name in every order, machine and run. Decides no link.

import type { EpochMs } from '../core/types.ts'
import type { BlockTable } from './blocks.ts'
import type { History } from './history.ts'
import { writeTextKey } from './identity.ts'
import { createKeyReader, type KeyReader } from './identity-keys.ts'
import { createIdentityNodes, type IdentityNodes } from './identity-nodes.ts'
import type { ToolIds } from './tool-ids.ts'

export interface IdentityTrie {
  /** Identity node of a history node, read as the end of a request or an answer. */
  readonly place: (node: number) => number
  /** The same for a request before anything else asks for it: calls that gateways renamed are known by what had been generated then. */
  readonly placeAt: (node: number, at: EpochMs) => number
  /** Key by which a placed assistant block is known; -1 = it has no identity. */
  readonly keyOf: (node: number) => number
  /** Tells what an answer generated, so that a gateway's own ids can be traced to it; false when some were traced to another before. */
  readonly noteAnswer: (request: number, answer: number, at: EpochMs) => boolean
  /** SHA-256 (hex) of the path. */
  readonly nodeId: (identity: number) => string
}

/** Texts in a row are one text; beyond so many a new one begins, so that a long row costs no more than its length. */
const joinedMax = 64
/** What a run between two answers has had of tool results: none yet, or something else after them. */
const noResult = -1
const resultsOver = -2

interface Place {
  readonly identity: number
  readonly key: number
  /** Assistant: where the row of texts began and what it says so far; null after anything else. */
  readonly texts: { readonly start: number; readonly text: string; readonly count: number } | null
  /** Others: identity before the run, and its last result if only results stand in it, in order. */
  readonly runStart: number
  readonly lastResult: number
}

export function createIdentityTrie(table: BlockTable, history: History, ids: ToolIds, scopeId: string): IdentityTrie {
  const trie = createIdentityNodes(table, scopeId)
  const { readKey, readResultId, noteGenerated } = createKeyReader(table, history, ids)
  const places: Array<Place | undefined> = [{ identity: 0, key: -1, texts: null, runStart: 0, lastResult: noResult }]
  const placeAssistant = createAssistantPlacer(table, history, trie, readKey)
  const isAssistant = (node: number): boolean => node !== 0 && history.blockOf(node).role === 'assistant'

  /** Null: a result that belongs before something already placed; the run must be put in order as a whole. */
  const placeOther = (node: number, before: Place, at: EpochMs): Place | null => {
    const parent = history.parentOf(node)
    const opens = parent === 0 || isAssistant(parent)
    const stored = history.blockOf(node)
    const [runStart, last] = opens ? [before.identity, noResult] : [before.runStart, before.lastResult]
    const key = readKey(node, before.identity, at)
    const isResult = stored.block.kind === 'tool-result'
    if (isResult && (last === resultsOver || (last !== noResult && readResultId(node) < readResultId(last)))) return null
    const lastResult = isResult ? node : key < 0 ? last : resultsOver
    return { identity: trie.step(before.identity, key), key, texts: null, runStart, lastResult }
  }

  /** A run as a whole, in its own order. */
  const placeRun = (node: number, at: EpochMs): Place => {
    const run: number[] = []
    let start = node
    for (; start !== 0 && !isAssistant(start); start = history.parentOf(start)) run.push(start)
    const runStart = places[start]?.identity ?? 0
    const { sorted, lastResult } = sortRun(history, run.reverse(), readResultId)
    let identity = runStart
    let key = -1
    for (const member of sorted) {
      key = readKey(member, identity, at)
      identity = trie.step(identity, key)
    }
    return { identity, key, texts: null, runStart, lastResult }
  }

  const placeAt = (node: number, at: EpochMs): Place => {
    const open: number[] = []
    let known = node
    for (; places[known] === undefined; known = history.parentOf(known)) open.push(known)
    let before = places[known]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (isAssistant(next)) before = placeAssistant(next, before ?? placeRun(history.parentOf(next), at), at)
      else before = before === undefined ? undefined : (placeOther(next, before, at) ?? undefined)
      // Within a run out of order only its end matters.
      const following = open.at(-1)
      if (before === undefined && (following === undefined || isAssistant(following))) before = placeRun(next, at)
      places[next] = before
    }
    return before ?? placeRun(node, at)
  }
  const place = (node: number): Place => places[node] ?? placeAt(node, Number.POSITIVE_INFINITY)

  return {
    place: node => place(node).identity,
    placeAt: (node, at) => placeAt(node, at).identity,
    keyOf: node => place(node).key,
    noteAnswer: (request, answer, at) =>
      history
        .between(request, answer)
        .map(node => noteGenerated(node, place(history.parentOf(node)).identity, at))
        .every(isFirst => isFirst),
    nodeId: trie.nodeId,
  }
}

function createAssistantPlacer(table: BlockTable, history: History, trie: IdentityNodes, readKey: KeyReader['readKey']) {
  return (node: number, before: Place, at: EpochMs): Place => {
    const stored = history.blockOf(node)
    const run = { runStart: 0, lastResult: noResult }
    if (stored.block.kind === 'text' && before.texts !== null && before.texts.count < joinedMax) {
      const text = before.texts.text + stored.block.text
      const trimmed = text.trimEnd()
      const key = trimmed === '' ? -1 : table.internKey(writeTextKey('assistant', trimmed))
      const { start, count } = before.texts
      return { ...run, key, identity: trie.step(start, key), texts: { start, text, count: count + 1 } }
    }
    const key = readKey(node, before.identity, at)
    const identity = trie.step(before.identity, key)
    if (stored.block.kind === 'text' && key >= 0)
      return { ...run, key, identity, texts: { start: before.identity, text: stored.block.text, count: 1 } }
    // Thinking between two texts does not part them: clients leave it out.
    return { ...run, key, identity, texts: key < 0 ? before.texts : null }
  }
}

/** Results first and by their ids: clients split and reorder parallel results. Everything else keeps its place. */
function sortRun(history: History, run: readonly number[], readResultId: (node: number) => string) {
  const isResult = (node: number): boolean => history.blockOf(node).block.kind === 'tool-result'
  const results = run.filter(isResult).map(node => ({ node, id: readResultId(node) }))
  const others = run.filter(node => !isResult(node))
  results.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const lastResult = others.length > 0 ? resultsOver : (results.at(-1)?.node ?? noResult)
  return { sorted: [...results.map(result => result.node), ...others], lastResult }
}
