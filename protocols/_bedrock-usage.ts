// Token counts of Bedrock Converse. Input excludes what was read from and written to the cache. Mapping table: docs/protocols.md.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import { sumKnown, sumWritten } from '../core/usage.ts'
import { countOf, defined, isList, isObject, objectOf, textOf } from './_json.ts'
import { describeUsage, isMappedBy } from './_usage.ts'

/** Raised whenever a figure would be read differently; rows of an older mapping are decoded again. */
const mapping = 'bedrock-converse/1'

/** The usage of an answer or of a `metadata` event. */
export function readUsage(body: Json): Usage | null {
  const outer = objectOf(body)
  const raw = outer['usage']
  return isObject(raw) ? readUsageObject(raw, textOf(objectOf(outer['serviceTier'])['type'])) : null
}

function readUsageObject(raw: JsonObject, serviceTier: string | null): Usage {
  const written = countOf(raw['cacheWriteInputTokens'])
  const cachedWrite5m = writtenFor(raw, '5m')
  const cachedWrite1h = writtenFor(raw, '1h')
  const named = sumKnown([cachedWrite5m, cachedWrite1h])
  const counts = {
    input: countOf(raw['inputTokens']),
    cachedRead: countOf(raw['cacheReadInputTokens']),
    cachedWriteOther: written === null ? null : written - (named ?? 0),
    output: countOf(raw['outputTokens']),
    reasoning: null,
  }
  const isSum = addsUp(raw, counts.input, counts.output, sumKnown([counts.cachedRead, written]))
  return describeUsage({ counts, cachedWrite5m, cachedWrite1h, serviceTier, addsUp: isSum, raw, mapping })
}

function writtenFor(raw: JsonObject, ttl: string): number | null {
  const details = isList(raw['cacheDetails']) ? raw['cacheDetails'].map(objectOf) : []
  return sumKnown(details.filter(detail => detail['ttl'] === ttl).map(detail => countOf(detail['inputTokens'])))
}

/** The total holds the cached tokens with some models and leaves them out with others. */
function addsUp(raw: JsonObject, input: number | null, output: number | null, cached: number | null): boolean {
  const total = countOf(raw['totalTokens'])
  if (total === null || input === null || output === null) return true
  return total === input + output || total === input + output + (cached ?? 0)
}

/** undefined = the provider said nothing and neither do we. */
export function writeUsage(answer: Answer): JsonObject | undefined {
  const { usage } = answer
  if (usage === null) return undefined
  if (isMappedBy(usage, 'bedrock-converse')) return objectOf(usage.raw)
  const written = sumWritten(usage)
  const details = [
    { ttl: '1h', inputTokens: usage.cachedWrite1h },
    { ttl: '5m', inputTokens: usage.cachedWrite5m },
  ].filter(detail => detail.inputTokens !== null)
  const input = usage.input ?? 0
  const output = usage.output ?? 0
  return defined({
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output + (usage.cachedRead ?? 0) + (written ?? 0),
    cacheReadInputTokens: usage.cachedRead ?? undefined,
    cacheWriteInputTokens: written ?? undefined,
    cacheDetails: details.length === 0 ? undefined : details,
  })
}
