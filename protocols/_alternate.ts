// A conversation for dialects in which roles must alternate: neighbours of one role become one message, and the results of an answer's
// tool calls stand together at its head. System messages in the middle become the user's: there is no such role here. Pure.

import type { Block, Message } from '../core/types.ts'

export interface Alternating {
  readonly role: 'user' | 'assistant'
  readonly blocks: readonly Block[]
}

export function alternate(messages: readonly Message[]): Alternating[] {
  const merged: Array<{ role: Alternating['role']; blocks: Block[] }> = []
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const last = merged.at(-1)
    if (last?.role === role) last.blocks.push(...message.blocks)
    else merged.push({ role, blocks: [...message.blocks] })
  }
  return merged.map(({ role, blocks }) => {
    const results = blocks.filter(block => block.kind === 'tool-result')
    return { role, blocks: [...results, ...blocks.filter(block => block.kind !== 'tool-result')] }
  })
}
