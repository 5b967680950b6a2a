// Conversations of other dialects as OpenAI Responses items. Thinking is left out: it proves itself to another provider, and this one
// would refuse it. Foreign fields never leak. Pure.

import type { Block, JsonObject, Message } from '../core/types.ts'
import { isObject } from './_json.ts'
import { isFreeText, writeOutput } from './_responses-calls.ts'
import { writeAnswerItems } from './_responses-items.ts'
import { writeContent } from './_responses-parts.ts'

export function writeForeignMessages(messages: readonly Message[]): JsonObject[] {
  const freeCalls = new Set(
    messages.flatMap(({ blocks }) => blocks.flatMap(block => (block.kind === 'tool-call' && isFree(block) ? [block.id] : []))),
  )
  return messages.flatMap(({ role, blocks }) => {
    if (role === 'assistant') return writeForeignAnswer(blocks)
    const results = blocks.flatMap(block =>
      block.kind === 'tool-result' ? [writeOutput(block, false, freeCalls.has(block.callId))] : [],
    )
    const said = blocks.filter(block => block.kind === 'text' || block.kind === 'image' || block.kind === 'refusal')
    if (said.length === 0) return results
    const content = writeContent(said, undefined, 'input_text', false)
    return [...results, { type: 'message', role: role === 'system' ? 'developer' : 'user', content }]
  })
}

function isFree(call: Extract<Block, { kind: 'tool-call' }>): boolean {
  return isFreeText({ ...call, wire: {} })
}

export function writeForeignAnswer(blocks: readonly Block[]): JsonObject[] {
  const sayable = blocks.filter(block => block.kind !== 'thinking' && !(block.kind === 'text' && block.text === ''))
  return writeAnswerItems(sayable, false)
    .map(item => item.raw)
    .filter(isObject)
}
