// The counts of a call's usage, by the names they have in Turnpike's own fields of every format, and back. Pure; null stays null.

import type { JsonObject, Usage } from '../../core/types.ts'
import { countOf } from '../../protocols/_json.ts'

export type UsageCounts = Pick<
  Usage,
  'input' | 'cachedRead' | 'cachedWrite5m' | 'cachedWrite1h' | 'cachedWriteOther' | 'output' | 'reasoning'
>

export function writeCounts(counts: UsageCounts): JsonObject {
  return {
    input: counts.input,
    cached_read: counts.cachedRead,
    cached_write_5m: counts.cachedWrite5m,
    cached_write_1h: counts.cachedWrite1h,
    cached_write_other: counts.cachedWriteOther,
    output: counts.output,
    reasoning: counts.reasoning,
  }
}

export function readCounts(raw: JsonObject): UsageCounts {
  return {
    input: countOf(raw['input']),
    cachedRead: countOf(raw['cached_read']),
    cachedWrite5m: countOf(raw['cached_write_5m']),
    cachedWrite1h: countOf(raw['cached_write_1h']),
    cachedWriteOther: countOf(raw['cached_write_other']),
    output: countOf(raw['output']),
    reasoning: countOf(raw['reasoning']),
  }
}
