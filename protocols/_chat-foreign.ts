// Conversations and answers of other dialects as OpenAI Chat Completions messages. Tool results come first, as messages of their own,
// directly behind the calls; images in them follow in a user message, because tool messages may hold only text. Foreign fields never
// leak; thinking goes back only when no other provider signed it. Pure.

import type { Block, Json, JsonObject, Message } from '../core/types.ts'
import { writeThinking } from './_chat-messages.ts'
import { writeContent, writePart, writeToolCall } from './_chat-parts.ts'
import { defined, printJson } from './_json.ts'

export function writeForeignSystem(blocks: readonly Block[]): JsonObject[] {
  const content = writeContent(sayable(blocks), undefined, false, '\n\n')
  return blocks.length === 0 || content === undefined ? [] : [{ role: 'system', content }]
}

export function writeForeignMessages(messages: readonly Message[]): JsonObject[] {
  return messages.flatMap(message => {
    if (message.role === 'assistant') return writeForeignAssistant(message)
    if (message.role === 'system') return writeForeignSystem(message.blocks)
    return writeForeignUser(message.blocks)
  })
}

function sayable(blocks: readonly Block[]): Block[] {
  return blocks.filter(block => block.kind === 'text' || block.kind === 'image' || block.kind === 'refusal')
}

function writeForeignUser(blocks: readonly Block[]): JsonObject[] {
  const results = blocks.filter(block => block.kind === 'tool-result')
  const images = results.flatMap(result => result.content.filter(block => block.kind === 'image'))
  const others = [...images, ...sayable(blocks)]
  const tools = results.map(result => ({ role: 'tool', tool_call_id: result.callId, content: resultText(result.content) }))
  if (others.length === 0) return tools
  const content = others.length === 1 ? writeContent(others, undefined, false, '') : parts(others)
  return [...tools, { role: 'user', content: content ?? '' }]
}

function parts(blocks: readonly Block[]): Json[] {
  return blocks.map(block => writePart(block, false)).filter(part => part !== undefined)
}

/** What a result holds beside text and images (references, documents) is handed on as its JSON, so that the model still sees it. */
function resultText(content: readonly Block[]): string {
  return content
    .flatMap(block => {
      if (block.kind === 'text' || block.kind === 'refusal') return [block.text]
      if (block.kind === 'image') return ['(image in the next message)']
      return block.kind === 'opaque' ? [printJson(block.raw)] : []
    })
    .join('\n')
}

/** An assistant message; none when nothing in it can be said here. */
export function writeForeignAssistant(message: Message): JsonObject[] {
  const texts = message.blocks.flatMap(block => (block.kind === 'text' ? [block.text] : []))
  const calls = message.blocks.flatMap(block => (block.kind === 'tool-call' ? [block] : []))
  const refusals = message.blocks.flatMap(block => (block.kind === 'refusal' ? [block.text] : []))
  if (texts.length + calls.length + refusals.length === 0) return []
  return [
    defined({
      role: 'assistant',
      content: texts.length === 0 ? null : texts.join(''),
      ...writeThinking(message.blocks),
      refusal: refusals.length === 0 ? undefined : refusals.join(''),
      tool_calls: calls.length === 0 ? undefined : calls.map(call => writeToolCall(call, false)),
    }),
  ]
}
