// One item of a streamed answer: opened, fed with deltas, finished. Texts and inputs are joined once, so that a long answer costs linear
// time. What the provider sends as the whole item replaces what was gathered. Used by _responses-stream.ts only. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { isList, isObject, objectOf, textOf } from './_json.ts'
import { readSaid } from './_responses-answer.ts'
import { isFreeText } from './_responses-calls.ts'

export interface OpenPart {
  raw: JsonObject
  /** The field that grows. */
  readonly key: string
  pieces: string[]
}

type ListName = 'content' | 'summary'

export interface OpenItem {
  readonly raw: Json
  readonly lists: Readonly<Record<ListName, Map<number, OpenPart>>>
  /** Field of the item that grows (`arguments`, `input`, `code`), once a piece came. */
  input: { readonly key: string; pieces: string[] } | null
  status: string | null
  done: Json | undefined
}

export function openItem(raw: Json): OpenItem {
  const item: OpenItem = { raw, lists: { content: new Map(), summary: new Map() }, input: null, status: null, done: undefined }
  for (const list of ['content', 'summary'] as const) {
    const parts = objectOf(raw)[list]
    if (isList(parts)) for (const [index, part] of parts.entries()) item.lists[list].set(index, openPart(part))
  }
  return item
}

function openPart(raw: Json): OpenPart {
  return { raw: objectOf(raw), key: objectOf(raw)['type'] === 'refusal' ? 'refusal' : 'text', pieces: [] }
}

/** Text events by the part of their name before `.delta` and `.done`. */
export const textEvents: ReadonlyMap<string, { readonly list: ListName; readonly type: string; readonly key: string }> = new Map([
  ['response.output_text', { list: 'content', type: 'output_text', key: 'text' }],
  ['response.refusal', { list: 'content', type: 'refusal', key: 'refusal' }],
  ['response.reasoning_text', { list: 'content', type: 'reasoning_text', key: 'text' }],
  ['response.reasoning_summary_text', { list: 'summary', type: 'summary_text', key: 'text' }],
])

/** Events that bring a part, by the part of their name before `.added` and `.done`. */
export const partEvents: ReadonlyMap<string, ListName> = new Map([
  ['response.content_part', 'content'],
  ['response.reasoning_part', 'content'],
  ['response.reasoning_summary_part', 'summary'],
])

/** Events that bring an input: the field that grows. */
export const inputEvents: ReadonlyMap<string, string> = new Map([
  ['response.function_call_arguments', 'arguments'],
  ['response.custom_tool_call_input', 'input'],
  ['response.mcp_call_arguments', 'arguments'],
  ['response.code_interpreter_call_code', 'code'],
])

function indexOf(list: ListName, data: JsonObject): number {
  const index = data[list === 'content' ? 'content_index' : 'summary_index']
  return typeof index === 'number' ? index : 0
}

/** False when the event holds no text. */
export function foldText(item: OpenItem, name: string, isDone: boolean, data: JsonObject): boolean {
  const known = textEvents.get(name)
  const text = known === undefined ? null : textOf(data[isDone ? known.key : 'delta'])
  if (known === undefined || text === null) return false
  const parts = item.lists[known.list]
  const index = indexOf(known.list, data)
  const part = parts.get(index) ?? { raw: { type: known.type }, key: known.key, pieces: [] }
  parts.set(index, part)
  if (!isDone) part.pieces.push(text)
  else if (text !== '' || part.pieces.length === 0) {
    part.raw = { ...part.raw, [known.key]: text }
    part.pieces = []
  }
  return true
}

export function foldPart(item: OpenItem, name: string, data: JsonObject): boolean {
  const list = partEvents.get(name)
  if (list === undefined || !isObject(data['part'])) return false
  item.lists[list].set(indexOf(list, data), openPart(data['part']))
  return true
}

export function foldInput(item: OpenItem, name: string, isDone: boolean, data: JsonObject): boolean {
  const key = inputEvents.get(name)
  const text = key === undefined ? null : textOf(data[isDone ? key : 'delta'])
  if (key === undefined || text === null) return false
  item.input ??= { key, pieces: [] }
  if (!isDone) item.input.pieces.push(text)
  else if (text !== '' || item.input.pieces.length === 0) item.input = { key, pieces: [text] }
  return true
}

export function foldAnnotation(item: OpenItem, data: JsonObject): boolean {
  const part = item.lists.content.get(indexOf('content', data))
  const annotation = data['annotation']
  if (part === undefined || annotation === undefined) return false
  const before = part.raw['annotations']
  part.raw = { ...part.raw, annotations: [...(isList(before) ? before : []), annotation] }
  return true
}

/** The item as a whole answer would have it. */
export function closeItem(item: OpenItem): Json {
  if (item.done !== undefined) return item.done
  if (!isObject(item.raw)) return item.raw
  const fields: Record<string, Json> = { ...item.raw }
  for (const list of ['content', 'summary'] as const)
    if (item.lists[list].size > 0)
      fields[list] = [...item.lists[list]].sort(([a], [b]) => a - b).map(([, part]) => closePart(part))
  if (item.input !== null) {
    const before = item.raw[item.input.key]
    fields[item.input.key] = (item.input.pieces.length > 0 ? '' : (textOf(before) ?? '')) + item.input.pieces.join('')
  }
  if (item.status !== null) fields['status'] = item.status
  return fields
}

function closePart(part: OpenPart): JsonObject {
  if (part.pieces.length === 0) return part.raw
  return { ...part.raw, [part.key]: (textOf(part.raw[part.key]) ?? '') + part.pieces.join('') }
}

/**
 * The blocks of an item that was cut off. A call whose arguments had not begun has no input, and half of a free text is not a text: neither
 * may be taken for a whole call. `wire.open` says that the end of the item never came.
 */
export function readCut(raw: Json): readonly Block[] {
  return readSaid(raw).map((block, index, all) => {
    const open = index === all.length - 1 ? { ...block, wire: { ...block.wire, open: true } } : block
    if (open.kind !== 'tool-call') return open
    const isKnown = open.inputText !== '' && !isFreeText(open)
    return isKnown ? open : { ...open, input: null }
  })
}
