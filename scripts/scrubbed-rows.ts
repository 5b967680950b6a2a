// Rows of a capture as `turnpike export --scrub` would leave them, in the same shape: how recordings become fixtures. Labels and times stay;
// of headers only those that say whose call it is.

import { createScrubber, type Scrubber } from '../convert/scrub.ts'
import type { Exchange, HeaderList } from '../core/types.ts'
import { findProtocol } from '../protocols/_all.ts'
import { readMessages, webSocketFraming } from '../protocols/_framing-websocket.ts'
import { attribute } from '../proxy/attribute.ts'
import { type CaptureRow, markOf } from './plain-lanes.ts'

export interface TimedRow extends CaptureRow {
  readonly seq: number
  readonly t_request_ms: number
  readonly t_response_ms: number
  readonly response_headers: unknown
}

const telling =
  /^(content-type|x-claude-code-(session|agent)-id|x-(parent-)?session-id|session[-_]id|thread-id|x-openai-subagent|x-codex-parent-thread-id)$/i

function readPairs(headers: unknown): HeaderList {
  const pairs = Array.isArray(headers) ? (headers as HeaderList) : Object.entries((headers ?? {}) as Record<string, string>)
  return pairs.filter(([name]) => telling.test(name)).map(([name, value]) => [name, String(value)] as const)
}

export function createRowScrubber(seed: string): (row: TimedRow) => TimedRow {
  const scrubber = createScrubber(seed)
  return row => scrubRow(row, scrubber)
}

function scrubRow(row: TimedRow, scrubber: Scrubber): TimedRow {
  const isMessage = row.method === 'WS'
  const requestHeaders = readPairs(row.request_headers)
  const { path, query } = attribute(row.path, requestHeaders)
  const answer = row.response_body
  const response = answer === null ? null : isMessage ? writeMessages(answer) : Buffer.from(answer)
  const exchange: Exchange = {
    id: '01HZZZZZZZZZZZZZZZZZZZZZZZ',
    scope: { kind: 'session', id: 'capture' },
    turn: null,
    attempt: null,
    protocol: findProtocol(isMessage ? 'POST' : row.method, path)?.id ?? null,
    route: null,
    method: isMessage ? 'POST' : row.method,
    path,
    query,
    requestHeaders,
    requestBytes: 0,
    requestSha256: '',
    status: row.status,
    responseHeaders: isMessage ? [['content-type', webSocketFraming.contentType]] : readPairs(row.response_headers),
    responseBytes: null,
    responseSha256: null,
    outcome: 'complete',
    failure: null,
    providerRequestId: null,
    retries: 0,
    startedAt: row.t_request_ms,
    firstByteAt: null,
    endedAt: null,
  }
  const bodyOf = (bytes: Buffer | null) => (bytes === null ? null : { bytes, sentSha256: '', masked: [], decodedFrom: null })
  const request = row.request_body === null ? null : Buffer.from(row.request_body)
  const scrubbed = scrubber.scrub({
    scopeName: 'capture',
    exchange,
    request: bodyOf(request),
    response: bodyOf(response),
    arrivals: [],
    scrubbed: false,
  })
  const { exchange: left, request: asked, response: answered } = scrubbed
  return {
    seq: row.seq,
    t_request_ms: row.t_request_ms,
    t_response_ms: row.t_response_ms,
    method: row.method,
    path: left.query === '' ? left.path : `${left.path}?${left.query}`,
    note: labelOf(row),
    request_headers: Object.fromEntries(left.requestHeaders),
    request_body: asked?.bytes.toString() ?? null,
    status: row.status,
    response_headers: isMessage ? {} : Object.fromEntries(left.responseHeaders ?? []),
    response_body: answered === null ? null : isMessage ? readLines(answered.bytes) : answered.bytes.toString(),
  }
}

/** Only what it says of the turn and the call. */
function labelOf(row: TimedRow): string {
  const words = (row.note ?? '').match(/\b(?:turn|sub)\d+\.\d+\b|side-\w+|warmup|client-closed-early/g) ?? []
  return [...words, markOf(row) ?? ''].join(' ').trim()
}

function writeMessages(text: string): Buffer {
  const messages = text.split('\n').filter(message => message !== '')
  return Buffer.concat([...webSocketFraming.writeEvents(messages.map(data => ({ event: '', data })))])
}

function readLines(bytes: Buffer): string {
  return readMessages(bytes)
    .map(({ payload }) => Buffer.from(payload).toString())
    .join('\n')
}
