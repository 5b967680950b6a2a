// Token counts of Gemini. The prompt includes what came from the cache; thinking is counted beside the candidates. A figure of zero is
// left out on the wire, so an absent one stays unknown unless the total says it. Mapping table: docs/protocols.md.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import { sumKnown, sumPrompt } from '../core/usage.ts'
import { countOf, defined, isObject, objectOf, textOf } from './_json.ts'
import { describeUsage, isMappedBy } from './_usage.ts'

/** Raised whenever a figure would be read differently; rows of an older mapping are decoded again. */
const mapping = 'gemini/1'

/** The usage of an answer, of a chunk, or of either inside a Code Assist envelope (`response`). */
export function readUsage(body: Json): Usage | null {
  const outer = objectOf(body)
  const raw = outer['usageMetadata'] ?? objectOf(outer['response'])['usageMetadata']
  return isObject(raw) ? readUsageObject(raw) : null
}

function readUsageObject(raw: JsonObject): Usage {
  const prompt = countOf(raw['promptTokenCount'])
  const cachedRead = countOf(raw['cachedContentTokenCount'])
  const toolUse = countOf(raw['toolUsePromptTokenCount'])
  const reasoning = countOf(raw['thoughtsTokenCount'])
  const output = readOutput(raw, prompt, toolUse)
  const counts = {
    input: prompt === null ? null : prompt - (cachedRead ?? 0) + (toolUse ?? 0),
    cachedRead,
    cachedWriteOther: null,
    output: output.total,
    reasoning,
  }
  return describeUsage({ counts, serviceTier: textOf(raw['serviceTier']), addsUp: output.addsUp, raw, mapping })
}

/**
 * Candidates and thoughts together are the output. Relays that count the thoughts among the candidates give themselves away by their
 * total. Whether the total holds the prompts of tools differs; both are taken. Any other total marks the figures as contradictory.
 */
function readOutput(raw: JsonObject, prompt: number | null, toolUse: number | null): { total: number | null; addsUp: boolean } {
  const candidates = countOf(raw['candidatesTokenCount'])
  const thoughts = countOf(raw['thoughtsTokenCount'])
  const total = countOf(raw['totalTokenCount'])
  const output = sumKnown([candidates, thoughts])
  if (total === null || prompt === null) return { total: output, addsUp: true }
  const bases = [prompt, prompt + (toolUse ?? 0)]
  if (output === null) return { total: bases.includes(total) ? 0 : null, addsUp: bases.includes(total) }
  if (bases.some(base => base + output === total)) return { total: output, addsUp: true }
  if (candidates !== null && bases.some(base => base + candidates === total)) return { total: candidates, addsUp: true }
  return { total: output, addsUp: false }
}

/** undefined = the provider said nothing and neither do we. */
export function writeUsage(answer: Answer): JsonObject | undefined {
  const { usage } = answer
  if (usage === null) return undefined
  if (isMappedBy(usage, 'gemini')) return objectOf(usage.raw)
  const prompt = sumPrompt(usage) ?? 0
  const output = usage.output ?? 0
  return defined({
    promptTokenCount: prompt,
    cachedContentTokenCount: usage.cachedRead ?? undefined,
    candidatesTokenCount: output - (usage.reasoning ?? 0),
    thoughtsTokenCount: usage.reasoning ?? undefined,
    totalTokenCount: prompt + output,
  })
}
