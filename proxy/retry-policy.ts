// When a request may be sent again, as the models file says it. Pure.

import type { RetryPolicy } from './forward.ts'
import type { RetrySpec } from './models-file.ts'

/** None by default: agents retry by themselves, and know better what to repeat. */
export function readRetry(spec: RetrySpec | undefined): { readonly retry?: RetryPolicy } {
  if (spec === undefined || spec.attempts < 2) return {}
  const backoffMs = spec.backoff_ms ?? 500
  const on = spec.on ?? [429, 500, 502, 503, 504, 529]
  return { retry: { attempts: spec.attempts, on, backoffMs, backoffMaxMs: Math.max(backoffMs, spec.max_backoff_ms ?? 30_000) } }
}
