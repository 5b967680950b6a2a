// Items of OpenAI Responses, the elements of `input` and `output`, as messages, and back. What one answer said in several items in a row
// is one assistant message; everything else is one message per item. An item without a canonical word is one opaque block. Pure.

import type { Block, Json, JsonObject, Message, Role } from '../core/types.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { readCall, readOutput, readReasoning, writeCall, writeOutput, writeReasoning } from './_responses-calls.ts'
import { isPart, readContent, type TextType, writeContent } from './_responses-parts.ts'

export function readItems(items: readonly Json[]): Message[] {
  const messages: Message[] = []
  let answer: Block[] | null = null
  for (const raw of items) {
    const message = readItem(raw)
    if (message.role !== 'assistant') {
      answer = null
      messages.push(message)
    } else if (answer === null) {
      answer = [...message.blocks]
      messages.push({ ...message, blocks: answer })
    } else answer.push(...message.blocks)
  }
  return messages
}

export function readItem(raw: Json): Message {
  if (!isObject(raw)) return keepWhole('user', raw)
  const message = readMessage(raw)
  if (message !== null) return message
  const said = readReasoning(raw) ?? readCall(raw)
  if (said !== null) return { role: 'assistant', blocks: [said] }
  const result = readOutput(raw)
  return result === null ? keepWhole(roleOf(raw), raw) : { role: 'user', blocks: [result] }
}

function keepWhole(role: Role, raw: Json): Message {
  return { role, blocks: [{ kind: 'opaque', type: textOf(objectOf(raw)['type']) ?? 'unknown', raw }] }
}

/** Items that no model says although no client made them are still the model's side: they came with an answer. */
const saidByModel =
  /_call$|^(?:reasoning|compaction|compaction_summary|context_compaction|item_reference|mcp_list_tools|mcp_approval_request)$/

function roleOf(raw: JsonObject): Role {
  const { type, role } = raw
  if (role === 'developer' || role === 'system') return 'system'
  return role === 'assistant' || (typeof type === 'string' && saidByModel.test(type)) ? 'assistant' : 'user'
}

function readMessage(raw: JsonObject): Message | null {
  const { type, role, content } = raw
  if (type !== undefined && type !== 'message') return null
  if (typeof content !== 'string' && !isList(content)) return null
  const extra = without(raw, ['type', 'role', 'content'])
  const form = defined({
    type: type === undefined ? 'absent' : undefined,
    content: typeof content === 'string' ? 'string' : undefined,
  })
  if (role === 'assistant') return { role, blocks: beginItem(readContent(content, 'output_text'), extra, form) }
  if (role !== 'user' && role !== 'developer' && role !== 'system') return null
  const wire = role === 'system' ? { ...form, role } : form
  return { role: role === 'user' ? 'user' : 'system', blocks: readContent(content, 'input_text'), ...notes(extra, wire) }
}

/** The first block of a message item remembers the item: several of them may follow each other in one answer. */
function beginItem(blocks: readonly Block[], extra: JsonObject, form: JsonObject): Block[] {
  const [first = { kind: 'text', text: '' } as const, ...rest] = blocks
  const item = blocks.length === 0 ? { ...form, empty: true } : form
  const fields = Object.keys(extra).length === 0 ? {} : { item: extra }
  return [{ ...first, ...notes({ ...first.extra, ...fields }, { ...first.wire, item }) }, ...rest]
}

/** Messages read here or made by hand, as items. */
export function writeMessage(message: Message): JsonObject[] | Json[] {
  if (message.role === 'assistant') return writeAnswerItems(message.blocks, true).map(item => item.raw)
  const parts = message.blocks.filter(isPart)
  const items = message.blocks.filter(block => !isPart(block)).map(block => writeBlockItem(block, true))
  const written = items.filter(item => item !== undefined)
  if (parts.length === 0 && message.blocks.length > 0) return written
  return [...written, writeMessageItem(message, parts)]
}

function writeMessageItem(message: Message, parts: readonly Block[]): JsonObject {
  const { wire } = message
  return {
    ...(wire?.['type'] === 'absent' ? {} : { type: 'message' }),
    role: message.role === 'system' ? (textOf(wire?.['role']) ?? 'developer') : 'user',
    content: writeContent(parts, wire?.['content'], 'input_text', true),
    ...message.extra,
  }
}

export interface WrittenItem {
  readonly raw: Json
  /** The blocks it was written from. */
  readonly blocks: readonly Block[]
}

/** The items of one answer: texts that follow each other are one message unless they were read from several. */
export function writeAnswerItems(blocks: readonly Block[], own: boolean): WrittenItem[] {
  const items: WrittenItem[] = []
  let open: Block[] = []
  const close = (): void => {
    if (open.length > 0) items.push({ raw: writeSaid(open, own), blocks: open })
    open = []
  }
  for (const block of blocks) {
    const sayable = isPart(block) && (own || block.kind === 'text' || block.kind === 'refusal')
    if (!sayable || (own && block.wire?.['item'] !== undefined)) close()
    if (sayable) open.push(block)
    else {
      const raw = writeBlockItem(block, own)
      if (raw !== undefined) items.push({ raw, blocks: [block] })
    }
  }
  close()
  return items
}

function writeSaid(blocks: readonly Block[], own: boolean): JsonObject {
  const [first] = blocks
  const note = own ? objectOf(first?.wire?.['item']) : {}
  const isEmpty = note['empty'] === true && first?.kind === 'text' && first.text === ''
  const textType: TextType = 'output_text'
  return {
    ...(note['type'] === 'absent' ? {} : { type: 'message' }),
    role: 'assistant',
    content: writeContent(isEmpty ? blocks.slice(1) : blocks, note['content'], textType, own),
    ...(own ? objectOf(first?.extra?.['item']) : {}),
  }
}

/** undefined = this protocol cannot say it. */
function writeBlockItem(block: Block, own: boolean): Json | undefined {
  switch (block.kind) {
    case 'thinking':
      return own || block.text !== '' ? writeReasoning(block, own) : undefined
    case 'tool-call':
      return writeCall(block, own)
    case 'tool-result':
      return writeOutput(block, own)
    case 'opaque':
      return own ? block.raw : undefined
    default:
      return undefined
  }
}
