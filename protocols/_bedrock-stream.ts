// Streamed answers of Bedrock Converse: events folded into an answer, and an answer as the events Bedrock would send. `metadata`, with the
// usage, comes last and ends it. Total: any prefix and any garbage folds to an answer. Pure.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { readMessageBody, writeResponse } from './_bedrock-answer.ts'
import { writeBlock, writeCall } from './_bedrock-blocks.ts'
import { finishBlock, foldDelta, type OpenBlock, openBlock } from './_bedrock-deltas.ts'
import { readException, writeException } from './_bedrock-errors.ts'
import { readError } from './_errors.ts'
import { defined, isList, isObject, objectOf, parseJson, printJson, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { readUnread, unread, unreadKey } from './_unread.ts'

interface Fold {
  message: JsonObject
  fields: JsonObject
  readonly blocks: Map<Json, OpenBlock>
  error: Answer['error']
  stopped: boolean
  ended: boolean
  readonly unread: JsonObject[]
}

/** Bedrock pads events with a random `p` to hide their lengths; it says nothing. */
const padding = 'p'

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = { message: {}, fields: {}, blocks: new Map(), error: null, stopped: false, ended: false, unread: [] }
  for (const event of events) foldEvent(fold, event)
  return readFold(fold)
}

function foldEvent(fold: Fold, event: StreamEvent): void {
  const exception = readException(event)
  if (exception !== null) {
    fold.error = exception
    return
  }
  const data = parseJson(event.data)
  if (!isObject(data)) {
    if (event.data.trim() !== '') fold.unread.push(unread(event, 'malformed-json'))
    return
  }
  const said = without(data, [padding])
  if (event.event === 'messageStart') fold.message = said
  else if (event.event === 'contentBlockStart') fold.blocks.set(indexOf(said, fold), openBlock(said['start'] ?? null))
  else if (event.event === 'contentBlockDelta') foldBlockDelta(fold, said, event)
  else if (event.event === 'contentBlockStop') closeBlock(fold, said)
  else if (event.event === 'messageStop') {
    fold.stopped = true
    fold.fields = { ...fold.fields, ...said }
  } else if (event.event === 'metadata') {
    fold.ended = true
    fold.fields = { ...fold.fields, ...said }
  } else foldOther(fold, data, event)
}

function foldOther(fold: Fold, data: JsonObject, event: StreamEvent): void {
  const error = event.event === '' || event.event === 'error' ? readError(data) : null
  if (error) fold.error = error
  else fold.unread.push(unread(event, 'unknown-event'))
}

function indexOf(data: JsonObject, fold: Fold): Json {
  return data['contentBlockIndex'] ?? fold.blocks.size
}

function foldBlockDelta(fold: Fold, data: JsonObject, event: StreamEvent): void {
  const index = data['contentBlockIndex'] ?? fold.blocks.size - 1
  // Text and reasoning have no start event.
  const block = fold.blocks.get(index) ?? openBlock()
  if (!foldDelta(block, objectOf(data['delta']))) fold.unread.push(unread(event, 'unknown-delta'))
  else fold.blocks.set(index, block)
}

function closeBlock(fold: Fold, data: JsonObject): void {
  const block = fold.blocks.get(data['contentBlockIndex'] ?? fold.blocks.size - 1)
  if (block) block.closed = true
}

function readFold(fold: Fold): Answer {
  const blocks = [...fold.blocks.values()].map(block => finishBlock(block, fold.stopped))
  // Every message is the assistant's; a stream that lost its start is no other.
  const message = { role: 'assistant', ...fold.message }
  const answer = readMessageBody({ ...fold.fields, output: { message } }, blocks)
  const extra = fold.unread.length === 0 ? answer.extra : { ...answer.extra, [unreadKey]: fold.unread }
  return {
    ...answer,
    complete: fold.ended && fold.error === null,
    error: fold.error,
    ...(extra === undefined ? {} : { extra }),
  }
}

const whole = (text: string): readonly string[] => (text === '' ? [] : [text])

export function* writeEvents(answer: Answer, chunkText: (text: string) => readonly string[] = whole): Iterable<StreamEvent> {
  const [only] = answer.message.blocks
  if (only?.kind === 'opaque' && only.type === 'body') yield { event: 'body', data: printJson(only.raw) }
  else if (answer.error === null || answer.message.blocks.length > 0) yield* writeMessageEvents(answer, chunkText)
  if (answer.error) yield writeException(answer.error)
}

function* writeMessageEvents(answer: Answer, chunkText: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const own = isOwn(answer.wire, 'bedrock-converse')
  const { output, usage, stopReason, additionalModelResponseFields: more, ...fields } = writeResponse({ ...answer, error: null })
  const { content: _, ...message } = objectOf(objectOf(output)['message'])
  yield event('messageStart', message)
  yield* writeBlockEvents(answer, own, chunkText)
  if (own) yield* readUnread(answer.extra)
  if (answer.complete || typeof stopReason === 'string')
    yield event('messageStop', defined({ stopReason, additionalModelResponseFields: more }))
  if (answer.complete && answer.error === null) yield event('metadata', { ...defined({ usage }), ...fields })
}

function event(name: string, data: JsonObject): StreamEvent {
  return { event: name, data: printJson(data) }
}

function* writeBlockEvents(answer: Answer, own: boolean, chunkText: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const { blocks } = answer.message
  let index = 0
  for (const [position, block] of blocks.entries()) {
    const raw = writeBlock(block, own ? 'own' : 'foreign-answer')
    if (raw === undefined) continue
    const start = startOf(block, raw, own)
    if (start !== undefined) yield event('contentBlockStart', { start, contentBlockIndex: index })
    for (const delta of isWhole(block, own) ? [] : deltasOf(block, own, chunkText))
      yield event('contentBlockDelta', { delta, contentBlockIndex: index })
    const cutHere = !answer.complete && position === blocks.length - 1 && block.kind === 'tool-call' && block.input === null
    if (!cutHere) yield event('contentBlockStop', { contentBlockIndex: index })
    index++
  }
}

/** What a block looks like before its deltas; undefined for those that have no start. */
function startOf(block: Block, raw: Json, own: boolean): Json | undefined {
  if (isWhole(block, own)) return raw
  if (block.kind === 'text' || block.kind === 'thinking' || block.kind === 'refusal') return undefined
  if (block.kind !== 'tool-call') return raw
  return { toolUse: { ...writeCall(block, own ? 'own' : 'foreign-answer'), ...(own ? block.extra : {}) } }
}

/** Cited text without citations: no delta could say it. */
function isWhole(block: Block, own: boolean): boolean {
  const citations = block.kind === 'text' && own ? block.extra?.['citations'] : undefined
  return isList(citations) && citations.length === 0
}

function* deltasOf(block: Block, own: boolean, chunkText: (text: string) => readonly string[]): Iterable<JsonObject> {
  if (block.kind === 'tool-call') for (const input of chunkText(block.inputText)) yield { toolUse: { input } }
  if (block.kind === 'thinking') yield* thinkingDeltas(block, own, chunkText)
  if (block.kind !== 'text' && block.kind !== 'refusal') return
  for (const text of pieces(block.text, chunkText)) yield { text }
  const citations = own ? block.extra?.['citations'] : undefined
  if (isList(citations)) for (const citation of citations) yield { citation }
}

/** An empty text still is one: without a delta there would be no block. */
function pieces(text: string, chunkText: (text: string) => readonly string[]): readonly string[] {
  return text === '' ? [''] : chunkText(text)
}

function* thinkingDeltas(
  block: Extract<Block, { kind: 'thinking' }>,
  own: boolean,
  chunkText: (text: string) => readonly string[],
): Iterable<JsonObject> {
  if (own && block.redacted !== undefined) {
    yield { reasoningContent: { redactedContent: block.redacted } }
    return
  }
  for (const text of pieces(block.text, chunkText)) yield { reasoningContent: { text } }
  if (own && block.signature !== undefined) yield { reasoningContent: { signature: block.signature } }
}
