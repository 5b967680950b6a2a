// Whole answers and error bodies of OpenAI Responses, wire to canonical and back. `status` and what explains it stay in `extra` as they
// came; the reason for stopping is the status, or why the answer is incomplete. Pure and total.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import { readError, readOther } from './_errors.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { writeError, writeForeignError } from './_openai-errors.ts'
import { readItem, type WrittenItem, writeAnswerItems } from './_responses-items.ts'
import { readUsage, writeUsage } from './_responses-usage.ts'
import { isOwn } from './_settings.ts'
import { writeStopReason } from './_stop-reasons.ts'
import { unreadKey } from './_unread.ts'

export const protocol = 'openai-responses'

/** Events of a stream that stand beside the answer (rate limits, metadata), as they came. */
export const sideKey = 'side_events'
/** The items of the terminal event, where they are not those that were streamed. */
export const terminalKey = 'terminal_output'

export function readResponse(body: Json): Answer {
  if (isObject(body) && isList(body['output'])) return readBody(body, body['output'].flatMap(readSaid))
  return readOther(body, { protocol, usage: readUsage(body), error: isObject(body) ? readError(body) : null, read: ['usage'] })
}

/** An item of an answer; what only clients say elsewhere (a compacted history holds user messages) is kept whole. */
export function readSaid(raw: Json): readonly Block[] {
  const message = readItem(raw)
  if (message.role === 'assistant') return message.blocks
  return [{ kind: 'opaque', type: textOf(objectOf(raw)['type']) ?? 'unknown', raw }]
}

const pending = ['in_progress', 'queued']

/** An answer object whose items have been read already. Fields of an unexpected type stay in `extra`. */
export function readBody(body: JsonObject, blocks: readonly Block[]): Answer {
  const { id, model, object, status, usage } = body
  const read = [
    ...(typeof id === 'string' ? ['id'] : []),
    ...(typeof model === 'string' ? ['model'] : []),
    ...(object === 'response' ? ['object'] : []),
    ...(isObject(usage) ? ['usage'] : []),
    'output',
  ]
  const error = readError(body)
  return {
    id: textOf(id),
    model: textOf(model),
    message: { role: 'assistant', blocks },
    stopReason: readStopReason(body),
    usage: readUsage(body),
    complete: error === null && !(typeof status === 'string' && pending.includes(status)),
    error,
    ...notes(without(body, read), { protocol, form: 'response' }),
  }
}

function readStopReason({ status, incomplete_details: details }: JsonObject): string | null {
  if (typeof status !== 'string' || pending.includes(status)) return null
  return status === 'incomplete' ? (textOf(objectOf(details)['reason']) ?? status) : status
}

export function writeResponse(answer: Answer): JsonObject {
  const [only] = answer.message.blocks
  const read = isOwn(answer.wire, protocol) && answer.wire !== undefined
  if (answer.error !== null && answer.message.blocks.length === 0 && answer.wire?.['form'] !== 'response')
    return writeErrorAnswer(answer, read)
  if (only?.kind === 'opaque' && only.type === 'body') return objectOf(only.raw)
  return writeBody(
    answer,
    writeOutputItems(answer).map(item => item.raw),
  )
}

/** The answer object around its items. */
export function writeBody(answer: Answer, output: readonly Json[]): JsonObject {
  const own = isOwn(answer.wire, protocol)
  const usage = defined({ usage: writeUsage(answer) })
  const named = defined({ id: answer.id ?? undefined, model: answer.model ?? undefined })
  if (own && answer.wire !== undefined) return { object: 'response', ...named, ...fieldsOf(answer), output, ...usage }
  return {
    id: 'resp_turnpike',
    object: 'response',
    // Clients expect a time; ours is 0, because this code has no clock.
    created_at: 0,
    ...statusOf(answer, own),
    instructions: null,
    max_output_tokens: null,
    model: 'unknown',
    ...named,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    metadata: {},
    usage: null,
    ...usage,
  }
}

/** `extra` without what only a stream says. */
export function fieldsOf(answer: Answer): JsonObject {
  return without(objectOf(answer.extra), [unreadKey, sideKey, terminalKey])
}

function statusOf(answer: Answer, own: boolean): JsonObject {
  const word = writeStopReason(answer, 'responses', own)
  const { error } = answer
  if (error !== null) return { status: 'failed', error: { code: error.type, message: error.message }, incomplete_details: null }
  if (word === null) return { status: 'in_progress', error: null, incomplete_details: null }
  const isWhole = word !== 'max_output_tokens' && word !== 'content_filter'
  return {
    status: isWhole ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: isWhole ? null : { reason: word },
  }
}

/** The items of an answer. Those that were made here get the ids that clients expect. */
export function writeOutputItems(answer: Answer): readonly WrittenItem[] {
  const own = isOwn(answer.wire, protocol)
  const items = writeAnswerItems(answer.message.blocks, own)
  if (own && answer.wire !== undefined) return items
  const tail = (answer.id ?? 'turnpike').replace(/^resp_/, '')
  const status = answer.complete ? 'completed' : 'in_progress'
  return items.map((item, index) =>
    isObject(item.raw) ? { ...item, raw: finishItem(item.raw, `${tail}_${index}`, status) } : item,
  )
}

const idPrefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  custom_tool_call: 'ctc',
  local_shell_call: 'lsh',
}

function finishItem(item: JsonObject, tail: string, status: string): JsonObject {
  const type = textOf(item['type']) ?? ''
  const prefix = Object.hasOwn(idPrefixes, type) ? idPrefixes[type] : undefined
  if (prefix === undefined) return item
  const id = `${prefix}_${tail}`
  // The result of a call must be able to name it.
  const callId = item['call_id'] === '' ? { call_id: `call_${tail}` } : {}
  const content = item['content']
  const parts = isList(content) ? { content: content.map(finishPart) } : {}
  return { id, ...item, ...callId, ...parts, ...(type === 'reasoning' ? {} : { status }) }
}

function finishPart(part: Json): Json {
  return isObject(part) && part['type'] === 'output_text' ? { annotations: [], logprobs: [], ...part } : part
}

function writeErrorAnswer(answer: Answer, read: boolean): JsonObject {
  if (read) return fieldsOf(answer)
  return writeForeignError(answer.error)
}

/**
 * An error in the middle of a stream: said both ways that clients know, inside `error` (as on a WebSocket, with the status) and beside
 * the type (as the reference has it).
 */
export function writeErrorData(status: number, code: string, message: string): JsonObject {
  const error = objectOf(writeError(status, code, message)['error'])
  return { type: 'error', status, error, code, message: error['message'] ?? message, param: null }
}
