// Streamed answers of OpenAI Responses, folded: items gathered into the body a whole answer would have been, which is then read the same
// way. The terminal event decides on status and usage, the streamed items on what was said. Total: any prefix of a stream and any garbage
// in it folds to an answer. An event is known by the `type` in its data; its name on the wire is only asked where that is missing. Pure.

import { isDeepStrictEqual } from 'node:util'
import type { Answer, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { readError } from './_errors.ts'
import { countOf, isList, isObject, objectOf, parseJson, textOf, without } from './_json.ts'
import { readBody, readSaid, sideKey, terminalKey } from './_responses-answer.ts'
import {
  closeItem,
  foldAnnotation,
  foldInput,
  foldPart,
  foldText,
  inputEvents,
  type OpenItem,
  openItem,
  partEvents,
  readCut,
  textEvents,
} from './_responses-deltas.ts'
import { unread, unreadKey } from './_unread.ts'
import { mergeSnapshots } from './_usage.ts'

interface Fold {
  head: JsonObject
  readonly items: Map<number, OpenItem>
  usage: Json
  /** Items as the terminal event has them; null before it. */
  terminal: readonly Json[] | null
  error: Answer['error']
  readonly sides: JsonObject[]
  readonly unread: JsonObject[]
}

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = { head: {}, items: new Map(), usage: null, terminal: null, error: null, sides: [], unread: [] }
  for (const event of events) foldEvent(fold, event)
  return readFold(fold)
}

const lifecycle = /^response\.(created|queued|in_progress|completed|incomplete|failed|cancelled)$/
const terminals = ['completed', 'incomplete', 'failed', 'cancelled']
const progress = /^response\.(\w+_call)\.(in_progress|searching|generating|interpreting|completed|incomplete|failed)$/
/** Codex's own events: rate limits and metadata, beside the answer. */
const side = /^codex\./
/** Say that the stream is alive, or show a picture that the whole item brings again. */
const idle =
  /^(?:ping|keepalive|response\.heartbeat|response\.keepalive|response\.image_generation_call\.partial_image|response\.mcp_list_tools\.\w+)$/

function foldEvent(fold: Fold, event: StreamEvent): void {
  const data = parseJson(event.data)
  if (!isObject(data)) {
    const isEnd = event.data.trim() === '' || event.data.trim() === '[DONE]'
    if (!isEnd) fold.unread.push(unread(event, 'malformed-json'))
    return
  }
  const type = textOf(data['type']) ?? event.event
  const stage = lifecycle.exec(type)?.[1]
  if (stage !== undefined) foldStage(fold, stage, data)
  else if (type === 'response.output_item.added' || type === 'response.output_item.done') foldItem(fold, type, data, event)
  else if (side.test(type)) fold.sides.push(data)
  else if (!idle.test(type)) foldDelta(fold, type, data, event)
}

function foldStage(fold: Fold, stage: string, data: JsonObject): void {
  const response = objectOf(data['response'])
  fold.usage = mergeSnapshots(fold.usage, response['usage'])
  const said = Object.entries(without(response, ['output', ...(isObject(response['usage']) ? ['usage'] : [])])).filter(
    ([key, value]) => value !== null || !(key === 'id' || key === 'model') || fold.head[key] === undefined,
  )
  fold.head = { ...fold.head, ...Object.fromEntries(said) }
  if (!terminals.includes(stage)) return
  // A relay's terminal event may say no more than its name; what was said of the beginning no longer holds.
  if (typeof response['status'] !== 'string' && typeof fold.head['status'] === 'string')
    fold.head = { ...fold.head, status: stage }
  fold.terminal = isList(response['output']) ? response['output'] : []
  if (stage === 'failed') fold.error = readError(response) ?? { type: 'failed', message: 'the response failed' }
}

function foldItem(fold: Fold, type: string, data: JsonObject, event: StreamEvent): void {
  const raw = data['item']
  if (raw === undefined) {
    fold.unread.push(unread(event, 'unknown-event'))
    return
  }
  const isDone = type.endsWith('.done')
  const index = countOf(data['output_index']) ?? (isDone ? findIndex(fold, textOf(objectOf(raw)['id'])) : null) ?? nextIndex(fold)
  const item = isDone ? (fold.items.get(index) ?? openItem(raw)) : openItem(raw)
  if (isDone) item.done = raw
  fold.items.set(index, item)
}

function nextIndex(fold: Fold): number {
  return Math.max(-1, ...fold.items.keys()) + 1
}

/** Some relays give an item another id in every event, so the index counts first. */
function findIndex(fold: Fold, id: string | null): number | null {
  if (id === null) return null
  return [...fold.items].find(([, item]) => objectOf(item.raw)['id'] === id)?.[0] ?? null
}

function findItem(fold: Fold, data: JsonObject): OpenItem | undefined {
  const id = textOf(data['item_id'])
  const index = countOf(data['output_index']) ?? findIndex(fold, id) ?? (id === null ? nextIndex(fold) - 1 : null)
  return index === null ? undefined : fold.items.get(index)
}

function foldDelta(fold: Fold, type: string, data: JsonObject, event: StreamEvent): void {
  const error = readStreamError(type, data)
  if (error !== null) {
    fold.error = error
    return
  }
  const [, name = '', verb = ''] = /^(.*)\.(\w+)$/.exec(type) ?? []
  const status = progress.exec(type)?.[2]
  const isKnown = pieceNames.has(name)
  const item = isKnown || status !== undefined ? (findItem(fold, data) ?? openImplicitly(fold, name, data)) : undefined
  if (isKnown && item === undefined) fold.unread.push(unread(event, 'no-open-block'))
  else if (isKnown && item !== undefined && !foldPiece(item, name, verb, data)) fold.unread.push(unread(event, 'unknown-delta'))
  else if (!isKnown && item !== undefined && status !== undefined) item.status = status
  else if (!isKnown && status === undefined) fold.unread.push(unread(event, 'unknown-event'))
}

const annotationName = 'response.output_text.annotation'
/** Events that bring a piece of an item, without what they do with it. */
const pieceNames = new Set([...textEvents.keys(), ...inputEvents.keys(), ...partEvents.keys(), annotationName])

function foldPiece(item: OpenItem, name: string, verb: string, data: JsonObject): boolean {
  if (name === annotationName && verb === 'added') return foldAnnotation(item, data)
  if (verb === 'added') return foldPart(item, name, data)
  if (verb !== 'delta' && verb !== 'done') return false
  const isDone = verb === 'done'
  return foldText(item, name, isDone, data) || foldInput(item, name, isDone, data) || (isDone && foldPart(item, name, data))
}

/** Relays that leave out the opening events still send text. */
function openImplicitly(fold: Fold, name: string, data: JsonObject): OpenItem | undefined {
  const known = textEvents.get(name)
  if (known === undefined || typeof data['delta'] !== 'string') return undefined
  const id = textOf(data['item_id'])
  const head: JsonObject = id === null ? {} : { id }
  const isSpoken = known.type === 'output_text' || known.type === 'refusal'
  const item = openItem(
    isSpoken ? { ...head, type: 'message', role: 'assistant', content: [] } : { ...head, type: 'reasoning', summary: [] },
  )
  fold.items.set(countOf(data['output_index']) ?? nextIndex(fold), item)
  return item
}

/** Errors come as `{type: error, code, message}`, with an `error` inside, or without any type from relays. */
function readStreamError(type: string, data: JsonObject): Answer['error'] {
  const isError = type === 'error' || type === 'response.error'
  if (!isError && (type.startsWith('response.') || !('error' in data))) return null
  if (isObject(data['error']) || typeof data['error'] === 'string') return readError(data)
  return isError ? readError({ error: without(data, ['type', 'error', 'sequence_number']) }) : null
}

function readFold(fold: Fold): Answer {
  const indexes = [...new Set([...fold.items.keys(), ...(fold.terminal ?? []).keys()])].sort((a, b) => a - b)
  const items = indexes.map(index => {
    const item = fold.items.get(index)
    const last = fold.terminal?.[index]
    if (item === undefined) return { raw: last ?? null, isCut: false }
    const raw = item.done === undefined && last !== undefined ? last : closeItem(item)
    return { raw, isCut: item.done === undefined && fold.terminal === null }
  })
  const output = items.map(item => item.raw)
  const blocks = items.flatMap(item => (item.isCut ? readCut(item.raw) : readSaid(item.raw)))
  const usage: JsonObject = isObject(fold.usage) ? { usage: fold.usage } : {}
  const answer = readBody({ object: 'response', ...fold.head, output, ...usage }, blocks)
  const differs = fold.terminal !== null && fold.terminal.length > 0 && !areEqual(fold.terminal, output)
  const extra: JsonObject = {
    ...answer.extra,
    ...(differs ? { [terminalKey]: fold.terminal } : {}),
    ...(fold.sides.length === 0 ? {} : { [sideKey]: fold.sides }),
    ...(fold.unread.length === 0 ? {} : { [unreadKey]: fold.unread }),
  }
  const { extra: _, ...rest } = answer
  return {
    ...rest,
    usage: answer.usage && { ...answer.usage, source: fold.terminal === null ? 'wire-partial' : 'wire' },
    complete: fold.terminal !== null && fold.error === null,
    error: fold.error,
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}

/** Values nested too deeply to be compared (thousands of levels, which no provider sends) count as different. */
function areEqual(a: unknown, b: unknown): boolean {
  try {
    return isDeepStrictEqual(a, b)
  } catch {
    return false
  }
}
