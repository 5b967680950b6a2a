// Blocks of one scope, each kept once: a conversation becomes a list of small numbers, and resending it costs a look-up per block.
// Holds the only copy of texts that the tree, the lanes and the rows point into.

import type { Block, Conversation, Message, Role } from '../core/types.ts'
import { readKeys } from './identity.ts'

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
  const byContent = new Map<string, number>()
  const keys = new Map<string, number>()

  const intern = (key: string | null): number => {
    if (key === null) return -1
    const known = keys.get(key)
    if (known !== undefined) return known
    keys.set(key, keys.size)
    return keys.size - 1
  }

  const add = (role: Role, block: Block): number => {
    const { strong, weak, callId } = readKeys(role, block)
    // Thinking has no identity of its own but is kept where it stands.
    const content = strong === null ? `x ${role} ${JSON.stringify(block)}` : weak === strong ? strong : `${strong}\n${weak}`
    const known = byContent.get(content)
    if (known !== undefined) return known
    stored.push({ role, block, strong: intern(strong), weak: intern(weak), callId })
    byContent.set(content, stored.length - 1)
    return stored.length - 1
  }

  return {
    read: reference => {
      const found = stored[reference]
      if (found === undefined) throw new RangeError(`no block ${reference}`)
      return found
    },
    addMessages: messages => {
      const blocks: number[] = []
      const numbers: number[] = []
      for (const [index, message] of normaliseOrder(messages).entries())
        for (const block of message.blocks) {
          if (block.kind === 'text' && block.text === '') continue
          blocks.push(add(message.role, block))
          numbers.push(index)
        }
      return { blocks: Int32Array.from(blocks), messages: Int32Array.from(numbers) }
    },
  }
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
  const system = conversation.system.map(block => readKeys('system', block).weak)
  const tools = conversation.tools.map(tool => [tool.name, tool.description, tool.schema])
  return JSON.stringify([system, tools])
}
