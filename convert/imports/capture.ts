// A capture: JSON Lines, one HTTP exchange or WebSocket message with its answers a line, bodies as decoded text, times in
// milliseconds. The plainest form a recording script can write; docs/import-export.md describes its fields.

import type { HeaderList, JsonObject } from '../../core/types.ts'
import { webSocketFraming } from '../../protocols/_framing-websocket.ts'
import type { ImportedExchange, ImportFormat } from './_adapter.ts'
import { type Place, readHeaderFields, readNumber, readOptionalText, readText, readTime, withoutEncoding } from './_fields.ts'

const socketHeaders: HeaderList = [['content-type', webSocketFraming.contentType]]

export default {
  id: 'capture',
  title: 'JSON Lines of exchanges with bodies as text: a capture script of your own',
  loses:
    'bytes that are no UTF-8; content-encodings (bodies are stored decoded, the header is left out); time of the first byte and of every event; how a broken answer ended',
  records: 'lines',
  matches: ({ keys }) => keys?.has('t_request_ms') === true && keys.has('method'),
  openReader: () => (record, place) => [readExchange(record, place)],
} satisfies ImportFormat

function readExchange(record: JsonObject, place: Place): ImportedExchange {
  const named = readText(record, 'method', place)
  const status = record['status'] === null ? null : readNumber(record, 'status', place)
  const startedAt = readTime(readNumber(record, 't_request_ms', place), 't_request_ms', place)
  const response = readOptionalText(record, 'response_body', place) ?? ''
  const isMessage = named === 'WS'
  const note = readOptionalText(record, 'note', place) ?? ''
  return {
    method: named.replace(/\(upgrade\)$/, ''),
    url: readText(record, 'path', place),
    requestHeaders: withoutEncoding(readHeaderFields(record, 'request_headers', place)),
    requestBody: Buffer.from(readOptionalText(record, 'request_body', place) ?? ''),
    status: isMessage ? 200 : status,
    responseHeaders: isMessage ? socketHeaders : readAnswerHeaders(record, place),
    responseBody: status === null ? null : isMessage ? writeMessages(response) : Buffer.from(response),
    arrivals: null,
    outcome: note.includes('client-closed-early') ? 'closed-early' : status === null ? 'client-aborted' : 'complete',
    failure: null,
    startedAt,
    firstByteAt: null,
    endedAt: readTime(Math.max(startedAt, readNumber(record, 't_response_ms', place)), 't_response_ms', place),
    session: null,
    recorded: null,
  }
}

function readAnswerHeaders(record: JsonObject, place: Place): HeaderList | null {
  if (record['status'] === null) return null
  return withoutEncoding(readHeaderFields(record, 'response_headers', place))
}

/** JSON text holds no line break of its own. */
function writeMessages(text: string): Buffer {
  const messages = text.split('\n').filter(message => message !== '')
  return Buffer.concat([...webSocketFraming.writeEvents(messages.map(data => ({ event: '', data })))])
}
