// HTTP Archive 1.2, as browsers, mitmproxy and many SDK tools write it: bodies decoded, binary ones in base64. A WebSocket of Chrome's
// `_webSocketMessages` becomes the upgrade and one exchange for each message of the client with what came before the next.

import type { HeaderList, Json, JsonObject } from '../../core/types.ts'
import { webSocketFraming, writeMessage } from '../../protocols/_framing-websocket.ts'
import { isList, isObject, objectOf, objectsOf } from '../../protocols/_json.ts'
import type { ImportedExchange, ImportFormat, RecordedFacts } from './_adapter.ts'
import {
  type Place,
  readAddress,
  readHeaderFields,
  readNumber,
  readObject,
  readOptionalNumber,
  readOptionalText,
  readText,
  readTime,
  withoutEncoding,
  wrongField,
} from './_fields.ts'

const socketHeaders: HeaderList = [['content-type', webSocketFraming.contentType]]

export default {
  id: 'har',
  title: 'HTTP Archive 1.2 (.har)',
  loses:
    'content-encodings (bodies are stored decoded, the header is left out), when which event arrived, how a broken answer ended, bodies that the writer of the file left out',
  records: 'har-entries',
  matches: ({ keys }) => keys?.has('log') === true,
  openReader: () => readEntry,
} satisfies ImportFormat

function readEntry(entry: JsonObject, place: Place): readonly ImportedExchange[] {
  const request = readObject(entry, 'request', place)
  const response = readObject(entry, 'response', place)
  const startedAt = readTime(Date.parse(readText(entry, 'startedDateTime', place)), 'startedDateTime', place)
  const status = readNumber(response, 'response.status', place)
  const facts = objectOf(entry['_turnpike'])
  const exchange: ImportedExchange = {
    method: readText(request, 'request.method', place),
    url: readAddress(readText(request, 'request.url', place), 'request.url', place),
    requestHeaders: withoutEncoding(readHeaderFields(request, 'request.headers', place)),
    requestBody: readPostData(request['postData'], place),
    ...readAnswer(response, status, place),
    arrivals: null,
    startedAt,
    firstByteAt: status === 0 ? null : findFirstByte(entry, startedAt),
    endedAt: startedAt + Math.max(0, readOptionalNumber(entry, 'time', place) ?? 0),
    session: readOptionalText(facts, '_turnpike.session', place),
    recorded: readFacts(facts),
  }
  const messages = entry['_webSocketMessages']
  return isList(messages) ? readSocket(exchange, messages, facts['method'] === 'WS', place) : [exchange]
}

function readFacts(facts: JsonObject): RecordedFacts | null {
  if (Object.keys(facts).length === 0) return null
  const number = (key: string): number | null => (typeof facts[key] === 'number' ? facts[key] : null)
  // Bytes may have changed on the way through this format, so the recorded id stays behind.
  const route = typeof facts['route'] === 'string' ? facts['route'] : null
  return { id: null, turn: number('turn'), attempt: number('attempt'), route, retries: number('retries') ?? 0 }
}

function readPostData(value: Json | undefined, place: Place): Buffer {
  if (value === undefined || value === null) return Buffer.alloc(0)
  if (!isObject(value)) throw wrongField(place, 'request.postData', 'an object', value)
  const text = readOptionalText(value, 'request.postData.text', place)
  const isBase64 = value['_encoding'] === 'base64' || value['encoding'] === 'base64'
  if (text !== null && text !== '') return Buffer.from(text, isBase64 ? 'base64' : 'utf8')
  const parameters = objectsOf(value['params'])
  return Buffer.from(
    new URLSearchParams(parameters.map((one): [string, string] => [String(one['name']), String(one['value'] ?? '')])).toString(),
  )
}

type AnswerPart = Pick<ImportedExchange, 'status' | 'responseHeaders' | 'responseBody' | 'outcome' | 'failure'>

function readAnswer(response: JsonObject, status: number, place: Place): AnswerPart {
  const error = readOptionalText(response, 'response._error', place)
  const failure = error === null ? null : { code: 'import', message: error }
  if (status === 0) {
    const none = { code: 'no-answer', message: 'the file holds no answer to this request' }
    return { status: null, responseHeaders: null, responseBody: null, outcome: outcomeOf(error), failure: failure ?? none }
  }
  const content = objectOf(response['content'])
  const text = readOptionalText(content, 'response.content.text', place)
  const isMissing = text === null && (readOptionalNumber(content, 'response.content.size', place) ?? 0) > 0
  return {
    status,
    responseHeaders: withoutEncoding(readHeaderFields(response, 'response.headers', place)),
    responseBody: Buffer.from(text ?? '', content['encoding'] === 'base64' ? 'base64' : 'utf8'),
    outcome: error === null ? 'complete' : 'upstream-cut',
    failure: isMissing ? { code: 'body-missing', message: 'the file does not hold the body of this answer' } : failure,
  }
}

function outcomeOf(error: string | null): ImportedExchange['outcome'] {
  if (error === null || /ABORTED|CANCEL/i.test(error)) return 'client-aborted'
  return /TIMED?_?OUT/i.test(error) ? 'timed-out' : 'upstream-refused'
}

/** All phases before `receive`; -1 means that a phase does not apply. */
function findFirstByte(entry: JsonObject, startedAt: number): number | null {
  const timings = objectOf(entry['timings'])
  if (typeof timings['wait'] !== 'number' || timings['wait'] < 0) return null
  const phases = ['blocked', 'dns', 'connect', 'send', 'wait'].map(name => timings[name])
  return phases.reduce<number>((sum, phase) => sum + (typeof phase === 'number' && phase > 0 ? phase : 0), startedAt)
}

interface SocketMessage {
  readonly sent: boolean
  readonly at: number
  readonly binary: boolean
  readonly payload: Buffer
}

/** `isOwn`: Turnpike wrote one entry for each message of the client, so the upgrade is an entry elsewhere. */
function readSocket(upgrade: ImportedExchange, list: readonly Json[], isOwn: boolean, place: Place): ImportedExchange[] {
  const messages = list.map(value => readMessage(value, place))
  const exchanges: ImportedExchange[] = isOwn ? [] : [upgrade]
  if (isOwn && messages.length === 0) exchanges.push({ ...upgrade, method: 'WS', status: null, responseHeaders: socketHeaders })
  const starts = messages.flatMap((message, at) => (message.sent || at === 0 ? [at] : []))
  for (const [index, start] of starts.entries()) {
    const first = messages[start]
    const answers = messages.slice(first?.sent ? start + 1 : start, starts[index + 1])
    const startedAt = first?.at ?? upgrade.startedAt
    const frames = answers.map(answer => ({ at: answer.at, bytes: writeMessage(answer) }))
    exchanges.push({
      ...upgrade,
      method: 'WS',
      requestBody: first?.sent ? first.payload : Buffer.alloc(0),
      status: answers.length === 0 ? null : 200,
      responseHeaders: socketHeaders,
      responseBody: Buffer.concat(frames.map(({ bytes }) => bytes)),
      arrivals: frames.map(({ at, bytes }) => ({ at, bytes: bytes.length })),
      startedAt,
      firstByteAt: answers[0]?.at ?? null,
      endedAt: Math.max(startedAt, answers.at(-1)?.at ?? startedAt),
    })
  }
  return exchanges
}

function readMessage(value: Json, place: Place): SocketMessage {
  if (!isObject(value)) throw wrongField(place, '_webSocketMessages', 'a list of messages', value)
  const type = readText(value, '_webSocketMessages.type', place)
  if (type !== 'send' && type !== 'receive') throw wrongField(place, '_webSocketMessages.type', '"send" or "receive"', type)
  const binary = value['opcode'] === 2
  const data = readText(value, '_webSocketMessages.data', place)
  const at = readTime(readNumber(value, '_webSocketMessages.time', place) * 1000, '_webSocketMessages.time', place)
  return { sent: type === 'send', at, binary, payload: Buffer.from(data, binary ? 'base64' : 'utf8') }
}
