// Token counts of Anthropic Messages. Input excludes what was read from and written to the cache. Mapping table: docs/protocols.md.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import { sumKnown, sumWritten } from '../core/usage.ts'
import { countOf, defined, isObject, objectOf, textOf } from './_json.ts'
import { counters, describeUsage, isMappedBy } from './_usage.ts'

/** Raised whenever a figure would be read differently; rows of an older mapping are decoded again. */
const mapping = 'anthropic-messages/1'

/** The usage of an answer, of a `message_start` event (inside `message`) or of a `message_delta` event. */
export function readUsage(body: Json): Usage | null {
  const outer = objectOf(body)
  const raw = isObject(outer['usage']) ? outer['usage'] : objectOf(outer['message'])['usage']
  return isObject(raw) ? readUsageObject(raw) : null
}

function readUsageObject(raw: JsonObject): Usage {
  const split = objectOf(raw['cache_creation'])
  const written = countOf(raw['cache_creation_input_tokens'])
  const cachedWrite5m = countOf(split['ephemeral_5m_input_tokens'])
  const cachedWrite1h = countOf(split['ephemeral_1h_input_tokens'])
  const named = sumKnown([cachedWrite5m, cachedWrite1h])
  const counts = {
    input: countOf(raw['input_tokens']),
    cachedRead: countOf(raw['cache_read_input_tokens']),
    cachedWriteOther: written === null ? null : written - (named ?? 0),
    output: countOf(raw['output_tokens']),
    reasoning: countOf(objectOf(raw['output_tokens_details'])['thinking_tokens']),
  }
  const serverTools = counters(raw['server_tool_use'])
  return describeUsage({
    counts,
    cachedWrite5m,
    cachedWrite1h,
    serverTools,
    serviceTier: textOf(raw['service_tier']),
    addsUp: (named ?? 0) >= 0,
    raw,
    mapping,
  })
}

/**
 * undefined = the provider said nothing and neither do we. Clients need an input and an output figure, so an answer that comes from
 * elsewhere without usage gets zeros here; the record's own figures come from the provider's side.
 */
export function writeUsage(answer: Answer, own: boolean): JsonObject | undefined {
  const { usage } = answer
  if (usage !== null && isMappedBy(usage, 'anthropic-messages')) return objectOf(usage.raw)
  if (usage === null) return own && answer.wire !== undefined ? undefined : { input_tokens: 0, output_tokens: 0 }
  const written = sumWritten(usage)
  const split = defined({
    ephemeral_5m_input_tokens: usage.cachedWrite5m ?? undefined,
    ephemeral_1h_input_tokens: usage.cachedWrite1h ?? undefined,
  })
  return defined({
    input_tokens: usage.input ?? 0,
    cache_creation_input_tokens: written ?? undefined,
    cache_read_input_tokens: usage.cachedRead ?? undefined,
    cache_creation: Object.keys(split).length === 0 ? undefined : split,
    output_tokens: usage.output ?? 0,
    output_tokens_details: usage.reasoning === null ? undefined : { thinking_tokens: usage.reasoning },
    server_tool_use: Object.keys(usage.serverTools).length === 0 ? undefined : usage.serverTools,
    service_tier: usage.serviceTier ?? undefined,
  })
}
