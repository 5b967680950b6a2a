// Messages as the GenAI conventions have them in JSON: role and parts. What they have no part for is a part of a type of ours, which they
// allow. Pure.

import type { Block, Json, JsonObject, Message, ToolDefinition } from '../../core/types.ts'
import { defined } from '../../protocols/_json.ts'
import type { Generation } from '../trajectory.ts'
import { nameFinish } from './_otel-names.ts'

/** Results of tools are a message of the role `tool`, whatever message they came in. */
export function writeMessage({ role, blocks }: Message): JsonObject[] {
  const runs: Array<{ role: string; parts: JsonObject[] }> = []
  for (const block of blocks) {
    const speaker = block.kind === 'tool-result' ? 'tool' : role
    if (runs.at(-1)?.role !== speaker) runs.push({ role: speaker, parts: [] })
    runs.at(-1)?.parts.push(writePart(block))
  }
  return runs.length === 0 ? [{ role, parts: [] }] : runs
}

export function writeAnswer(message: Message, generation: Generation): JsonObject {
  return { role: 'assistant', parts: message.blocks.map(writePart), finish_reason: nameFinish(generation.stopReason) }
}

export function writePart(block: Block): JsonObject {
  switch (block.kind) {
    case 'text':
      return { type: 'text', content: block.text }
    case 'refusal':
      return { type: 'refusal', content: block.text }
    case 'thinking':
      return defined({ type: 'reasoning', content: block.text, signature: block.signature, redacted: block.redacted })
    case 'tool-call':
      return { type: 'tool_call', id: block.id, name: block.name, arguments: block.input ?? block.inputText }
    case 'tool-result':
      return {
        type: 'tool_call_response',
        id: block.callId,
        response: writeResult(block.content),
        ...(block.isError ? { is_error: true } : {}),
      }
    case 'image':
      return block.mediaType === 'url'
        ? { type: 'uri', modality: 'image', uri: block.data }
        : { type: 'blob', modality: 'image', mime_type: block.mediaType, content: block.data }
    case 'opaque':
      return { type: 'opaque', of: block.type, raw: block.raw }
  }
}

/** Text alone is text. */
export function writeResult(content: readonly Block[]): Json {
  const [only] = content
  if (content.length === 0) return ''
  return content.length === 1 && only?.kind === 'text' ? only.text : content.map(writePart)
}

export function writeTool({ name, description, schema, raw }: ToolDefinition): JsonObject {
  if (schema === null) return { type: 'provider', name, raw }
  return { type: 'function', name, description, parameters: schema }
}
