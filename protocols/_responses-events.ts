// An answer of OpenAI Responses as the events a provider would send: created, each item opened, its deltas, each item done, and the event
// that ends it with the whole answer. Events are numbered. What was cut off is not said to be done. Pure.

import type { Answer, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { isList, isObject, objectOf, printJson, textOf, without } from './_json.ts'
import { sideKey, terminalKey, writeBody, writeOutputItems } from './_responses-answer.ts'
import type { WrittenItem } from './_responses-items.ts'
import { isOwn } from './_settings.ts'
import { readUnread } from './_unread.ts'

type Chunker = (text: string) => readonly string[]
type Event = JsonObject & { readonly type: string }

const whole: Chunker = text => (text === '' ? [] : [text])

export function* writeEvents(answer: Answer, chunkText: Chunker = whole): Iterable<StreamEvent> {
  const own = isOwn(answer.wire, 'openai-responses')
  const items = writeOutputItems(answer)
  const terminalOutput = own ? answer.extra?.[terminalKey] : undefined
  const body = writeBody(answer, isList(terminalOutput) ? terminalOutput : items.map(item => item.raw))
  const failed = answer.error !== null && body['status'] === 'failed' && answer.wire?.['form'] === 'response'
  let number = 0
  const send = (data: Event): StreamEvent => ({ event: data.type, data: printJson({ ...data, sequence_number: number++ }) })
  if (answer.error === null || items.length > 0 || answer.id !== null || failed) {
    const response = startOf(body, answer)
    yield send({ type: 'response.created', response })
    yield send({ type: 'response.in_progress', response })
    if (own) yield* readSides(answer.extra?.[sideKey])
    for (const [index, item] of items.entries()) for (const event of itemEvents(item, index, chunkText)) yield send(event)
    if (own) yield* readUnread(answer.extra)
  }
  const last = endOf(answer, body, failed)
  if (last !== null) yield send(last)
}

function readSides(sides: Json | undefined): StreamEvent[] {
  return isList(sides) ? sides.map(data => ({ event: textOf(objectOf(data)['type']) ?? '', data: printJson(data) })) : []
}

/** null for an answer that was cut off. */
function endOf(answer: Answer, response: JsonObject, failed: boolean): Event | null {
  if (failed) return { type: 'response.failed', response }
  if (answer.error) return { type: 'error', code: answer.error.type, message: answer.error.message, param: null }
  if (!answer.complete) return null
  return { type: response['status'] === 'incomplete' ? 'response.incomplete' : 'response.completed', response }
}

/** The answer before anything was said: of a cut one, all that is known. */
function startOf(body: JsonObject, answer: Answer): JsonObject {
  const isEnded = answer.complete || answer.error !== null
  const open: Record<string, Json> = { ...without(body, ['usage']), output: [] }
  if (!isEnded) return 'usage' in body ? { ...open, usage: body['usage'] ?? null } : open
  if (typeof body['status'] === 'string') open['status'] = 'in_progress'
  for (const key of ['incomplete_details', 'error', 'completed_at']) if (key in body) open[key] = null
  return 'usage' in body ? { ...open, usage: null } : open
}

function* itemEvents({ raw, blocks }: WrittenItem, index: number, chunkText: Chunker): Iterable<Event> {
  const isOpen = blocks.at(-1)?.wire?.['open'] === true
  const item = objectOf(raw)
  const place = { item_id: item['id'] ?? '', output_index: index }
  const parts = [...listParts(item, 'summary'), ...listParts(item, 'content')]
  const input = findInput(item)
  yield { type: 'response.output_item.added', output_index: index, item: isObject(raw) ? startItem(item, isOpen) : raw }
  for (const part of parts) yield* partEvents(part, place, isOpen && part === parts.at(-1), chunkText)
  if (input !== null) {
    for (const delta of chunkText(input.text)) yield { type: `${input.name}.delta`, ...place, delta }
    if (!isOpen) yield { type: `${input.name}.done`, ...place, [input.key]: input.text }
  }
  if (!isOpen) yield { type: 'response.output_item.done', output_index: index, item: raw }
}

/** The item when it was opened: what grows is empty. */
function startItem(item: JsonObject, isOpen: boolean): JsonObject {
  const start: Record<string, Json> = { ...item }
  if (!isOpen && typeof item['status'] === 'string') start['status'] = 'in_progress'
  for (const list of ['content', 'summary']) if (isGrowing(item, list)) start[list] = []
  const input = findInput(item)
  if (input !== null) start[input.key] = ''
  return start
}

/** Lists that are sent part by part: all of a message, and reasoning as far as it is text. */
function isGrowing(item: JsonObject, list: string): boolean {
  const parts = item[list]
  const types = list === 'summary' ? ['summary_text'] : item['type'] === 'message' ? null : ['reasoning_text']
  if (!isList(parts) || (item['type'] !== 'message' && item['type'] !== 'reasoning')) return false
  if (list === 'summary' && item['type'] === 'message') return false
  return parts.every(part => isObject(part) && (types === null || types.includes(textOf(part['type']) ?? '')))
}

interface Part {
  readonly raw: JsonObject
  readonly list: 'content' | 'summary'
  readonly index: number
}

function listParts(item: JsonObject, list: 'content' | 'summary'): Part[] {
  const parts = item[list]
  return isGrowing(item, list) && isList(parts) ? parts.map((raw, index) => ({ raw: objectOf(raw), list, index })) : []
}

const textNames: Readonly<Record<string, string>> = {
  output_text: 'response.output_text',
  refusal: 'response.refusal',
  reasoning_text: 'response.reasoning_text',
  summary_text: 'response.reasoning_summary_text',
}

function* partEvents(part: Part, itemPlace: JsonObject, isOpen: boolean, chunkText: Chunker): Iterable<Event> {
  const { raw, list, index } = part
  const place = { ...itemPlace, [list === 'content' ? 'content_index' : 'summary_index']: index }
  const partName = list === 'content' ? 'response.content_part' : 'response.reasoning_summary_part'
  const type = textOf(raw['type']) ?? ''
  const key = type === 'refusal' ? 'refusal' : 'text'
  const name = Object.hasOwn(textNames, type) && typeof raw[key] === 'string' ? textNames[type] : undefined
  yield { type: `${partName}.added`, ...place, part: name === undefined ? raw : startPart(raw, key, isOpen) }
  if (name !== undefined) yield* textPieces(raw, key, name, place, isOpen, chunkText)
  if (!isOpen) yield { type: `${partName}.done`, ...place, part: raw }
}

function* textPieces(
  raw: JsonObject,
  key: string,
  name: string,
  place: JsonObject,
  isOpen: boolean,
  chunkText: Chunker,
): Iterable<Event> {
  const text = textOf(raw[key]) ?? ''
  const logprobs: JsonObject = raw['type'] === 'output_text' ? { logprobs: [] } : {}
  for (const delta of chunkText(text)) yield { type: `${name}.delta`, ...place, delta, ...logprobs }
  if (isOpen) return
  const annotations = isList(raw['annotations']) ? raw['annotations'] : []
  for (const [at, annotation] of annotations.entries())
    yield { type: 'response.output_text.annotation.added', ...place, annotation_index: at, annotation }
  yield { type: `${name}.done`, ...place, [key]: text, ...logprobs }
}

function startPart(raw: JsonObject, key: string, isOpen: boolean): JsonObject {
  const isAnnotated = !isOpen && isList(raw['annotations'])
  return { ...raw, [key]: '', ...(isAnnotated ? { annotations: [] } : {}) }
}

const inputNames: Readonly<Record<string, { readonly name: string; readonly key: string }>> = {
  function_call: { name: 'response.function_call_arguments', key: 'arguments' },
  custom_tool_call: { name: 'response.custom_tool_call_input', key: 'input' },
  mcp_call: { name: 'response.mcp_call_arguments', key: 'arguments' },
}

function findInput(item: JsonObject): { readonly name: string; readonly key: string; readonly text: string } | null {
  const type = textOf(item['type']) ?? ''
  const known = Object.hasOwn(inputNames, type) ? inputNames[type] : undefined
  const text = known === undefined ? null : textOf(item[known.key])
  return known === undefined || text === null ? null : { ...known, text }
}
