// Canonical messages as JSON for people and scripts: snake_case keys of our own, and the content of tools untouched.

import type { Block, Message } from '../core/types.ts'

export function writeMessage(message: Message): object {
  return { role: message.role, blocks: message.blocks.map(writeBlock) }
}

function writeBlock(block: Block): object {
  switch (block.kind) {
    case 'tool-call':
      return { kind: block.kind, id: block.id, name: block.name, input: block.input, input_text: block.inputText }
    case 'tool-result':
      return { kind: block.kind, call_id: block.callId, is_error: block.isError, content: block.content.map(writeBlock) }
    case 'image':
      return { kind: block.kind, media_type: block.mediaType, data: block.data }
    default: {
      const { extra: _, ...rest } = block
      return rest
    }
  }
}

/** One line or a few, for the terminal: what it is, and as much of it as fits. */
export function describeMessage(message: Message, charsMax: number): string[] {
  return message.blocks.map(block => `${message.role}: ${cutText(describeBlock(block), charsMax)}`)
}

function describeBlock(block: Block): string {
  switch (block.kind) {
    case 'text':
    case 'refusal':
      return block.text
    case 'thinking':
      return `(thinking) ${block.text}`
    case 'tool-call':
      return `→ ${block.name} ${block.inputText}`
    case 'tool-result':
      return `← ${block.isError ? '(error) ' : ''}${block.content.map(describeBlock).join(' ')}`
    case 'image':
      return `(image, ${block.mediaType})`
    case 'opaque':
      return `(${block.type})`
  }
}

/** Control characters out: what a model wrote must not steer the terminal. */
function cutText(text: string, charsMax: number): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  return line.length <= charsMax ? line : `${line.slice(0, charsMax - 1)}…`
}
