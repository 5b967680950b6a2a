// Streamed answers of OpenAI Chat Completions: chunks gathered into the body a whole answer would have been, which is then read the same
// way, and an answer as the chunks a provider would send. Total: any prefix and any garbage folds to an answer. Pure.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { headOf, readResponse, splitExtra, writeResponse } from './_chat-answer.ts'
import { closeChoice, foldChoice, type OpenChoice, openChoice } from './_chat-deltas.ts'
import { thinkingFields } from './_chat-parts.ts'
import { usageObject, writeUsage } from './_chat-usage.ts'
import { readError } from './_errors.ts'
import { isList, isObject, objectOf, parseJson, printJson, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { readUnread, unread, unreadKey } from './_unread.ts'
import { mergeSnapshots } from './_usage.ts'

interface Fold {
  readonly head: Map<string, Json>
  readonly choices: Map<Json, OpenChoice>
  usage: Json
  /** Usage came with, or after, the reason for stopping: the figures are final. */
  usageIsFinal: boolean
  error: Answer['error']
  done: boolean
  readonly unread: JsonObject[]
}

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = {
    head: new Map(),
    choices: new Map(),
    usage: null,
    usageIsFinal: false,
    error: null,
    done: false,
    unread: [],
  }
  for (const event of events) foldEvent(fold, event)
  return readFold(fold)
}

function foldEvent(fold: Fold, event: StreamEvent): void {
  if (event.data.trim() === '[DONE]') {
    fold.done = true
    return
  }
  const data = parseJson(event.data)
  if (!isObject(data)) {
    if (event.data.trim() !== '') fold.unread.push(unread(event, 'malformed-json'))
    return
  }
  const error = readError(data)
  if (error) fold.error = error
  else if (!isList(data['choices']) && usageObject(data) === null) fold.unread.push(unread(event, 'unknown-event'))
  else foldChunk(fold, data)
}

/** OpenAI pads chunks with a random `obfuscation` text to hide their lengths; it says nothing. */
const notKept = ['choices', 'usage', 'object', 'obfuscation']

function foldChunk(fold: Fold, chunk: JsonObject): void {
  for (const [key, value] of Object.entries(without(chunk, notKept))) {
    const before = fold.head.get(key)
    const isName = key === 'id' || key === 'model'
    // SGLang says parts of its extension in chunks of their own.
    if (key === 'sglext' && isObject(before) && isObject(value)) fold.head.set(key, { ...before, ...value })
    else if (before === undefined || (isName ? before === '' : value !== null)) fold.head.set(key, value)
  }
  for (const raw of isList(chunk['choices']) ? chunk['choices'] : []) {
    if (!isObject(raw)) continue
    const index = raw['index'] ?? 0
    const choice = fold.choices.get(index) ?? openChoice(index)
    fold.choices.set(index, choice)
    foldChoice(choice, raw)
  }
  const usage = usageObject(chunk)
  if (usage === null) return
  fold.usage = mergeSnapshots(fold.usage, usage)
  fold.usageIsFinal = isFinished(fold)
}

function isFinished(fold: Fold): boolean {
  return [...fold.choices.values()].some(choice => typeof choice.finishReason === 'string')
}

function readFold(fold: Fold): Answer {
  const choices = [...fold.choices.values()].map(closeChoice)
  const usage: JsonObject = isObject(fold.usage) ? { usage: fold.usage } : {}
  const head = Object.fromEntries(fold.head)
  const empty = { index: 0, message: { role: 'assistant' } }
  const answer = readResponse({ ...head, object: 'chat.completion', choices: choices.length === 0 ? [empty] : choices, ...usage })
  const finished = isFinished(fold) || fold.done
  const extra = fold.unread.length === 0 ? answer.extra : { ...answer.extra, [unreadKey]: fold.unread }
  return {
    ...answer,
    message: finished ? answer.message : { ...answer.message, blocks: answer.message.blocks.map(markCut) },
    usage: answer.usage && { ...answer.usage, source: fold.usageIsFinal || fold.done ? 'wire' : 'wire-partial' },
    complete: fold.done && fold.error === null,
    error: fold.error,
    ...(extra === undefined ? {} : { extra }),
  }
}

/** A call that was cut before its arguments began has no input; it is not a call without arguments. */
function markCut(block: Block): Block {
  return block.kind === 'tool-call' && block.inputText === '' ? { ...block, input: null } : block
}

const whole = (text: string): readonly string[] => (text === '' ? [] : [text])

export function* writeEvents(answer: Answer, chunkText: (text: string) => readonly string[] = whole): Iterable<StreamEvent> {
  if (answer.error === null || answer.message.blocks.length > 0 || answer.id !== null) yield* writeChunks(answer, chunkText)
  if (answer.error) yield { event: '', data: printJson({ error: { ...answer.error, param: null, code: null } }) }
  else if (answer.complete) yield { event: '', data: '[DONE]' }
}

function* writeChunks(answer: Answer, chunkText: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const own = isOwn(answer.wire, 'openai-chat')
  const body = writeResponse({ ...answer, error: null })
  const { fields, choice, choices } = splitExtra(answer, own)
  const head = { ...headOf(answer, own, 'chat.completion.chunk'), ...fields }
  const [first] = isList(body['choices']) ? body['choices'] : []
  const message = objectOf(objectOf(first)['message'])
  const chunk = (index: Json, delta: JsonObject, more: JsonObject = {}): StreamEvent => ({
    event: '',
    data: printJson({ ...head, choices: [{ index, delta, finish_reason: null, ...more }] }),
  })
  for (const delta of deltasOf(message, chunkText)) yield chunk(0, delta)
  for (const other of choices) yield* writeOtherChoice(objectOf(other), chunk)
  if (own) yield* readUnread(answer.extra)
  const usage = writeUsage(answer)
  const usageEvent: StreamEvent[] = usage ? [{ event: '', data: printJson({ ...head, choices: [], usage }) }] : []
  const isFinal = answer.usage?.source === 'wire'
  if (!isFinal) yield* usageEvent
  const finish = objectOf(first)['finish_reason']
  if (typeof finish === 'string' || Object.keys(choice).length > 0)
    yield chunk(0, {}, { finish_reason: finish ?? null, ...choice })
  if (isFinal) yield* usageEvent
}

function* writeOtherChoice(
  other: JsonObject,
  chunk: (index: Json, delta: JsonObject, more?: JsonObject) => StreamEvent,
): Iterable<StreamEvent> {
  const message = objectOf(other['message'])
  const calls = message['tool_calls']
  const delta = isList(calls) ? { ...message, tool_calls: calls.map((call, index) => ({ index, ...objectOf(call) })) } : message
  yield chunk(other['index'] ?? 1, delta, without(other, ['index', 'message']))
}

function* deltasOf(message: JsonObject, chunkText: (text: string) => readonly string[]): Iterable<JsonObject> {
  const content = textOf(message['content'])
  const thinking = thinkingFields.filter(field => textOf(message[field]))
  const refusal = textOf(message['refusal'])
  const rest = without(message, ['tool_calls', ...thinking, ...(refusal ? ['refusal'] : [])])
  yield content === null ? rest : { ...rest, content: '' }
  yield* thinkingDeltas(message, thinking, chunkText)
  for (const text of chunkText(content ?? '')) yield { content: text }
  for (const text of chunkText(refusal ?? '')) yield { refusal: text }
  const calls = message['tool_calls']
  if (isList(calls)) for (const [index, call] of calls.entries()) yield* callDeltas(call, index, chunkText)
}

/** The same thinking under two names grows under both at once. */
function* thinkingDeltas(
  message: JsonObject,
  fields: readonly string[],
  chunkText: (text: string) => readonly string[],
): Iterable<JsonObject> {
  const texts = new Set(fields.map(field => textOf(message[field]) ?? ''))
  for (const text of texts) {
    const names = fields.filter(field => message[field] === text)
    for (const piece of chunkText(text)) yield Object.fromEntries(names.map(name => [name, piece]))
  }
}

function* callDeltas(call: Json, index: number, chunkText: (text: string) => readonly string[]): Iterable<JsonObject> {
  if (!isObject(call)) {
    yield { tool_calls: [call] }
    return
  }
  const key = isObject(call['custom']) ? 'custom' : 'function'
  const inputKey = key === 'custom' ? 'input' : 'arguments'
  const holder = objectOf(call[key])
  const input = holder[inputKey]
  if (typeof input !== 'string') {
    yield { tool_calls: [{ ...call, index }] }
    return
  }
  yield { tool_calls: [{ ...call, index, [key]: { ...holder, [inputKey]: '' } }] }
  for (const piece of chunkText(input)) yield { tool_calls: [{ index, [key]: { [inputKey]: piece } }] }
}
