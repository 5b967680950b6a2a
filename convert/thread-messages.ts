// What the calling thread and its converting threads say to each other. Types only: all of it passes structured clone.

import type { FailureText } from '../store/writer-messages.ts'
import type { ConversionCounts } from './conversion-counts.ts'
import type { Print } from './dedup.ts'
import type { ConversionJob, RowBatch } from './job.ts'
import type { ConversionPlan } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import type { ScopeInfo } from './source.ts'

export interface ThreadOptions {
  readonly plan: ConversionPlan
}

export type ToThread =
  | { readonly kind: 'job'; readonly job: ConversionJob }
  /** The answer to `prints`. */
  | { readonly kind: 'leave-out'; readonly ids: ReadonlySet<string> }
  /** So many bytes of rows were taken off: the thread may send as many more. */
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'end' }

export type FromThread =
  | { readonly kind: 'calls'; readonly calls: number }
  | { readonly kind: 'prints'; readonly scope: ScopeInfo; readonly prints: readonly Print[] }
  | ({ readonly kind: 'rows' } & RowBatch)
  | {
      readonly kind: 'done'
      readonly counts: ConversionCounts
      readonly sights: readonly ScopeSight[]
      readonly reasons: readonly string[]
    }
  | { readonly kind: 'failed'; readonly failure: FailureText }

/** Bytes of rows a thread may have sent that nobody has taken off: it waits with the next ones. */
export const unclaimedBytesMax = 4 * 1024 * 1024
