// The proxy's own answers: a clear error in the caller's dialect, marked as ours so that nobody mistakes it for the provider's.
// Never forwards, never guesses a provider's words.

import type http from 'node:http'
import type { TurnpikeError } from '../core/errors.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'

/** HTTP status of each code the proxy can answer with; any other is 500. */
const statusOf: Readonly<Record<string, number>> = {
  E_BAD_REQUEST: 400,
  E_REPLAY_MISS: 400,
  E_TOKEN_UNKNOWN: 401,
  E_KEY_MISSING: 401,
  E_MODEL_UNKNOWN: 404,
  E_BODY_TOO_LARGE: 413,
  E_NO_WEBSOCKET: 426,
  E_UPSTREAM_UNREACHABLE: 502,
  E_UPSTREAM_CUT: 502,
  E_UPSTREAM_UNTRUSTED: 502,
  E_RECORD_FAILED: 503,
  E_DRAINING: 503,
  E_BUDGET_CALLS: 402,
  E_BUDGET_TOKENS: 402,
  E_BUDGET_COST: 402,
  E_BUDGET_TIME: 402,
}

export interface Refusal {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
}

/** The answer to a call that cannot be forwarded. Callers no protocol claims get OpenAI's shape, the most widely understood. */
export function writeRefusal(protocol: ProtocolAdapter | null, error: TurnpikeError): Refusal {
  const status = statusOf[error.code] ?? 500
  const text = `${error.message} (try: ${error.hint})`
  const value = protocol === null ? plainError(error.code, text) : protocol.writeError(status, error.code, text)
  const body = Buffer.from(JSON.stringify(value))
  const headers: Array<readonly [string, string]> = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['x-turnpike-error', error.code],
  ]
  // Agents retry on 503 by themselves; a second is long enough for a full disk to be noticed and short enough for a restart.
  if (status === 503) headers.push(['retry-after', '1'])
  // A spent budget stays spent and a replay gives the same again; the official clients ask this header before they look at the status.
  if (status === 402 || error.code === 'E_REPLAY_MISS') headers.push(['x-should-retry', 'false'])
  return { status, headers, body }
}

function plainError(code: string, message: string) {
  return { error: { message: `${code}: ${message}`, type: 'turnpike_error', param: null, code } }
}

export function sendRefusal(response: http.ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  response.writeHead(refusal.status, refusal.headers.flat())
  response.end(refusal.body)
}

/** For a CONNECT: there is no response object, only the socket. */
export function rawRefusal(status: 400 | 502, error: TurnpikeError): string {
  const body = JSON.stringify(plainError(error.code, `${error.message} (try: ${error.hint})`))
  const line = `HTTP/1.1 ${status} ${status === 400 ? 'Bad Request' : 'Bad Gateway'}`
  return `${line}\r\ncontent-type: application/json\r\nx-turnpike-error: ${error.code}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** For bytes that are no HTTP request: there is no response object yet, only the socket. */
export function rawBadRequest(reason: string): string {
  const body = JSON.stringify(plainError('E_BAD_REQUEST', `the bytes are not a well-formed HTTP/1.1 request: ${reason}`))
  return `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nx-turnpike-error: E_BAD_REQUEST\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
