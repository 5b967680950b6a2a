// HTTP Archive 1.2, for browsers' network panels and other HAR tools. Bodies decoded, binary ones in base64. A message on a WebSocket and
// what answered it is one entry with Chrome's `_webSocketMessages`; what HAR has no field for stands in `_turnpike`.

import { isUtf8 } from 'node:buffer'
import { undoEncodings } from '../../core/encodings.ts'
import type { Exchange, HeaderList, JsonObject } from '../../core/types.ts'
import { readHeader } from '../bodies.ts'
import type { ExportedBody, ExportedExchange, ExportFormat, ExportTarget } from './_adapter.ts'
import { listMessages } from './_socket-messages.ts'

export default {
  id: 'har',
  title: 'one HTTP Archive 1.2 file',
  writes: 'file',
  loses: 'content-encodings as bytes, when which event arrived, hashes, what a cut stream broke with',
  write,
} satisfies ExportFormat

async function write(exchanges: AsyncIterable<ExportedExchange>, target: ExportTarget): Promise<number> {
  const file = await target.openFile('')
  let count = 0
  try {
    const creator = JSON.stringify({ name: 'Turnpike', version: target.version })
    await file.write(`{"log":{"version":"1.2","creator":${creator},"pages":[],"entries":[`)
    for await (const exported of exchanges) {
      await file.write(`${count === 0 ? '\n' : ',\n'}${JSON.stringify(writeEntry(exported))}`)
      count += 1
    }
    await file.write('\n]}}\n')
  } finally {
    await file.close()
  }
  return count
}

function writeEntry(exported: ExportedExchange): JsonObject {
  const { exchange, scopeName, scrubbed } = exported
  const isMessage = exchange.method === 'WS'
  const time = Math.max(0, (exchange.endedAt ?? exchange.startedAt) - exchange.startedAt)
  const wait = exchange.firstByteAt === null ? time : Math.min(time, Math.max(0, exchange.firstByteAt - exchange.startedAt))
  return {
    startedDateTime: new Date(exchange.startedAt).toISOString(),
    time,
    request: isMessage ? writeRequest({ ...exported, request: null }, 'GET') : writeRequest(exported, exchange.method),
    response: isMessage ? writeSwitch(exchange) : writeResponse(exported),
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, send: 0, wait, receive: time - wait, ssl: -1 },
    ...(isMessage ? { _resourceType: 'websocket', _webSocketMessages: listMessages(exported) } : {}),
    _turnpike: {
      id: exchange.id,
      session: scopeName,
      method: exchange.method,
      turn: exchange.turn,
      attempt: exchange.attempt,
      protocol: exchange.protocol,
      route: exchange.route,
      outcome: exchange.outcome,
      failure: exchange.failure,
      retries: exchange.retries,
      ...(scrubbed ? { scrubbed } : {}),
    },
  }
}

/** The provider's host is not recorded; the one the agent asked for is the proxy's or the provider's own. */
function writeUrl(exchange: Exchange): string {
  const host = readHeader(exchange.requestHeaders, 'host') ?? 'unknown.invalid'
  const scheme = exchange.method === 'WS' ? 'ws' : 'http'
  return `${scheme}://${host}${exchange.path}${exchange.query === '' ? '' : `?${exchange.query}`}`
}

function writeRequest({ exchange, request }: ExportedExchange, method: string): JsonObject {
  const body = decodeBody(request, exchange.requestHeaders)
  const text = body === null || body.bytes.length === 0 ? null : writeText(body.bytes)
  const type = readHeader(exchange.requestHeaders, 'content-type') ?? 'application/octet-stream'
  return {
    method,
    url: writeUrl(exchange),
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: writeHeaders(exchange.requestHeaders, body?.decoded ?? false),
    queryString: [...new URLSearchParams(exchange.query)].map(([name, value]) => ({ name, value })),
    // HAR 1.2 has no encoding of posted data; the underscore keeps it valid.
    ...(text === null
      ? {}
      : { postData: { mimeType: type, text: text.text, ...(text.isBase64 ? { _encoding: 'base64' } : {}) } }),
    headersSize: -1,
    bodySize: request?.bytes.length ?? 0,
  }
}

function writeResponse({ exchange, response }: ExportedExchange): JsonObject {
  const headers = exchange.responseHeaders ?? []
  const body = decodeBody(response, headers)
  const { text, isBase64 } = writeText(body?.bytes ?? Buffer.alloc(0))
  const { failure, outcome } = exchange
  const error = outcome === 'complete' ? null : `${outcome}${failure === null ? '' : `: ${failure.code} ${failure.message}`}`
  return {
    status: exchange.status ?? 0,
    statusText: '',
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: writeHeaders(headers, body?.decoded ?? false),
    content: {
      size: body?.bytes.length ?? 0,
      mimeType: readHeader(headers, 'content-type') ?? 'application/octet-stream',
      text,
      ...(isBase64 ? { encoding: 'base64' } : {}),
    },
    redirectURL: readHeader(headers, 'location') ?? '',
    headersSize: -1,
    bodySize: response?.bytes.length ?? 0,
    ...(error === null ? {} : { _error: error }),
  }
}

/** The upgrade that opened the socket a message crossed. */
function writeSwitch(exchange: Exchange): JsonObject {
  return {
    status: exchange.status === null ? 0 : 101,
    statusText: '',
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: [],
    content: { size: 0, mimeType: 'x-unknown' },
    redirectURL: '',
    headersSize: -1,
    bodySize: -1,
  }
}

function writeHeaders(headers: HeaderList, decoded: boolean): JsonObject[] {
  const kept = decoded ? headers.filter(([name]) => name.toLowerCase() !== 'content-encoding') : headers
  return kept.map(([name, value]) => ({ name, value }))
}

interface DecodedBody {
  readonly bytes: Buffer
  /** An encoding was undone, now or when a secret was masked: the header would lie. */
  readonly decoded: boolean
}

/** What cannot be decoded stays as it is, in base64, under its header. */
function decodeBody(body: ExportedBody | null, headers: HeaderList): DecodedBody | null {
  if (body === null) return null
  if (body.decodedFrom !== null) return { bytes: body.bytes, decoded: true }
  const undone = undoEncodings(body.bytes, readHeader(headers, 'content-encoding'))
  return 'reason' in undone
    ? { bytes: body.bytes, decoded: false }
    : { bytes: undone.bytes, decoded: undone.bytes !== body.bytes }
}

function writeText(bytes: Buffer): { readonly text: string; readonly isBase64: boolean } {
  // A byte order mark would be lost by readers that skip one.
  const isText = isUtf8(bytes) && bytes[0] !== 0xef
  return { text: bytes.toString(isText ? 'utf8' : 'base64'), isBase64: !isText }
}
