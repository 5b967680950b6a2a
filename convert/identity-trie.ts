// Which conversations are the same conversation: a trie of identity keys over the history. Wire noise leads to the same node.
// A node's name is a hash of its path: the same words have the same name in every order, machine and run. Decides no link.

import { createHash } from 'node:crypto'
import type { BlockTable, StoredBlock } from './blocks.ts'
import type { History } from './history.ts'
import { readStrongKey, writeCallKey, writeTextKey } from './identity.ts'
import type { ToolIds } from './tool-ids.ts'

export interface IdentityTrie {
  /** Identity node of a history node, read as the end of a request or an answer. */
  readonly place: (node: number) => number
  /** Key by which a placed assistant block is known; -1 = it has no identity. */
  readonly keyOf: (node: number) => number
  /** Tells what an answer generated, so that a gateway's own ids can be traced to it. */
  readonly noteAnswer: (request: number, answer: number) => void
  /** SHA-256 (hex) of the path. */
  readonly nodeId: (identity: number) => string
}

const keysMax = 2 ** 26
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
  const trie = createTrie(table, scopeId)
  const places: Array<Place | undefined> = [{ identity: 0, key: -1, texts: null, runStart: 0, lastResult: noResult }]
  /** Generated tool calls by the node before them and their name. */
  const generated = new Map<string, Array<{ readonly id: string; readonly weak: number }>>()
  /** Tool calls whose id a gateway wrote: the id that was generated in their place. */
  const traced = new Map<number, string>()

  const isAssistant = (node: number): boolean => node !== 0 && history.blockOf(node).role === 'assistant'

  const traceCall = (node: number, { block, callId, weak }: StoredBlock, before: number): string | null => {
    if (block.kind !== 'tool-call' || callId === null || ids.wasGenerated(callId)) return null
    const candidates = generated.get(`${before} ${block.name}`)
    const found = candidates?.find(candidate => candidate.weak === weak) ?? candidates?.at(-1)
    if (found !== undefined) traced.set(node, found.id)
    return found?.id ?? null
  }
  /** The call a result answers, in the answer just before its run. */
  const traceResult = (node: number, callId: string): string => {
    if (traced.size === 0 || ids.wasGenerated(callId)) return callId
    let at = history.parentOf(node)
    while (at !== 0 && !isAssistant(at)) at = history.parentOf(at)
    for (; isAssistant(at); at = history.parentOf(at)) {
      const { block } = history.blockOf(at)
      if (block.kind === 'tool-call' && block.id === callId) return traced.get(at) ?? callId
    }
    return callId
  }
  const readKey = (node: number, stored: StoredBlock, before: number): number => {
    const { block, callId, strong, weak, role } = stored
    if (callId === null) return strong
    if (ids.isAmbiguous(callId)) return weak
    if (block.kind === 'tool-call') {
      const id = traceCall(node, stored, before)
      return id === null ? strong : table.internKey(writeCallKey(block.name, id))
    }
    const id = traceResult(node, callId)
    return id === callId || block.kind !== 'tool-result'
      ? strong
      : table.internKey(readStrongKey(role, { ...block, callId: id }) ?? '')
  }
  const resultId = (node: number): string => traceResult(node, history.blockOf(node).callId ?? '')

  const placeAssistant = (node: number, before: Place): Place => {
    const stored = history.blockOf(node)
    const run = { runStart: 0, lastResult: noResult }
    if (stored.block.kind === 'text' && before.texts !== null && before.texts.count < joinedMax) {
      const text = before.texts.text + stored.block.text
      const trimmed = text.trimEnd()
      const key = trimmed === '' ? -1 : table.internKey(writeTextKey('assistant', trimmed))
      const { start, count } = before.texts
      return { ...run, key, identity: trie.step(start, key), texts: { start, text, count: count + 1 } }
    }
    const key = readKey(node, stored, before.identity)
    const identity = trie.step(before.identity, key)
    if (stored.block.kind === 'text')
      return { ...run, key, identity, texts: { start: before.identity, text: stored.block.text, count: 1 } }
    // Thinking between two texts does not part them: clients leave it out.
    return { ...run, key, identity, texts: key < 0 ? before.texts : null }
  }

  /** Null: a result that belongs before something already placed; the run must be put in order as a whole. */
  const placeOther = (node: number, before: Place): Place | null => {
    const parent = history.parentOf(node)
    const opens = parent === 0 || isAssistant(parent)
    const stored = history.blockOf(node)
    const [runStart, last] = opens ? [before.identity, noResult] : [before.runStart, before.lastResult]
    const key = readKey(node, stored, before.identity)
    const isResult = stored.block.kind === 'tool-result'
    if (isResult && (last === resultsOver || (last !== noResult && resultId(node) < resultId(last)))) return null
    const lastResult = isResult ? node : key < 0 ? last : resultsOver
    return { identity: trie.step(before.identity, key), key, texts: null, runStart, lastResult }
  }

  /** Results first and by their ids: clients split and reorder parallel results. Everything else keeps its place. */
  const placeRun = (node: number): Place => {
    const run: number[] = []
    let at = node
    for (; at !== 0 && !isAssistant(at); at = history.parentOf(at)) run.push(at)
    run.reverse()
    const runStart = places[at]?.identity ?? 0
    const results = run.filter(member => history.blockOf(member).block.kind === 'tool-result')
    const others = run.filter(member => history.blockOf(member).block.kind !== 'tool-result')
    const sorted = results
      .map(member => ({ member, id: resultId(member) }))
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    let identity = runStart
    let key = -1
    for (const member of [...sorted.map(result => result.member), ...others]) {
      key = readKey(member, history.blockOf(member), identity)
      identity = trie.step(identity, key)
    }
    return {
      identity,
      key,
      texts: null,
      runStart,
      lastResult: others.length > 0 ? resultsOver : (sorted.at(-1)?.member ?? noResult),
    }
  }

  const place = (node: number): Place => {
    const open: number[] = []
    let at = node
    for (; places[at] === undefined; at = history.parentOf(at)) open.push(at)
    let before = places[at]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (isAssistant(next)) before = placeAssistant(next, before ?? placeRun(history.parentOf(next)))
      else before = before === undefined ? undefined : (placeOther(next, before) ?? undefined)
      // Within a run out of order only its end matters.
      const following = open.at(-1)
      if (before === undefined && (following === undefined || isAssistant(following))) before = placeRun(next)
      places[next] = before
    }
    return before ?? placeRun(node)
  }

  return {
    place: node => place(node).identity,
    keyOf: node => place(node).key,
    noteAnswer: (request, answer) => {
      for (const node of history.nodesFrom(answer, history.depthOf(request))) {
        const { block, callId, weak } = history.blockOf(node)
        if (block.kind !== 'tool-call' || callId === null || ids.isAmbiguous(callId)) continue
        const edge = `${place(history.parentOf(node)).identity} ${block.name}`
        const known = generated.get(edge)
        if (known === undefined) generated.set(edge, [{ id: callId, weak }])
        else known.push({ id: callId, weak })
      }
    },
    nodeId: trie.nodeId,
  }
}

function createTrie(table: BlockTable, scopeId: string) {
  const parents = [0]
  const keys = [-1]
  const children = new Map<number, number>()
  const names: Array<string | undefined> = [createHash('sha256').update(scopeId).digest('hex')]
  return {
    /** A block without identity leads nowhere. */
    step: (node: number, key: number): number => {
      if (key < 0) return node
      const edge = node * keysMax + key
      const known = children.get(edge)
      if (known !== undefined) return known
      children.set(edge, parents.length)
      parents.push(node)
      keys.push(key)
      return parents.length - 1
    },
    nodeId: (identity: number): string => {
      const open: number[] = []
      let at = identity
      for (; names[at] === undefined; at = parents[at] ?? 0) open.push(at)
      let name = names[at] ?? ''
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        name = createHash('sha256')
          .update(`${name}\n${table.readKey(keys[next] ?? -1)}`)
          .digest('hex')
        names[next] = name
      }
      return name
    },
  }
}
