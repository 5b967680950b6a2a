// An error answer as the provider itself would send it, for faults that must look real: the protocol's own error shape, in the words of
// providers, without a trace of Turnpike in it. That it was made up stands in the record, not in the answer. Pure.

import type { HeaderList, Json, JsonObject } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'

const words: Readonly<Record<number, string>> = {
  400: 'The request could not be understood.',
  401: 'Invalid API key.',
  402: 'Your account has no credit left.',
  403: 'You have no permission to use this resource.',
  404: 'The model does not exist.',
  408: 'The request timed out.',
  413: 'The request is too large.',
  429: 'Rate limit reached. Please try again later.',
  500: 'Internal server error',
  502: 'Bad gateway',
  503: 'The service is temporarily unavailable.',
  504: 'The request timed out at the gateway.',
  529: 'Overloaded',
}

/** What providers put where our own code would stand; null where they put nothing. */
const codes: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 404: 'model_not_found', 429: 'rate_limit_exceeded' }

/** Takes the place of a Turnpike code while the protocol writes, and is then taken out again. */
const mark = 'E_INJECTED_FAULT'

export function writeProviderError(protocol: ProtocolAdapter, status: number): JsonObject {
  const message = words[status] ?? (status >= 500 ? 'The server had an error.' : 'The request was refused.')
  return unmark(protocol.writeError(status, mark, message), codes[status] ?? null) as JsonObject
}

function unmark(value: Json, code: string | null): Json {
  if (value === mark) return code
  if (typeof value === 'string') return value.replace(`${mark}: `, '')
  if (Array.isArray(value)) return value.map(part => unmark(part, code))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unmark(part, code)]))
}

/** Headers that clients look at. */
export function writeErrorHeaders(
  protocol: ProtocolAdapter,
  error: { readonly requestId: string; readonly bodyBytes: number; readonly retryAfterS: number | null },
): HeaderList {
  return [
    ['content-type', 'application/json'],
    ['content-length', String(error.bodyBytes)],
    [protocol.requestIdHeaders[0] ?? 'x-request-id', error.requestId],
    ...(error.retryAfterS === null ? [] : [['retry-after', String(error.retryAfterS)] as const]),
  ]
}
