// Messages of OpenAI Chat Completions, wire to canonical and back, in their own dialect. Tool messages become user messages with a
// tool result; a message whose shape is not the documented one is kept whole as an opaque block. Pure.

import type { Block, Json, JsonObject, Message } from '../core/types.ts'
import {
  contentForm,
  isContent,
  readContent,
  readThinking,
  readToolCall,
  thinkingFields,
  writeContent,
  writeToolCall,
} from './_chat-parts.ts'
import { defined, isList, notes, objectOf, parseInput, textOf, without } from './_json.ts'

export function readMessage(raw: Json): Message {
  const fields = objectOf(raw)
  const { role, content } = fields
  if (!isContent(content)) return keepWhole(raw)
  if (role === 'assistant') return readAssistant(fields)
  if (role === 'tool' || role === 'function') return readToolMessage(fields) ?? keepWhole(raw)
  if (role !== 'user' && role !== 'system' && role !== 'developer') return keepWhole(raw)
  const wire = { content: contentForm(content), ...(role === 'developer' ? { role } : {}) }
  return {
    role: role === 'user' ? 'user' : 'system',
    blocks: readContent(content),
    ...notes(without(fields, ['role', 'content']), wire),
  }
}

function keepWhole(raw: Json): Message {
  return { role: 'user', blocks: [{ kind: 'opaque', type: 'message', raw }], wire: { form: 'raw' } }
}

export function readAssistant(fields: JsonObject): Message {
  const { content, refusal, tool_calls: calls, function_call: legacy } = fields
  const thinking = readThinking(fields)
  const used = thinking.flatMap(block => (isList(block.wire?.['fields']) ? block.wire['fields'] : []))
  const blocks: Block[] = [...thinking, ...readContent(content)]
  const read: string[] = [
    'role',
    ...(isContent(content) ? ['content'] : []),
    ...thinkingFields.filter(field => used.includes(field)),
  ]
  if (typeof refusal === 'string' && refusal !== '') {
    blocks.push({ kind: 'refusal', text: refusal })
    read.push('refusal')
  }
  if (isList(calls) && calls.length > 0) {
    blocks.push(...calls.map(readToolCall))
    read.push('tool_calls')
  }
  const { name, arguments: inputText } = objectOf(legacy)
  if (typeof name === 'string' && typeof inputText === 'string' && Object.keys(objectOf(legacy)).length === 2) {
    // Calls of the old kind have no id; their result names the function, so the name pairs them.
    blocks.push({ kind: 'tool-call', id: name, name, input: parseInput(inputText), inputText, wire: { slot: 'function_call' } })
    read.push('function_call')
  }
  return {
    role: 'assistant',
    blocks,
    ...notes(without(fields, read), { content: isContent(content) ? contentForm(content) : 'absent' }),
  }
}

function readToolMessage(fields: JsonObject): Message | null {
  const { role, content } = fields
  const key = role === 'tool' ? 'tool_call_id' : 'name'
  const callId = fields[key]
  if (typeof callId !== 'string') return null
  const result: Block = { kind: 'tool-result', callId, content: readContent(content), isError: false }
  const wire = { form: textOf(role) ?? 'tool', content: contentForm(content) }
  return { role: 'user', blocks: [result], ...notes(without(fields, ['role', 'content', key]), wire) }
}

/** One canonical message as the messages of this dialect, for what was read here or made by hand. */
export function writeMessage(message: Message): Json[] {
  const [only] = message.blocks
  if (message.wire?.['form'] === 'raw' && only?.kind === 'opaque') return [only.raw]
  if (message.role === 'assistant') return [writeAssistant(message)]
  const results = message.blocks.filter(block => block.kind === 'tool-result')
  const others = message.blocks.filter(block => block.kind !== 'tool-result')
  const written: Json[] = results.map(block => writeToolMessage(block, message))
  if (others.length === 0 && results.length > 0) return written
  const role = message.role === 'system' ? (textOf(message.wire?.['role']) ?? 'system') : 'user'
  const content = writeContent(others, formOf(others, message.wire), true, '\n\n')
  return [...written, { ...defined({ role, content }), ...(results.length === 0 ? message.extra : {}) }]
}

function writeToolMessage(block: Extract<Block, { kind: 'tool-result' }>, message: Message): JsonObject {
  const isLegacy = message.wire?.['form'] === 'function'
  const single = message.blocks.length === 1
  const content = writeContent(block.content, single ? formOf(block.content, message.wire) : undefined, true, '\n')
  const name = isLegacy ? { role: 'function', name: block.callId } : { role: 'tool', tool_call_id: block.callId }
  return { ...name, ...defined({ content }), ...(single ? message.extra : {}) }
}

/** User text of several blocks made by hand stays several parts. */
function formOf(blocks: readonly Block[], wire: JsonObject | undefined): Json | undefined {
  return wire?.['content'] ?? (blocks.length > 1 ? 'list' : undefined)
}

export function writeAssistant(message: Message): JsonObject {
  const slotOf = (block: Block): Json | undefined => block.wire?.['slot']
  const content = message.blocks.filter(
    block =>
      block.kind === 'text' ||
      block.kind === 'image' ||
      ((block.kind === 'refusal' || block.kind === 'opaque') && slotOf(block) === 'content'),
  )
  const calls = message.blocks.filter(
    block => (block.kind === 'tool-call' && slotOf(block) !== 'function_call') || slotOf(block) === 'tool_calls',
  )
  const legacy = message.blocks.find(block => block.kind === 'tool-call' && slotOf(block) === 'function_call')
  const refusal = message.blocks.find(block => block.kind === 'refusal' && slotOf(block) !== 'content')
  const form = message.wire?.['content'] ?? (content.length === 0 ? 'null' : undefined)
  return {
    ...defined({
      role: 'assistant',
      content: writeContent(content, form, true, ''),
      ...writeThinking(message.blocks),
      refusal: refusal?.kind === 'refusal' ? refusal.text : undefined,
      tool_calls:
        calls.length === 0
          ? undefined
          : calls.map(block => (block.kind === 'tool-call' ? writeToolCall(block, true) : rawOf(block))),
      function_call: legacy?.kind === 'tool-call' ? { name: legacy.name, arguments: legacy.inputText } : undefined,
    }),
    ...message.extra,
  }
}

function rawOf(block: Block): Json {
  return block.kind === 'opaque' ? block.raw : null
}

/** Thinking without a note of its field goes where most servers look for it. Signed thinking belongs to another provider. */
export function writeThinking(blocks: readonly Block[]): JsonObject {
  const written: Record<string, string> = {}
  for (const block of blocks) {
    if (block.kind !== 'thinking' || block.text === '' || block.signature) continue
    const fields = block.wire?.['fields']
    for (const field of isList(fields) ? fields : ['reasoning_content'])
      if (typeof field === 'string') written[field] = (written[field] ?? '') + block.text
  }
  return written
}
