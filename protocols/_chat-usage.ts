// Token counts of OpenAI Chat Completions and its compatible servers. Input includes what came from the cache; it is taken out here.
// What a server does not say stays null. Mapping table: docs/protocols.md.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import { sumPrompt, sumWritten } from '../core/usage.ts'
import { countOf, defined, isList, isObject, objectOf, textOf } from './_json.ts'
import { describeUsage, isMappedBy, settleCounts } from './_usage.ts'

/** Raised whenever a figure would be read differently; rows of an older mapping are decoded again. */
const mapping = 'openai-chat/1'

/** The usage object of a body or chunk: on top, inside the first choice (Moonshot's streams) or under x_groq. */
export function usageObject(body: JsonObject): JsonObject | null {
  const choices = body['choices']
  const places = [body['usage'], isList(choices) ? objectOf(choices[0])['usage'] : null, objectOf(body['x_groq'])['usage']]
  return places.find(isObject) ?? null
}

export function readUsage(body: Json): Usage | null {
  const outer = objectOf(body)
  const raw = usageObject(outer)
  return raw === null ? null : readUsageObject(raw, textOf(outer['service_tier']))
}

function readUsageObject(raw: JsonObject, serviceTier: string | null): Usage {
  const inputDetails = objectOf(raw['prompt_tokens_details'])
  const settled = settleCounts({
    prompt: countOf(raw['prompt_tokens']),
    cachedRead: firstCount(inputDetails['cached_tokens'], raw['prompt_cache_hit_tokens'], raw['cached_tokens']),
    cachedWriteOther: firstCount(inputDetails['cache_write_tokens'], raw['cache_write_tokens']),
    output: countOf(raw['completion_tokens']),
    reasoning: countOf(objectOf(raw['completion_tokens_details'])['reasoning_tokens']),
    total: countOf(raw['total_tokens']),
  })
  return describeUsage({ ...settled, serviceTier: serviceTier ?? textOf(raw['service_tier']), raw, mapping })
}

function firstCount(...values: ReadonlyArray<Json | undefined>): number | null {
  return values.map(countOf).find(count => count !== null) ?? null
}

/** undefined = the provider said nothing and neither do we. */
export function writeUsage(answer: Answer): JsonObject | undefined {
  const { usage } = answer
  if (usage === null) return undefined
  if (isMappedBy(usage, 'openai-chat')) return objectOf(usage.raw)
  const written = sumWritten(usage)
  const prompt = sumPrompt(usage) ?? 0
  const details = defined({ cached_tokens: usage.cachedRead ?? undefined, cache_write_tokens: written ?? undefined })
  return defined({
    prompt_tokens: prompt,
    completion_tokens: usage.output ?? 0,
    total_tokens: prompt + (usage.output ?? 0),
    prompt_tokens_details: Object.keys(details).length === 0 ? undefined : details,
    completion_tokens_details: usage.reasoning === null ? undefined : { reasoning_tokens: usage.reasoning },
  })
}
