// Token counts: what every protocol needs to read them honestly. Missing stays null, contradictions are marked and kept, and the
// snapshots of a stream are merged field by field by their maximum (they are cumulative: a sum counts twice, and taking the last
// whole object loses what only the first one said). Pure.

import type { Json, JsonObject, Usage } from '../core/types.ts'
import { countOf, isObject } from './_json.ts'

/** Deeper objects than this are taken from the newer snapshot whole; real usage objects have three levels. */
const levelsMax = 16

/** Two cumulative snapshots of one usage object as one. */
export function mergeSnapshots(older: Json | undefined, newer: Json | undefined, level = 0): Json {
  if (newer === undefined || newer === null) return older ?? null
  if (typeof older === 'number' && typeof newer === 'number') return Math.max(older, newer)
  if (!isObject(older) || !isObject(newer) || level >= levelsMax) return newer
  const keys = new Set([...Object.keys(older), ...Object.keys(newer)])
  return Object.fromEntries([...keys].map(key => [key, mergeSnapshots(own(older, key), own(newer, key), level + 1)]))
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** The numeric members of an object such as `server_tool_use`. */
export function counters(value: Json | undefined): Record<string, number> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, count]) => (countOf(count) === null ? [] : [[key, Number(count)]])),
  )
}

/** All counts of a usage that may be negative only by contradiction. */
function isNegative(usage: Pick<Usage, 'input' | 'cachedRead' | 'cachedWriteOther' | 'output' | 'reasoning'>): boolean {
  return [usage.input, usage.cachedRead, usage.cachedWriteOther, usage.output, usage.reasoning].some(
    count => count !== null && count < 0,
  )
}

interface ReadUsage
  extends Pick<Usage, 'serviceTier' | 'mapping'>,
    Partial<Pick<Usage, 'cachedWrite5m' | 'cachedWrite1h' | 'serverTools'>> {
  readonly counts: Pick<Usage, 'input' | 'cachedRead' | 'cachedWriteOther' | 'output' | 'reasoning'>
  /** Whether the provider's own total agrees. */
  readonly addsUp?: boolean
  readonly raw: JsonObject
}

/** What a protocol read off its usage object, with the contradictions in it marked. */
export function describeUsage({ counts, addsUp = true, ...read }: ReadUsage): Usage {
  const reasoningExceeds = counts.reasoning !== null && counts.output !== null && counts.reasoning > counts.output
  return {
    ...counts,
    cachedWrite5m: read.cachedWrite5m ?? null,
    cachedWrite1h: read.cachedWrite1h ?? null,
    serverTools: read.serverTools ?? {},
    serviceTier: read.serviceTier,
    source: 'wire',
    inconsistent: isNegative(counts) || reasoningExceeds || !addsUp,
    raw: read.raw,
    mapping: read.mapping,
  }
}

interface SaidCounts {
  readonly prompt: number | null
  readonly cachedRead: number | null
  readonly cachedWriteOther: number | null
  readonly output: number | null
  readonly reasoning: number | null
  readonly total: number | null
}

/** Of OpenAI and its kin, whose prompt holds what came from a cache and went to it: that is taken out here. */
export function settleCounts(said: SaidCounts): Required<Pick<ReadUsage, 'counts' | 'addsUp'>> {
  const { prompt, cachedRead, cachedWriteOther, reasoning } = said
  const input = prompt === null ? null : prompt - (cachedRead ?? 0) - (cachedWriteOther ?? 0)
  const { output, addsUp } = settleOutput(said)
  return { counts: { input, cachedRead, cachedWriteOther, output, reasoning }, addsUp }
}

/**
 * Reasoning is part of the output, except with servers (xAI) that count it beside it: their total says so, and only then is it
 * added. Any other total that does not add up (Gemini's compatible route leaves thinking out) marks the figures as contradictory.
 */
function settleOutput({ prompt, output, reasoning, total }: SaidCounts): {
  readonly output: number | null
  readonly addsUp: boolean
} {
  if (output === null || prompt === null || total === null) return { output, addsUp: true }
  if (total === prompt + output) return { output, addsUp: true }
  if (reasoning !== null && total === prompt + output + reasoning) return { output: output + reasoning, addsUp: true }
  return { output, addsUp: false }
}

/** Whether `raw` was read by this mapping, so that it may be written again as it came. */
export function isMappedBy(usage: Usage, protocol: string): boolean {
  return usage.mapping.startsWith(`${protocol}/`) && isObject(usage.raw)
}
