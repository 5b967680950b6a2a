// Streamed answers of Gemini: every event is a whole answer object that holds what is new. They are gathered into the body a whole answer
// would have been, which is then read the same way. An answer is written as the chunks a provider would send. Total: any prefix and any
// garbage folds to an answer. Pure.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { headOf, readGeminiError, readResponse, splitExtra, wrap, writeBlocks, writeResponse } from './_gemini-answer.ts'
import { createJoiner, type PartJoiner } from './_gemini-join.ts'
import { writeUsage } from './_gemini-usage.ts'
import { isList, isObject, objectOf, parseJson, printJson, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { readUnread, unread, unreadKey } from './_unread.ts'
import { mergeSnapshots } from './_usage.ts'

interface OpenCandidate {
  readonly joiner: PartJoiner
  readonly content: Map<string, Json>
  readonly beside: Map<string, Json>
  hasContent: boolean
  hasParts: boolean
}

interface Fold {
  readonly head: Map<string, Json>
  readonly candidates: Map<Json, OpenCandidate>
  envelope: JsonObject | null
  usage: Json
  /** Usage came with, or after, the reason for stopping: the figures are final. */
  usageIsFinal: boolean
  error: Answer['error']
  readonly unread: JsonObject[]
}

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = {
    head: new Map(),
    candidates: new Map(),
    envelope: null,
    usage: null,
    usageIsFinal: false,
    error: null,
    unread: [],
  }
  for (const event of events) foldEvent(fold, event)
  return readFold(fold)
}

function foldEvent(fold: Fold, event: StreamEvent): void {
  const outer = parseJson(event.data)
  if (!isObject(outer)) {
    if (event.data.trim() !== '') fold.unread.push(unread(event, 'malformed-json'))
    return
  }
  const wrapped = isObject(outer['response'])
  const data = wrapped ? objectOf(outer['response']) : outer
  if (wrapped) fold.envelope = { ...fold.envelope, ...without(outer, ['response']) }
  const error = readGeminiError(data)
  if (error) fold.error = error
  else if (isChunk(data)) foldChunk(fold, data)
  else fold.unread.push(unread(event, 'unknown-event'))
}

function isChunk(data: JsonObject): boolean {
  return isList(data['candidates']) || isObject(data['usageMetadata']) || isObject(data['promptFeedback'])
}

function foldChunk(fold: Fold, chunk: JsonObject): void {
  for (const [key, value] of Object.entries(without(chunk, ['candidates', 'usageMetadata']))) {
    const before = fold.head.get(key)
    if (before === undefined || (key === 'responseId' || key === 'modelVersion' ? before === '' : value !== null))
      fold.head.set(key, value)
  }
  for (const raw of isList(chunk['candidates']) ? chunk['candidates'] : []) if (isObject(raw)) foldCandidate(fold, raw)
  if (!isObject(chunk['usageMetadata'])) return
  fold.usage = mergeSnapshots(fold.usage, chunk['usageMetadata'])
  fold.usageIsFinal = isFinished(fold)
}

function foldCandidate(fold: Fold, raw: JsonObject): void {
  const index = raw['index'] ?? 0
  const candidate = fold.candidates.get(index) ?? openCandidate()
  fold.candidates.set(index, candidate)
  const content = raw['content']
  if (isObject(content)) foldContent(candidate, content)
  for (const [key, value] of Object.entries(without(raw, isObject(content) ? ['content'] : []))) {
    const before = candidate.beside.get(key)
    if (key === 'citationMetadata') candidate.beside.set(key, joinCitations(before, value))
    else if (value !== null || before === undefined) candidate.beside.set(key, value)
  }
}

function foldContent(candidate: OpenCandidate, content: JsonObject): void {
  candidate.hasContent = true
  const { parts, ...others } = content
  if (isList(parts)) {
    candidate.hasParts = true
    for (const part of parts) candidate.joiner.push(part)
  }
  for (const [key, value] of Object.entries(others)) candidate.content.set(key, value)
}

function openCandidate(): OpenCandidate {
  return { joiner: createJoiner(), content: new Map(), beside: new Map(), hasContent: false, hasParts: false }
}

/** Some servers repeat the sources they named before, some name only new ones. */
function joinCitations(before: Json | undefined, after: Json): Json {
  if (!isObject(before) || !isObject(after)) return after
  const joined = Object.entries(after).map(([key, value]): [string, Json] => {
    const earlier = before[key]
    if (!isList(earlier) || !isList(value)) return [key, value]
    const repeats = printJson(value.slice(0, earlier.length)) === printJson(earlier)
    return [key, repeats ? value : [...earlier, ...value]]
  })
  return { ...before, ...Object.fromEntries(joined) }
}

function isFinished(fold: Fold): boolean {
  const blocked = typeof objectOf(fold.head.get('promptFeedback'))['blockReason'] === 'string'
  return blocked || [...fold.candidates.values()].some(candidate => typeof candidate.beside.get('finishReason') === 'string')
}

function readFold(fold: Fold): Answer {
  const finished = isFinished(fold)
  const candidates = [...fold.candidates.values()].map(closeCandidate)
  const blocked = candidates.length === 0 && finished
  const usage: JsonObject = isObject(fold.usage) ? { usageMetadata: fold.usage } : {}
  const empty = { content: { role: 'model', parts: [] }, index: 0 }
  const list: JsonObject = blocked ? {} : { candidates: candidates.length === 0 ? [empty] : candidates }
  const body = { ...Object.fromEntries(fold.head), ...list, ...usage }
  const answer = readResponse(fold.envelope === null ? body : { ...fold.envelope, response: body })
  const extra = fold.unread.length === 0 ? answer.extra : { ...answer.extra, [unreadKey]: fold.unread }
  return {
    ...answer,
    usage: answer.usage && { ...answer.usage, source: fold.usageIsFinal ? 'wire' : 'wire-partial' },
    complete: finished && fold.error === null,
    error: fold.error ?? answer.error,
    ...(extra === undefined ? {} : { extra }),
  }
}

function closeCandidate(candidate: OpenCandidate): JsonObject {
  const { joiner, content, beside, hasContent, hasParts } = candidate
  const parts: JsonObject = hasParts ? { parts: joiner.parts() } : {}
  return { ...(hasContent ? { content: { ...parts, ...Object.fromEntries(content) } } : {}), ...Object.fromEntries(beside) }
}

const whole = (text: string): readonly string[] => (text === '' ? [] : [text])

export function* writeEvents(answer: Answer, chunkText: (text: string) => readonly string[] = whole): Iterable<StreamEvent> {
  const [only] = answer.message.blocks
  if (answer.error === null && only?.kind === 'opaque' && only.type === 'body') yield event(objectOf(only.raw))
  else if (answer.error === null || answer.complete || answer.message.blocks.length > 0 || answer.id !== null)
    yield* writeChunks(answer, chunkText)
  if (answer.error && !answer.complete)
    yield event(wrap(answer, { error: { message: answer.error.message, status: answer.error.type } }))
}

function event(data: JsonObject): StreamEvent {
  return { event: '', data: printJson(data) }
}

function* writeChunks(answer: Answer, chunkText: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const own = isOwn(answer.wire, 'gemini')
  const chunk = (body: JsonObject): StreamEvent => event(wrap(answer, body))
  if (own && answer.wire?.['candidates'] !== undefined) {
    yield chunk(unwrapped(answer))
    return
  }
  const { fields, candidate, candidates } = splitExtra(answer, own)
  const head = { ...headOf(answer, own), ...fields }
  const wire = own ? answer.message.wire : undefined
  const index: JsonObject = wire?.['index'] === 'absent' ? {} : { index: 0 }
  const role = { ...(wire?.['role'] === 'other' ? {} : { role: 'model' }), ...(own ? answer.message.extra : {}) }
  const place = { ...index, ...('index' in candidate ? { index: candidate['index'] ?? null } : {}) }
  for (const part of partsOf(answer.message.blocks, own, chunkText))
    yield chunk({ ...head, candidates: [{ content: { ...role, parts: [part] }, ...place }] })
  for (const other of candidates) yield chunk({ ...head, candidates: [other] })
  if (own) yield* readUnread(answer.extra)
  const usage = writeUsage(answer)
  const metadata: JsonObject = usage ? { usageMetadata: usage } : {}
  const isFinal = answer.usage?.source === 'wire'
  if (usage && !isFinal) yield chunk({ ...head, ...metadata })
  const ended = answer.complete ? finishOf(answer) : {}
  const last = { ...lastContent(wire, role), ...ended, ...place, ...candidate }
  if (answer.complete || Object.keys(candidate).length > 0 || wire?.['content'] !== undefined)
    yield chunk({ ...head, candidates: [last], ...(isFinal ? metadata : {}) })
}

/** The last chunk has content as the answer had it: the official clients expect one. */
function lastContent(wire: JsonObject | undefined, role: JsonObject): JsonObject {
  if (wire?.['content'] === 'absent') return {}
  return { content: wire?.['content'] === 'no-parts' ? role : { ...role, parts: [{ text: '' }] } }
}

function finishOf(answer: Answer): JsonObject {
  const [first] = bodyCandidates(unwrapped(answer))
  const finish = objectOf(first)['finishReason']
  return finish === undefined ? {} : { finishReason: finish }
}

function unwrapped(answer: Answer): JsonObject {
  const body = writeResponse({ ...answer, error: null })
  return isObject(answer.wire?.['envelope']) && isObject(body['response']) ? body['response'] : body
}

function bodyCandidates(body: JsonObject): readonly Json[] {
  return isList(body['candidates']) ? body['candidates'] : []
}

/** Text in pieces, its proof on the last one; everything else whole. */
function* partsOf(blocks: readonly Block[], own: boolean, chunkText: (text: string) => readonly string[]): Iterable<Json> {
  for (const part of writeBlocks(blocks, own)) {
    const { text, thought, thoughtSignature: signature, ...others } = objectOf(part)
    // What a reader would not join again, such as a proof that is no text, is not taken apart.
    const known = (thought === undefined || thought === true) && (signature === undefined || typeof signature === 'string')
    const plain = textOf(text) !== null && known && Object.keys(others).length === 0
    const pieces = plain ? chunkText(textOf(text) ?? '') : []
    if (pieces.length === 0) {
      yield part
      continue
    }
    for (const [at, piece] of pieces.entries()) {
      const proof = at === pieces.length - 1 && signature !== undefined ? { thoughtSignature: signature } : {}
      yield { text: piece, ...(thought === true ? { thought } : {}), ...proof }
    }
  }
}
