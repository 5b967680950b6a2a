// Error bodies as OpenAI writes them, for both of its protocols. Pure.

import type { Answer, JsonObject } from '../core/types.ts'
import { codedMessage } from './_errors.ts'

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
}

export function writeError(status: number, code: string, message: string): JsonObject {
  const type = types[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  return { error: { message: codedMessage(code, message), type, param: null, code } }
}

/** The error of an answer that was made by hand or read from another dialect. */
export function writeForeignError(error: Answer['error']): JsonObject {
  return { error: { message: error?.message ?? '', type: error?.type ?? 'server_error', param: null, code: null } }
}
