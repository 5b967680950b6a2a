// The call tree: where each request continues which recorded answer, by what evidence. Pure; the walk costs a look-up per block.
// Links are typed and never guessed silently: what no rule places is `unlinked`, and every call has exactly one link.

import type { BlockList, BlockTable } from './blocks.ts'
import type { Edit, Evidence, Link, Relation } from './link.ts'
import type { LoadedCall, LoadedScope } from './load.ts'

export interface TreeCall {
  readonly index: number
  readonly call: LoadedCall
  readonly link: Link
  /** Node after the request; two calls with the same one asked the same thing. */
  readonly requestNode: number
  /** The first call that asked the very same thing (same request node and preamble); null = this one did. */
  readonly retryOf: number | null
  /** System text or tools differ from those of the parent. */
  readonly preambleChanged: boolean
  /** How often the log holds this call; more than 1 where a recorder wrote it twice. */
  readonly loggedTimes: number
}

export interface CallTree {
  readonly scope: LoadedScope
  readonly calls: readonly TreeCall[]
}

/** A trie of block keys. Node 0 is the root; a path of keys always leads to the same node. */
interface Trie {
  readonly step: (node: number, key: number) => number
}

/** Far above the number of distinct blocks of any scope, and small enough that node x key stays an exact integer. */
const keysMax = 2 ** 26

function createTrie(): Trie {
  const children = new Map<number, number>()
  let nodes = 1
  return {
    step: (node, key) => {
      if (key < 0) return node
      const edge = node * keysMax + key
      const known = children.get(edge)
      if (known !== undefined) return known
      children.set(edge, nodes)
      nodes += 1
      return nodes - 1
    },
  }
}

/** Who generated what, as far as it has been recorded. */
interface Owners {
  /** Latest call whose answer ended at the node. */
  readonly byNode: Map<number, number>
  /** Call that generated a block; -1 when several did, which proves nothing. */
  readonly byKey: Map<number, number>
  readonly byAnswerId: Map<string, number>
}

export function buildTree(scope: LoadedScope): CallTree {
  const readKey = createKeyReader(scope)
  const trie = createTrie()
  const owners: Owners = { byNode: new Map(), byKey: new Map(), byAnswerId: new Map() }
  const keys: Int32Array[] = []
  const answerNodes: number[] = []
  const calls: TreeCall[] = []
  const first = new Map<string, number>()
  for (const [index, call] of scope.calls.entries()) {
    const declared = call.previousAnswerId === null ? undefined : owners.byAnswerId.get(call.previousAnswerId)
    const start = declared === undefined ? 0 : (answerNodes[declared] ?? 0)
    const path = walk(trie, start, call.request, readKey)
    const link =
      declared === undefined
        ? linkByContent({ call, path, owners, readKey, keys, table: scope.table })
        : createLink('declared', declared, 0, [{ kind: 'answer-id', value: call.previousAnswerId ?? '' }])
    const requestNode = path.at(-1) ?? start
    const asked = `${requestNode} ${call.preamble}`
    const retryOf = first.get(asked) ?? null
    if (retryOf === null) first.set(asked, index)
    const parent = link.parent === null ? undefined : calls[link.parent]
    const preambleChanged = parent !== undefined && parent.call.preamble !== call.preamble
    calls.push({ index, call, link, requestNode, retryOf, preambleChanged, loggedTimes: 1 })
    keys.push(call.request.blocks.map(readKey))
    answerNodes.push(addAnswer(trie, owners, readKey, index, call, requestNode))
  }
  return { scope, calls }
}

function walk(trie: Trie, start: number, list: BlockList, readKey: (reference: number) => number): Int32Array {
  const path = new Int32Array(list.blocks.length)
  let node = start
  for (const [position, reference] of list.blocks.entries()) {
    node = trie.step(node, readKey(reference))
    path[position] = node
  }
  return path
}

/** Registers what the call generated; gives back the node after its answer. */
function addAnswer(
  trie: Trie,
  owners: Owners,
  readKey: (reference: number) => number,
  index: number,
  call: LoadedCall,
  requestNode: number,
): number {
  if (call.answer === null) return requestNode
  let node = requestNode
  for (const reference of call.answer.blocks) {
    const key = readKey(reference)
    node = trie.step(node, key)
    if (key >= 0) owners.byKey.set(key, owners.byKey.has(key) ? -1 : index)
  }
  // An answer without visible blocks ends where its request ended: a repeated request must not seem to continue it.
  if (node !== requestNode) owners.byNode.set(node, index)
  if (call.answerId !== null) owners.byAnswerId.set(call.answerId, index)
  return node
}

interface LinkInputs {
  readonly call: LoadedCall
  readonly path: Int32Array
  readonly owners: Owners
  readonly readKey: (reference: number) => number
  /** Keys of each earlier request. */
  readonly keys: readonly Int32Array[]
  readonly table: BlockTable
}

function linkByContent(inputs: LinkInputs): Link {
  const { call, path, owners, readKey, table } = inputs
  const { blocks } = call.request
  for (let position = blocks.length - 1; position >= 0; position -= 1) {
    // Nearest answer on the request's own path: the request extends it.
    const parent = owners.byNode.get(path[position] ?? -1)
    if (parent !== undefined) return createLink('extend', parent, position + 1, [])
    // A generated block further along than any whole answer: the history before it was edited.
    const reference = blocks[position] ?? -1
    const stored = table.read(reference)
    if (stored.role !== 'assistant' || stored.strong < 0) continue
    const owner = owners.byKey.get(readKey(reference))
    if (owner !== undefined && owner >= 0)
      return { ...createLink('edit', owner, position + 1, []), edits: listEdits(inputs, owner, position) }
  }
  return createLink('root', null, 0, [])
}

const kinds = { declared: 'declared', extend: 'exact', edit: 'copied', root: 'unlinked' } as const

function createLink(
  relation: Extract<Relation, keyof typeof kinds>,
  parent: number | null,
  known: number,
  evidence: readonly Evidence[],
): Link {
  return { relation, kind: kinds[relation], parent, known, edits: [], evidence, via: null, side: null }
}

/** What stands before the copied answer and was not in the context it was generated from, nor generated itself. */
function listEdits({ call, owners, readKey, keys, table }: LinkInputs, owner: number, end: number): Edit[] {
  const known = new Set(keys[owner])
  const edits: Edit[] = []
  for (let position = 0; position <= end; position += 1) {
    const reference = call.request.blocks[position] ?? -1
    const key = readKey(reference)
    const generated = table.read(reference).role === 'assistant' && owners.byKey.has(key)
    if (key >= 0 && !generated && !known.has(key)) edits.push({ kind: 'text-changed', position })
  }
  return edits
}

/** Keys by provider id, except for ids that name different things: some servers start again at call_0 with every answer. */
function createKeyReader(scope: LoadedScope): (reference: number) => number {
  const { table } = scope
  const ambiguous = new Set<string>()
  const generated = new Map<string, number>()
  for (const call of scope.calls) {
    const inRequest = new Set<string>()
    for (const reference of call.request.blocks) noteRepeat(table, reference, inRequest, ambiguous)
    for (const reference of call.answer?.blocks ?? []) {
      noteRepeat(table, reference, new Set(), ambiguous)
      const { block, callId, weak } = table.read(reference)
      if (block.kind !== 'tool-call' || callId === null) continue
      const before = generated.get(callId)
      if (before !== undefined && before !== weak) ambiguous.add(callId)
      generated.set(callId, weak)
    }
  }
  return reference => {
    const { strong, weak, callId } = table.read(reference)
    return callId !== null && ambiguous.has(callId) ? weak : strong
  }
}

function noteRepeat(table: BlockTable, reference: number, seen: Set<string>, ambiguous: Set<string>): void {
  const { block, callId } = table.read(reference)
  if (block.kind !== 'tool-call' || callId === null) return
  if (seen.has(callId)) ambiguous.add(callId)
  seen.add(callId)
}
