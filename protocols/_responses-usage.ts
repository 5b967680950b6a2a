// Token counts of OpenAI Responses. Input includes what came from the cache; it is taken out here. Reasoning is part of the output. What a
// server does not say stays null. Mapping table: docs/protocols.md.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import { sumPrompt, sumWritten } from '../core/usage.ts'
import { countOf, defined, isObject, objectOf, textOf } from './_json.ts'
import { describeUsage, isMappedBy, settleCounts } from './_usage.ts'

/** Raised whenever a figure would be read differently; rows of an older mapping are decoded again. */
const mapping = 'openai-responses/1'

/** The usage of an answer, or of an event that holds one (inside `response`). */
export function readUsage(body: Json): Usage | null {
  const outer = objectOf(body)
  const holder = isObject(outer['usage']) ? outer : objectOf(outer['response'])
  const raw = holder['usage']
  return isObject(raw) ? readUsageObject(raw, textOf(holder['service_tier'])) : null
}

function readUsageObject(raw: JsonObject, serviceTier: string | null): Usage {
  const details = objectOf(raw['input_tokens_details'])
  const settled = settleCounts({
    prompt: countOf(raw['input_tokens']),
    cachedRead: countOf(details['cached_tokens']),
    cachedWriteOther: countOf(details['cache_write_tokens']),
    output: countOf(raw['output_tokens']),
    reasoning: countOf(objectOf(raw['output_tokens_details'])['reasoning_tokens']),
    total: countOf(raw['total_tokens']),
  })
  return describeUsage({ ...settled, serviceTier, raw, mapping })
}

/** undefined = the provider said nothing and neither do we. */
export function writeUsage(answer: Answer): JsonObject | undefined {
  const { usage } = answer
  if (usage === null) return undefined
  if (isMappedBy(usage, 'openai-responses')) return objectOf(usage.raw)
  const written = sumWritten(usage)
  const input = sumPrompt(usage) ?? 0
  const output = usage.output ?? 0
  return {
    input_tokens: input,
    // Clients need the details; what another provider did not say is 0 here, the record's own figures come from its side.
    input_tokens_details: defined({ cached_tokens: usage.cachedRead ?? 0, cache_write_tokens: written ?? undefined }),
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: input + output,
  }
}
