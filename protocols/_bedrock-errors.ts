// Errors of Amazon Bedrock, in bodies and in streams, shared by its two protocols. Pure and total.

import type { Answer, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { codedMessage, readError } from './_errors.ts'
import { objectOf, parseJson, textOf } from './_json.ts'

/** `{message}` with the type in a header or in `__type`, which may carry a namespace before a `#`. */
export function readBedrockError(body: JsonObject): Answer['error'] {
  const message = textOf(body['message']) ?? textOf(body['Message'])
  const type = textOf(body['__type']) ?? textOf(body['code'])
  if (message === null && type === null) return readError(body)
  return { type: type?.replace(/^.*#/, '') ?? 'error', message: message ?? '' }
}

/** An exception that ends a stream; null for any other event. */
export function readException(event: StreamEvent): Answer['error'] {
  if (!/exception$/i.test(event.event)) return null
  const data = parseJson(event.data)
  const message = textOf(objectOf(data)['message']) ?? textOf(objectOf(data)['Message'])
  return { type: event.event, message: message ?? event.data }
}

export function isException(event: StreamEvent): boolean {
  return /exception$/i.test(event.event)
}

const types: Readonly<Record<number, string>> = {
  401: 'UnrecognizedClientException',
  402: 'AccessDeniedException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException',
  529: 'ServiceUnavailableException',
}

export function typeOfStatus(status: number): string {
  return types[status] ?? (status >= 500 ? 'InternalServerException' : 'ValidationException')
}

export function writeError(status: number, code: string, message: string): JsonObject {
  return { __type: typeOfStatus(status), message: codedMessage(code, message) }
}

export function writeErrorEvent(status: number, code: string, message: string): StreamEvent {
  return writeException({ type: typeOfStatus(status), message: codedMessage(code, message) })
}

/** In streams the names begin with a small letter. What is no exception's name becomes one. */
export function writeException({ type, message }: { readonly type: string; readonly message: string }): StreamEvent {
  const name = /exception$/i.test(type) ? type : 'modelStreamErrorException'
  return { event: name.slice(0, 1).toLowerCase() + name.slice(1), data: JSON.stringify({ message }) }
}
