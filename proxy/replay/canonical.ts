// What two requests must share to be the same request: the conversation without what clients change from one sending to the next
// (cache marks, ids of their own making, who the user is, how the bytes spelled it). Pure; docs/replay.md lists what is left out.

import { hash } from 'node:crypto'
import type { Block, Conversation, Json, JsonObject, Message, ToolDefinition } from '../../core/types.ts'

/** Fields beside the conversation that name the client, the user or the session, or steer a cache. */
const volatileFields = new Set([
  'metadata',
  'client_metadata',
  'user',
  'user_id',
  'user_prompt_id',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'session_id',
  'conversation_id',
])

/** Fields of messages, blocks and tools that say nothing to the model: cache marks, and ids and states that clients add. */
const volatileMarks = new Set(['cache_control', 'cachePoint', 'id', 'status'])

/** JSON with sorted keys. */
export function writeCanonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(writeCanonical).join(',')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${writeCanonical(item)}`).join(',')}}`
}

/** Short enough to keep for every recorded call, long enough never to meet by accident. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64').slice(0, 22)
}

/** Names the request: equal names, equal requests. */
export function nameConversation(conversation: Conversation): string {
  const { model, stream, maxTokens, temperature, system, messages, tools, extra } = conversation
  return digest(
    writeCanonical({
      model,
      stream,
      maxTokens,
      temperature,
      system: system.map(plainBlock),
      messages: messages.map(plainMessage),
      tools: tools.map(plainTool),
      extra: without(extra, volatileFields),
    }),
  )
}

/** The same for a body that no protocol reads. */
export function nameJson(body: Json): string {
  return digest(writeCanonical(withoutVolatile(body)))
}

/** A body as differences are looked for in it: without the fields that the name leaves out. */
export function withoutVolatile(body: Json): Json {
  if (!isObject(body)) return body
  return dropMarks(without(body, volatileFields))
}

/** Marks stand in lists of messages, blocks and tools; the arguments and schema of a tool are content and stay whole. */
function dropMarks(value: Json): Json {
  if (isList(value)) return value.map(item => dropMarks(isObject(item) ? without(item, clientMarks) : item))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, contentFields.has(key) ? item : dropMarks(item)]))
}

/** An `id` in raw JSON may be the id of a tool call, which is content: only the cache mark is safe to drop there. */
const clientMarks = new Set(['cache_control', 'cachePoint'])
const contentFields = new Set(['input', 'args', 'arguments', 'input_schema', 'parameters', 'schema', 'response'])

function plainMessage(message: Message): JsonObject {
  return { role: message.role, blocks: message.blocks.map(plainBlock), ...plainExtra(message.extra) }
}

export function plainBlock(block: Block): JsonObject {
  const extra = plainExtra(block.extra)
  switch (block.kind) {
    case 'tool-call': {
      const { kind, id, name, input, inputText } = block
      return { kind, id, name, ...(input === null ? { inputText } : { input }), ...extra }
    }
    case 'tool-result': {
      const { kind, callId, isError } = block
      return { kind, callId, isError, content: block.content.map(plainBlock), ...extra }
    }
    case 'opaque':
      return { kind: block.kind, type: block.type, raw: withoutMarks(block.raw), ...extra }
    default: {
      const { extra: _, wire: __, ...plain } = block
      return { ...plain, ...extra }
    }
  }
}

function plainTool(tool: ToolDefinition): JsonObject {
  const { name, description, schema } = tool
  return { name, description, schema, ...(schema === null ? { raw: withoutMarks(tool.raw) } : {}) }
}

function plainExtra(extra: JsonObject | undefined): JsonObject {
  if (extra === undefined) return {}
  const kept = without(extra, volatileMarks)
  return Object.keys(kept).length === 0 ? {} : { extra: kept }
}

function withoutMarks(raw: Json): Json {
  return isObject(raw) ? without(raw, volatileMarks) : raw
}

function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !names.has(key)))
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
