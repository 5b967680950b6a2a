// Streamed answers of Anthropic Messages: events folded into an answer, and an answer as the events a provider would send.
// Total: any prefix of a stream, and any garbage in it, folds to an answer. Blocks never overlap in what is written, because the
// official clients assume that they do not. Pure.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { answerBlocks, readMessageBody, writeBlockStart, writeResponse } from './_anthropic-answer.ts'
import { finishBlock, foldDelta, type OpenBlock, openBlock } from './_anthropic-deltas.ts'
import { readError } from './_errors.ts'
import { isList, isObject, objectOf, parseJson, printJson, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { readUnread, unread, unreadKey } from './_unread.ts'
import { mergeSnapshots } from './_usage.ts'

interface Fold {
  message: JsonObject
  /** Fields that message_delta events added or replaced. */
  changes: JsonObject
  usage: Json
  /** A message_delta brought usage together with, or after, the stop reason: the figures are final. */
  usageIsFinal: boolean
  readonly blocks: OpenBlock[]
  readonly byIndex: Map<Json, OpenBlock>
  error: Answer['error']
  stopped: boolean
  readonly unread: JsonObject[]
}

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = {
    message: {},
    changes: {},
    usage: null,
    usageIsFinal: false,
    blocks: [],
    byIndex: new Map(),
    error: null,
    stopped: false,
    unread: [],
  }
  for (const event of events) foldEvent(fold, event)
  return readFold(fold)
}

function foldEvent(fold: Fold, event: StreamEvent): void {
  const data = parseJson(event.data)
  if (!isObject(data)) {
    if (event.data.trim() !== '') fold.unread.push(unread(event, 'malformed-json'))
    return
  }
  const type = textOf(data['type']) ?? event.event
  const known = handlers.get(type)
  if (known) known(fold, data, event)
  else foldOther(fold, data, event)
}

type Handler = (fold: Fold, data: JsonObject, event: StreamEvent) => void

const handlers = new Map<string, Handler>([
  ['message_start', foldStart],
  ['content_block_start', foldBlockStart],
  ['content_block_delta', foldBlockDelta],
  ['content_block_stop', foldBlockStop],
  ['message_delta', foldMessageDelta],
  [
    'message_stop',
    fold => {
      fold.stopped = true
    },
  ],
  ['ping', () => {}],
])

/** Relays of other protocols send errors without a type. */
function foldOther(fold: Fold, data: JsonObject, event: StreamEvent): void {
  const error = readError(data)
  if (error) fold.error = error
  else fold.unread.push(unread(event, 'unknown-event'))
}

function foldStart(fold: Fold, data: JsonObject): void {
  const message = objectOf(data['message'])
  fold.message = without(message, ['content', 'usage'])
  fold.usage = mergeSnapshots(fold.usage, message['usage'])
  if (!isList(message['content'])) return
  for (const [index, raw] of message['content'].entries()) {
    const block = openBlock(raw)
    block.closed = true
    fold.blocks.push(block)
    fold.byIndex.set(index, block)
  }
}

function foldBlockStart(fold: Fold, data: JsonObject): void {
  const block = openBlock(data['content_block'] ?? null)
  fold.blocks.push(block)
  fold.byIndex.set(data['index'] ?? fold.blocks.length - 1, block)
}

function foldBlockDelta(fold: Fold, data: JsonObject, event: StreamEvent): void {
  const block = fold.byIndex.get(data['index'] ?? fold.blocks.length - 1)
  if (block === undefined) fold.unread.push(unread(event, 'no-open-block'))
  else if (!foldDelta(block, objectOf(data['delta']))) fold.unread.push(unread(event, 'unknown-delta'))
}

function foldBlockStop(fold: Fold, data: JsonObject): void {
  const block = fold.byIndex.get(data['index'] ?? fold.blocks.length - 1)
  if (block) block.closed = true
}

function foldMessageDelta(fold: Fold, data: JsonObject): void {
  const said = { ...objectOf(data['delta']), ...without(data, ['type', 'delta', 'usage']) }
  // A later event that repeats a field as null takes nothing back.
  fold.changes = {
    ...fold.changes,
    ...Object.fromEntries(Object.entries(said).filter(([key, value]) => value !== null || !(key in fold.changes))),
  }
  if (!isObject(data['usage'])) return
  fold.usage = mergeSnapshots(fold.usage, data['usage'])
  fold.usageIsFinal = typeof fold.changes['stop_reason'] === 'string'
}

function readFold(fold: Fold): Answer {
  const blocks = fold.blocks.map(block => finishBlock(block, fold.stopped))
  const usage: JsonObject = isObject(fold.usage) ? { usage: fold.usage } : {}
  const answer = readMessageBody({ ...fold.message, ...fold.changes, ...usage }, blocks)
  const extra = fold.unread.length === 0 ? answer.extra : { ...answer.extra, [unreadKey]: fold.unread }
  return {
    ...answer,
    usage: answer.usage && { ...answer.usage, source: fold.usageIsFinal ? 'wire' : 'wire-partial' },
    complete: fold.stopped && fold.error === null,
    error: fold.error,
    ...(extra === undefined ? {} : { extra }),
  }
}

const whole = (text: string): readonly string[] => (text === '' ? [] : [text])

export function* writeEvents(answer: Answer, chunkText: (text: string) => readonly string[] = whole): Iterable<StreamEvent> {
  const own = isOwn(answer.wire, 'anthropic-messages')
  if (answer.error === null || answer.message.blocks.length > 0 || answer.id !== null) {
    const body = writeResponse({ ...answer, error: null })
    yield event({ type: 'message_start', message: startOf(body, answer) })
    yield* writeBlockEvents(answer, own, chunkText)
    if (own) yield* readUnread(answer.extra)
    if (body['stop_reason'] !== null) yield event(messageDelta(body, answer))
  }
  if (answer.error) yield event({ type: 'error', error: { ...answer.error } })
  else if (answer.complete) yield event({ type: 'message_stop' })
}

function event(data: JsonObject): StreamEvent {
  return { event: textOf(data['type']) ?? '', data: printJson(data) }
}

/** The message before anything was generated: the input side of the usage is known, of the output at most the first token. */
function startOf(body: JsonObject, answer: Answer): JsonObject {
  const usage = objectOf(body['usage'])
  const output = usage['output_tokens']
  const isFinal = answer.usage?.source !== 'wire-partial' && body['stop_reason'] !== null
  const started =
    isFinal && typeof output === 'number'
      ? { ...without(usage, ['output_tokens_details']), output_tokens: Math.min(output, 1) }
      : usage
  const late = body['stop_reason'] === null ? [] : [...lateInDelta, ...lateBesideDelta].filter(key => key !== 'stop_sequence')
  const empty = {
    ...without(body, late),
    content: [],
    stop_reason: null,
    ...('stop_sequence' in body ? { stop_sequence: null } : {}),
  }
  return 'usage' in body ? { ...empty, usage: started } : empty
}

/** What is only known at the end: these arrive in the message_delta event, inside its `delta` or beside it. */
const lateInDelta = ['stop_sequence', 'stop_details', 'container']
const lateBesideDelta = ['context_management']

function messageDelta(body: JsonObject, answer: Answer): JsonObject {
  const said = (keys: readonly string[]) => Object.fromEntries(Object.entries(body).filter(([key]) => keys.includes(key)))
  const delta = { stop_reason: body['stop_reason'] ?? null, ...said(lateInDelta) }
  const isFinal = answer.usage === null || answer.usage.source === 'wire'
  return {
    type: 'message_delta',
    delta,
    ...said(lateBesideDelta),
    ...('usage' in body && isFinal ? { usage: objectOf(body['usage']) } : {}),
  }
}

function* writeBlockEvents(answer: Answer, own: boolean, chunkText: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const blocks = answerBlocks(answer, own)
  let index = 0
  for (const [position, block] of blocks.entries()) {
    const written = writeBlockStart(block, own)
    if (written === null) continue
    yield event({ type: 'content_block_start', index, content_block: written.start })
    for (const delta of deltasOf(block, written.kind, written.text, chunkText))
      yield event({ type: 'content_block_delta', index, delta })
    const cutHere = !answer.complete && position === blocks.length - 1 && block.kind === 'tool-call' && block.input === null
    if (!cutHere) yield event({ type: 'content_block_stop', index })
    index++
  }
}

function* deltasOf(
  block: Block,
  kind: string,
  text: string,
  chunkText: (text: string) => readonly string[],
): Iterable<JsonObject> {
  if (kind === 'whole') return
  for (const chunk of chunkText(text)) {
    if (kind === 'text') yield { type: 'text_delta', text: chunk }
    else if (kind === 'thinking') yield { type: 'thinking_delta', thinking: chunk }
    else yield { type: 'input_json_delta', partial_json: chunk }
  }
  if (kind === 'thinking' && block.kind === 'thinking' && block.signature)
    yield { type: 'signature_delta', signature: block.signature }
  const citations = block.extra?.['citations']
  if (kind === 'text' && isList(citations)) for (const citation of citations) yield { type: 'citations_delta', citation }
}
