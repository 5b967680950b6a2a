// Blocks of one scope, each kept once: a conversation becomes a list of small numbers, and resending it costs a look-up per block.
// Holds the only copy of texts that the tree, the lanes and the rows point into.

import { assert } from '../core/errors.ts'
import type { Block, Conversation, Message, Role } from '../core/types.ts'
import { readCallId, readStrongKey, readWeakKey } from './identity.ts'

export interface StoredBlock {
  readonly role: Role
  readonly block: Block
  /** Interned keys; -1 = not part of identity. */
  readonly strong: number
  readonly weak: number
  readonly callId: string | null
}

/** A conversation as references: `blocks[i]` belongs to message number `messages[i]`. */
export interface BlockList {
  readonly blocks: Int32Array
  readonly messages: Int32Array
}

export interface BlockTable {
  readonly read: (reference: number) => StoredBlock
  readonly addMessages: (messages: readonly Message[]) => BlockList
}

export function createBlockTable(): BlockTable {
  const stored: StoredBlock[] = []
  const bySpelling = new Map<string, number[]>()
  const keys = new Map<string, number>()

  const intern = (key: string | null): number => {
    if (key === null) return -1
    const known = keys.get(key)
    if (known !== undefined) return known
    keys.set(key, keys.size)
    return keys.size - 1
  }

  const add = (role: Role, block: Block): number => {
    const strong = readStrongKey(role, block)
    const spelling = strong ?? nameThinking(role, block)
    const known = bySpelling.get(spelling) ?? []
    const match = known.find(reference => sayTheSame(stored[reference]?.block, block))
    if (match !== undefined) return match
    stored.push({ role, block, strong: intern(strong), weak: intern(readWeakKey(role, block)), callId: readCallId(block) })
    bySpelling.set(spelling, [...known, stored.length - 1])
    return stored.length - 1
  }

  return {
    read: reference => {
      const found = stored[reference]
      assert(found !== undefined, `block ${reference} exists`)
      return found
    },
    addMessages: messages => {
      const blocks: number[] = []
      const numbers: number[] = []
      for (const [index, message] of normaliseOrder(messages).entries())
        for (const block of joinTexts(message)) {
          if (block.kind === 'text' && block.text === '') continue
          blocks.push(add(message.role, block))
          numbers.push(index)
        }
      return { blocks: Int32Array.from(blocks), messages: Int32Array.from(numbers) }
    },
  }
}

/** Clients send back several texts of one answer as one; what the answer itself said is kept with its call. */
export function joinTexts(message: Message): readonly Block[] {
  if (message.role !== 'assistant') return message.blocks
  const joined: Block[] = []
  for (const block of message.blocks) {
    const last = joined.at(-1)
    if (block.kind === 'text' && last?.kind === 'text') joined[joined.length - 1] = { ...last, text: last.text + block.text }
    else joined.push(block)
  }
  return joined
}

/** One id with two inputs is kept twice: a client's rewriting, or an id that does not identify. */
function sayTheSame(known: Block | undefined, block: Block): boolean {
  return known?.kind !== 'tool-call' || block.kind !== 'tool-call' || known.inputText === block.inputText
}

/** Thinking has no identity of its own but is kept where it stands. */
function nameThinking(role: Role, block: Block): string {
  if (block.kind !== 'thinking') return `x ${role} ${block.kind}`
  return `x ${role} ${block.signature ?? ''} ${block.redacted ?? ''} ${block.text}`
}

/**
 * Between two answers, tool results come first and in the order of their ids: clients split and reorder parallel results.
 * Everything else keeps its place.
 */
function normaliseOrder(messages: readonly Message[]): readonly Message[] {
  const ordered: Message[] = []
  let run: Message[] = []
  const close = (): void => {
    ordered.push(...sortRun(run))
    run = []
  }
  for (const message of messages) {
    if (message.role !== 'assistant') run.push(message)
    else {
      close()
      ordered.push(message)
    }
  }
  close()
  return ordered
}

function sortRun(run: readonly Message[]): readonly Message[] {
  const results = run.flatMap(message => message.blocks.filter(block => block.kind === 'tool-result'))
  const [first] = results
  if (first === undefined || (results.length === 1 && run[0]?.blocks[0] === first)) return run
  const sorted = [...results].sort((a, b) => (a.callId < b.callId ? -1 : a.callId > b.callId ? 1 : 0))
  const rest = run
    .map(message => ({ ...message, blocks: message.blocks.filter(block => block.kind !== 'tool-result') }))
    .filter(message => message.blocks.length > 0)
  return [{ role: 'user', blocks: sorted }, ...rest]
}

/** Leading system text and tools stand outside the chain; this names a version of them. */
export function namePreamble(conversation: Conversation): string {
  const system = conversation.system.map(block => readWeakKey('system', block))
  const tools = conversation.tools.map(tool => [tool.name, tool.description, tool.schema])
  return JSON.stringify([system, tools])
}
