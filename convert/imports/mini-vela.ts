// Logs of mini-vela (OctoBench): JSON Lines of calls as objects, each usually written twice, stamped when they were logged. Answers are
// Anthropic content whatever the client spoke; those to chat requests are written in the client's own protocol.

import { createHash } from 'node:crypto'
import type { HeaderList, Json, JsonObject } from '../../core/types.ts'
import { isList, isObject, objectsOf, without } from '../../protocols/_json.ts'
import anthropicMessages from '../../protocols/anthropic-messages.ts'
import openaiChat from '../../protocols/openai-chat.ts'
import type { ImportedExchange, ImportFormat, RecordReader } from './_adapter.ts'
import { type Place, readNumber, readObject, readText, readTime } from './_fields.ts'

/** mini-vela writes each call from two hooks, some milliseconds apart. */
const doubleLogMs = 1000
const rememberedMax = 256

export const chatPath = '/v1/chat/completions'
export const messagesPath = '/v1/messages'
export const jsonHeaders: HeaderList = [['content-type', 'application/json']]

export default {
  id: 'mini-vela',
  title: 'mini-vela (OctoBench) trajectory logs',
  loses:
    'the bytes of all bodies (written again from objects), headers, status, usage, stop reasons, message ids, streaming, failed calls, sampling settings, thinking signatures and the order of blocks; the time is when the call was logged, so every call seems to take no time',
  records: 'lines',
  matches: ({ keys }) => keys?.has('session_id') === true && (keys.has('request_time') || keys.has('biz_id')),
  openReader,
} satisfies ImportFormat

function openReader(): RecordReader {
  const seen = new Map<string, { readonly at: number; readonly line: number }>()
  return (record, place) => {
    const exchange = readCall(record, place)
    const hash = createHash('sha256')
    for (const part of [exchange.session ?? '', exchange.requestBody, exchange.responseBody ?? '']) hash.update(part).update('\0')
    const name = hash.digest('base64')
    const twin = seen.get(name)
    if (twin !== undefined && Math.abs(exchange.startedAt - twin.at) <= doubleLogMs)
      return { skipped: `the same call as ${place.unit} ${twin.line}, logged twice` }
    seen.set(name, { at: exchange.startedAt, line: place.line })
    for (const [oldest] of seen) {
      if (seen.size <= rememberedMax) break
      seen.delete(oldest)
    }
    return [exchange]
  }
}

function readCall(record: JsonObject, place: Place): ImportedExchange {
  const request = readObject(record, 'request_body', place)
  const response = readObject(record, 'response_body', place)
  const loggedAt = readTime(readNumber(record, 'request_time', place), 'request_time', place)
  const messages = isList(request['messages']) ? request['messages'] : []
  const chat = isChatRequest(request, { chat: messages.some(isChatMessage), system: messages.some(isSystemMessage) })
  return {
    method: 'POST',
    url: chat ? chatPath : messagesPath,
    requestHeaders: jsonHeaders,
    requestBody: Buffer.from(JSON.stringify(request)),
    status: 200,
    responseHeaders: jsonHeaders,
    responseBody: writeAnswer(response, chat),
    arrivals: null,
    outcome: 'complete',
    failure: null,
    startedAt: loggedAt,
    firstByteAt: null,
    endedAt: loggedAt,
    session: readText(record, 'session_id', place),
    recorded: null,
  }
}

/** The answer as the client's protocol would have sent it. */
export function writeAnswer(response: JsonObject, isChat: boolean): Buffer {
  // The two words without which an answer is not recognised as one; nothing else is added.
  const message = { type: 'message', role: 'assistant', ...response }
  return Buffer.from(JSON.stringify(isChat ? asChat(response, message) : message))
}

/** Without the id and the model that a translated answer is given: one id for all calls would make them one. */
function asChat(response: JsonObject, message: JsonObject): JsonObject {
  const written = openaiChat.writeResponse(anthropicMessages.readResponse(message))
  return without(
    written,
    ['id', 'created', 'model'].filter(key => !(key in response)),
  )
}

/** Only chat completions have tool messages, and calls beside the content. */
export function isChatMessage(message: Json): boolean {
  return isObject(message) && (/^(tool|developer|function)$/.test(String(message['role'])) || 'tool_calls' in message)
}

export function isSystemMessage(message: Json): boolean {
  return isObject(message) && message['role'] === 'system'
}

/**
 * Functions in tools are chat completions' alone. System messages are theirs too, but stand among the messages of newer Claude Code as well,
 * whose system text is a field of its own.
 */
export function isChatRequest(request: JsonObject, messages: { readonly chat: boolean; readonly system: boolean }): boolean {
  const tools = objectsOf(request['tools'])
  if (messages.chat || tools.some(tool => isObject(tool['function']))) return true
  const { system } = request
  const isNative = (isList(system) ? system.length > 0 : typeof system === 'string') || tools.some(tool => 'input_schema' in tool)
  return !isNative && messages.system
}
