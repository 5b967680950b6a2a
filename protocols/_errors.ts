// Error bodies: what providers and relays answer, and our own failures in the caller's dialect. Pure and total.

import type { Answer, Json, JsonObject } from '../core/types.ts'
import { isObject, notes, textOf, without } from './_json.ts'

/** The error of a body or an event; null when there is none. Relays say `detail`, a bare string, or put type and message on top. */
export function readError(body: JsonObject): Answer['error'] {
  const error = body['error']
  if (typeof error === 'string') return { type: 'error', message: error }
  if (isObject(error)) return describe(error)
  if (body['object'] === 'error' || body['type'] === 'error') return describe(body)
  if (typeof body['detail'] === 'string') return { type: 'error', message: body['detail'] }
  return null
}

function describe(error: JsonObject): { type: string; message: string } {
  const code = error['code']
  const type = textOf(error['type']) ?? (typeof code === 'string' || typeof code === 'number' ? String(code) : 'error')
  return { type, message: textOf(error['message']) ?? messageOf(error) }
}

function messageOf(error: Json): string {
  try {
    return JSON.stringify(error)
  } catch {
    return 'error'
  }
}

interface OtherBody extends Pick<Answer, 'usage' | 'error'> {
  readonly protocol: string
  /** Fields of an error body that `usage` holds already. */
  readonly read?: readonly string[]
}

/** An error body, or something that is no answer of this protocol: that is kept whole, as one block. */
export function readOther(body: Json, { protocol, usage, error, read = [] }: OtherBody): Answer {
  return {
    id: null,
    model: null,
    message: { role: 'assistant', blocks: error ? [] : [{ kind: 'opaque', type: 'body', raw: body }] },
    stopReason: null,
    usage,
    complete: true,
    error,
    ...notes(error && isObject(body) ? without(body, read) : {}, { protocol }),
  }
}

/** The Turnpike code stands in front of the message, once. */
export function codedMessage(code: string, message: string): string {
  return message.startsWith(`${code}:`) ? message : `${code}: ${message}`
}
