// Whole answers and error bodies of Gemini, wire to canonical and back. The first candidate is the message; further ones stay in
// `extra.candidates` as they came, and what the first one says beside its content in `extra.candidate`. Pure and total.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import { codedMessage, readError, readOther } from './_errors.ts'
import { createJoiner, layOut, noteLayout } from './_gemini-join.ts'
import { createCallNames, readPart, writePart } from './_gemini-parts.ts'
import { readUsage, writeUsage } from './_gemini-usage.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { writeStopReason } from './_stop-reasons.ts'
import { unreadKey } from './_unread.ts'

const protocol = 'gemini'

export function readResponse(outer: Json): Answer {
  const wrapped = isObject(outer) && isObject(outer['response']) && !('candidates' in outer)
  const body = objectOf(wrapped ? outer['response'] : outer)
  const candidates = isList(body['candidates']) ? body['candidates'] : []
  const first = candidates.find(candidate => objectOf(candidate)['index'] === 0) ?? candidates[0]
  if (!isObject(first) && blockOf(body) === null) return readUnanswered(outer)
  const answer = readCandidate(body, candidates, isObject(first) ? first : null)
  return wrapped ? { ...answer, wire: { ...answer.wire, envelope: without(objectOf(outer), ['response']) } } : answer
}

/** A prompt that was blocked has no candidates; this is the answer's error then. */
function blockOf(body: JsonObject): Answer['error'] {
  const { blockReason: type, blockReasonMessage: message } = objectOf(body['promptFeedback'])
  if (typeof type !== 'string') return null
  return { type, message: textOf(message) ?? `the prompt was blocked: ${type}` }
}

function readCandidate(body: JsonObject, candidates: readonly Json[], first: JsonObject | null): Answer {
  const { responseId: id, modelVersion: model, usageMetadata: usage } = body
  const content = first?.['content']
  const finish = first?.['finishReason']
  const isContent = isObject(content) && (content['parts'] === undefined || isList(content['parts']))
  const others = candidates.filter(candidate => candidate !== first)
  const beside = without(first ?? {}, [
    ...(first?.['index'] === 0 ? ['index'] : []),
    ...(isContent ? ['content'] : []),
    ...(typeof finish === 'string' ? ['finishReason'] : []),
  ])
  const kept = defined({
    candidate: Object.keys(beside).length === 0 ? undefined : beside,
    candidates: others.length === 0 ? undefined : others,
  })
  const read = [
    'candidates',
    ...(typeof id === 'string' ? ['responseId'] : []),
    ...(typeof model === 'string' ? ['modelVersion'] : []),
    ...(isObject(usage) ? ['usageMetadata'] : []),
  ]
  const form = isList(body['candidates']) ? (first === null ? 'empty' : undefined) : 'absent'
  return {
    id: textOf(id),
    model: textOf(model),
    message: readMessage(isContent ? content : null, first),
    stopReason: textOf(finish),
    usage: readUsage(body),
    complete: true,
    error: first === null ? blockOf(body) : null,
    ...notes({ ...without(body, read), ...kept }, defined({ protocol, candidates: form })),
  }
}

function readMessage(content: JsonObject | null, first: JsonObject | null): Answer['message'] {
  const parts = content?.['parts']
  const joiner = createJoiner()
  for (const part of isList(parts) ? parts : []) joiner.push(part)
  const names = createCallNames()
  const wire = defined({
    content: content === null ? 'absent' : isList(parts) ? undefined : 'no-parts',
    role: content !== null && content['role'] !== 'model' ? 'other' : undefined,
    index: first !== null && first['index'] === 0 ? undefined : 'absent',
    layout: noteLayout(joiner),
  })
  return {
    role: 'assistant',
    blocks: joiner.parts().map(part => readPart(part, names)),
    ...notes(without(content ?? {}, ['parts', ...(content?.['role'] === 'model' ? ['role'] : [])]), wire),
  }
}

/** `status` is the word, `code` the number of it. */
export function readGeminiError(body: JsonObject): Answer['error'] {
  const error = readError(body)
  const status = textOf(objectOf(body['error'])['status'])
  return error === null || status === null ? error : { ...error, type: status }
}

function readUnanswered(body: Json): Answer {
  const error = isObject(body) ? readGeminiError(body) : null
  return readOther(body, { protocol, usage: readUsage(body), error, read: ['usageMetadata'] })
}

export function writeResponse(answer: Answer): JsonObject {
  const own = isOwn(answer.wire, protocol)
  const [only] = answer.message.blocks
  if (only?.kind === 'opaque' && only.type === 'body') return objectOf(only.raw)
  const read = own && answer.wire !== undefined
  if (answer.error !== null && answer.message.blocks.length === 0 && answer.wire?.['candidates'] === undefined)
    return wrap(answer, read ? without(objectOf(answer.extra), [unreadKey]) : writeErrorObject(answer.error))
  const { fields, candidates } = splitExtra(answer, own)
  const form = own ? answer.wire?.['candidates'] : undefined
  const list = form === undefined ? [writeCandidate(answer, own), ...candidates] : [...candidates]
  return wrap(answer, {
    ...headOf(answer, own),
    ...(form === 'absent' ? {} : { candidates: list }),
    ...defined({ usageMetadata: writeUsage(answer) }),
    ...fields,
  })
}

/** The Code Assist endpoint answers inside an envelope. */
export function wrap(answer: Answer, body: JsonObject): JsonObject {
  const envelope = isOwn(answer.wire, protocol) ? answer.wire?.['envelope'] : undefined
  return isObject(envelope) ? { ...envelope, response: body } : body
}

/** What every chunk of a stream repeats. */
export function headOf(answer: Answer, own: boolean): JsonObject {
  const read = own && answer.wire !== undefined
  return defined({
    responseId: answer.id ?? (read ? undefined : 'turnpike'),
    modelVersion: answer.model ?? (read ? undefined : 'unknown'),
  })
}

/** `extra` taken apart again: fields of the body, of the first candidate, and further candidates. */
export function splitExtra(
  answer: Answer,
  own: boolean,
): { fields: JsonObject; candidate: JsonObject; candidates: readonly Json[] } {
  const extra = own ? objectOf(answer.extra) : {}
  const candidates = extra['candidates']
  return {
    fields: without(extra, ['candidate', 'candidates', unreadKey]),
    candidate: objectOf(extra['candidate']),
    candidates: isList(candidates) ? candidates : [],
  }
}

function writeCandidate(answer: Answer, own: boolean): JsonObject {
  const { message } = answer
  const wire = own ? message.wire : undefined
  const parts = layOut(writeBlocks(message.blocks, own), wire?.['layout'])
  const role = wire?.['role'] === 'other' ? {} : { role: 'model' }
  const content = { ...role, ...(wire?.['content'] === 'no-parts' ? {} : { parts }), ...(own ? message.extra : {}) }
  const { candidate } = splitExtra(answer, own)
  return {
    ...(wire?.['content'] === 'absent' ? {} : { content }),
    ...defined({ finishReason: writeStopReason(answer, 'gemini', own) ?? undefined }),
    ...(wire?.['index'] === 'absent' ? {} : { index: 0 }),
    ...candidate,
  }
}

export function writeBlocks(blocks: readonly Block[], own: boolean): Json[] {
  return blocks.flatMap(block => writePart(block, own ? 'own' : 'foreign-answer', callId => callId))
}

function writeErrorObject({ type, message }: { readonly type: string; readonly message: string }): JsonObject {
  const code = Object.entries(statusWords).find(([, word]) => word === type)?.[0]
  return { error: { code: code === undefined ? 500 : Number(code), message, status: type } }
}

const statusWords: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

export function statusWordOf(status: number): string {
  return statusWords[status] ?? (status >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION')
}

export function writeError(status: number, code: string, message: string): JsonObject {
  return { error: { code: status, message: codedMessage(code, message), status: statusWordOf(status) } }
}
