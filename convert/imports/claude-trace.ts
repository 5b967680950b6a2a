// Logs of claude-trace: JSON Lines of request/response pairs, JSON bodies as objects, streams as text, times in seconds. Its key
// headers come already shortened; they are masked all the same.

import type { Json, JsonObject } from '../../core/types.ts'
import { isObject } from '../../protocols/_json.ts'
import type { ImportedExchange, ImportFormat } from './_adapter.ts'
import {
  type Place,
  readAddress,
  readHeaderFields,
  readNumber,
  readObject,
  readText,
  readTime,
  withoutEncoding,
  wrongField,
} from './_fields.ts'

export default {
  id: 'claude-trace',
  title: 'claude-trace logs (.claude-trace/log-*.jsonl)',
  loses:
    'the bytes of JSON bodies (written again from objects), bytes that are no UTF-8, content-encodings, header order and case, calls that never went through its hook, when which event arrived, whether a stream was cut',
  records: 'lines',
  matches: ({ keys, innerKeys }) => keys?.has('request') === true && innerKeys.has('url'),
  openReader: () => (record, place) => [readPair(record, place)],
} satisfies ImportFormat

function readPair(record: JsonObject, place: Place): ImportedExchange {
  const request = readObject(record, 'request', place)
  const startedAt = readSeconds(request, 'request.timestamp', place)
  const asked = {
    method: readText(request, 'request.method', place),
    url: readAddress(readText(request, 'request.url', place), 'request.url', place),
    requestHeaders: withoutEncoding(readHeaderFields(request, 'request.headers', place)),
    requestBody: writeBody(request['body']),
    arrivals: null,
    startedAt,
    session: null,
    recorded: null,
  }
  const response = record['response']
  if (response === null || response === undefined)
    return {
      ...asked,
      status: null,
      responseHeaders: null,
      responseBody: null,
      outcome: 'client-aborted',
      failure: { code: 'no-answer', message: 'the log holds no answer to this request' },
      firstByteAt: null,
      endedAt: startedAt,
    }
  if (!isObject(response)) throw wrongField(place, 'response', 'an object or null', response)
  const answeredAt = readSeconds(response, 'response.timestamp', place)
  const raw = response['body_raw']
  return {
    ...asked,
    status: readNumber(response, 'response.status_code', place),
    responseHeaders: withoutEncoding(readHeaderFields(response, 'response.headers', place)),
    responseBody: typeof raw === 'string' ? Buffer.from(raw) : writeBody(response['body']),
    outcome: 'complete',
    failure: null,
    // The time of the head; the log does not say when the body ended, but it was written down right after.
    firstByteAt: Math.max(startedAt, answeredAt),
    endedAt: Math.max(startedAt, answeredAt, readLogTime(record)),
  }
}

function readSeconds(object: JsonObject, key: string, place: Place): number {
  return readTime(readNumber(object, key, place) * 1000, key, place)
}

function readLogTime(record: JsonObject): number {
  const logged = record['logged_at']
  const time = typeof logged === 'string' ? Date.parse(logged) : Number.NaN
  return Number.isFinite(time) ? time : 0
}

function writeBody(body: Json | undefined): Buffer {
  if (body === null || body === undefined) return Buffer.alloc(0)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}
