// Whole answers and error bodies of Anthropic Messages, wire to canonical and back. Pure and total.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import { readBlock, writeBlock, writeBlocks } from './_anthropic-blocks.ts'
import { readUsage, writeUsage } from './_anthropic-usage.ts'
import { codedMessage, readError, readOther } from './_errors.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { writeStopReason } from './_stop-reasons.ts'
import { unreadKey } from './_unread.ts'

const protocol = 'anthropic-messages'
const read = ['id', 'type', 'role', 'model', 'content', 'stop_reason', 'usage']

export function readResponse(body: Json): Answer {
  if (isObject(body) && isList(body['content']))
    return readMessageBody(
      body,
      body['content'].map(raw => readBlock(raw)),
    )
  return readOther(body, { protocol, usage: readUsage(body), error: isObject(body) ? readError(body) : null, read: ['usage'] })
}

/** An answer object whose content has been read already. Fields of an unexpected type stay in `extra`. */
export function readMessageBody(body: JsonObject, blocks: readonly Block[]): Answer {
  const { id, model, type, role, stop_reason: stopReason } = body
  const odd = defined({
    id: typeof id === 'string' ? undefined : id,
    model: typeof model === 'string' ? undefined : model,
    type: type === 'message' ? undefined : type,
    role: role === 'assistant' ? undefined : role,
    stop_reason: typeof stopReason === 'string' || stopReason === null ? undefined : stopReason,
    usage: isObject(body['usage']) ? undefined : body['usage'],
  })
  return {
    id: textOf(id),
    model: textOf(model),
    message: { role: 'assistant', blocks },
    stopReason: textOf(stopReason),
    usage: readUsage(body),
    complete: true,
    error: null,
    ...notes({ ...odd, ...without(body, read) }, { protocol }),
  }
}

export function writeResponse(answer: Answer): JsonObject {
  const own = isOwn(answer.wire, protocol)
  const [only] = answer.message.blocks
  if (answer.error !== null && answer.message.blocks.length === 0) return writeErrorAnswer(answer, own)
  if (only?.kind === 'opaque' && only.type === 'body') return objectOf(only.raw)
  return {
    ...defined({
      id: answerId(answer, own),
      type: 'message',
      role: 'assistant',
      model: answer.model ?? (own && answer.wire !== undefined ? undefined : 'unknown'),
      content: writeBlocks(answerBlocks(answer, own), own ? 'own' : 'foreign-answer'),
      stop_reason: writeStopReason(answer, 'anthropic', own),
      stop_sequence: own && answer.wire !== undefined ? undefined : null,
      usage: writeUsage(answer, own),
    }),
    ...(own ? without(objectOf(answer.extra), [unreadKey]) : {}),
  }
}

function writeErrorAnswer(answer: Answer, own: boolean): JsonObject {
  if (own && answer.wire !== undefined) return without(objectOf(answer.extra), [unreadKey])
  return { type: 'error', error: { type: answer.error?.type ?? 'api_error', message: answer.error?.message ?? '' } }
}

function answerId(answer: Answer, own: boolean): string | undefined {
  return answer.id ?? (own && answer.wire !== undefined ? undefined : 'msg_turnpike')
}

/** Servers of other dialects may leave out the ids of tool calls; here the result could then not name its call. */
export function answerBlocks(answer: Answer, own: boolean): readonly Block[] {
  if (own && answer.wire !== undefined) return answer.message.blocks
  const prefix = answer.id ?? 'call'
  return answer.message.blocks.map((block, index) =>
    block.kind === 'tool-call' && block.id === '' ? { ...block, id: `${prefix}_${index}` } : block,
  )
}

/** What one block looks like before its deltas, and the text that the deltas bring. null = it is not said in this dialect. */
export function writeBlockStart(
  block: Block,
  own: boolean,
): { start: Json; kind: 'text' | 'thinking' | 'input' | 'whole'; text: string } | null {
  const raw = writeBlock(block, own ? 'own' : 'foreign-answer')
  if (raw === undefined) return null
  const fields = objectOf(raw)
  if (block.kind === 'text' || block.kind === 'refusal') {
    const citations = isList(fields['citations']) ? { citations: [] } : {}
    return { start: { ...fields, text: '', ...citations }, kind: 'text', text: block.text }
  }
  if (block.kind === 'thinking' && block.redacted === undefined) {
    const signature = typeof fields['signature'] === 'string' ? { signature: '' } : {}
    return { start: { ...fields, thinking: '', ...signature }, kind: 'thinking', text: block.text }
  }
  if (block.kind === 'tool-call') return { start: { ...fields, input: {} }, kind: 'input', text: block.inputText }
  return { start: raw, kind: 'whole', text: '' }
}

const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

export function errorTypeOf(status: number): string {
  return errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

export function writeError(status: number, code: string, message: string): JsonObject {
  return { type: 'error', error: { type: errorTypeOf(status), message: codedMessage(code, message) } }
}
