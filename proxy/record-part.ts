// Records an attempt that was given up: an exchange of its own, linked to the one it is a part of, masked like it. Its request bytes are
// the same, so the store keeps them once.

import { maskHeaders, maskQuery, maskText } from '../core/redact.ts'
import { createUlid } from '../store/ulid.ts'
import type { ForwardRequest } from './forward.ts'
import { findRequestId, type RecordOptions } from './record.ts'
import type { Discarded } from './retry.ts'

export async function recordAttempt(
  options: Pick<RecordOptions, 'recorder' | 'onRecordFailure'>,
  { exchange }: ForwardRequest,
  discarded: Discarded,
): Promise<void> {
  const { recorder } = options
  const id = createUlid()
  const secrets = exchange.secrets ?? []
  const secretHeaders = exchange.protocol?.secretHeaders ?? []
  const { scope, turn, attempt, protocol, route, method, body } = exchange
  const { startedAt, endedAt, firstByteAt, outcome, failure, retries } = discarded
  const head = discarded.head
  try {
    await recorder.begin({
      id,
      scope,
      turn,
      attempt,
      protocol: protocol?.id ?? null,
      route,
      method,
      path: maskText(exchange.path, secrets),
      query: maskQuery(exchange.query, secrets),
      requestHeaders: maskHeaders(exchange.headers, secretHeaders, secrets),
      requestBody: body,
      startedAt,
      secrets,
      partOf: { id: exchange.id, part: 'upstream-attempt' },
    })
    if (discarded.body.length > 0) recorder.append(id, discarded.body, firstByteAt ?? endedAt)
    await recorder.end(id, {
      status: head?.status ?? null,
      responseHeaders: head === null ? null : maskHeaders(head.headers, secretHeaders, secrets),
      outcome,
      failure,
      providerRequestId: findRequestId(protocol, head?.headers ?? null),
      retries,
      firstByteAt,
      endedAt,
    })
  } catch (error) {
    if (options.onRecordFailure === 'refuse') throw error
  }
}
