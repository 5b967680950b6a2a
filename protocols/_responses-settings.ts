// Request settings of OpenAI Responses, read for translation and written from another dialect's. Stop sequences have no place here. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { countOf, defined, objectOf, textOf } from './_json.ts'
import type { Settings, ToolChoice } from './_settings.ts'

export function readResponsesSettings(extra: JsonObject): Settings {
  const { parallel_tool_calls: parallel } = extra
  return {
    toolChoice: readToolChoice(extra['tool_choice']),
    parallelToolCalls: typeof parallel === 'boolean' ? parallel : null,
    stopSequences: null,
    topP: countOf(extra['top_p']),
    effort: textOf(objectOf(extra['reasoning'])['effort']),
    outputSchema: objectOf(objectOf(extra['text'])['format'])['schema'] ?? null,
  }
}

function readToolChoice(choice: Json | undefined): ToolChoice | null {
  if (choice === 'auto' || choice === 'required' || choice === 'none') return { kind: choice }
  const { type, name } = objectOf(choice)
  return (type === 'function' || type === 'custom') && typeof name === 'string' ? { kind: 'tool', name } : null
}

export function writeResponsesSettings(settings: Settings): JsonObject {
  const choice = settings.toolChoice
  const schema = settings.outputSchema
  return defined({
    tool_choice: choice === null ? undefined : choice.kind === 'tool' ? { type: 'function', name: choice.name } : choice.kind,
    parallel_tool_calls: settings.parallelToolCalls ?? undefined,
    top_p: settings.topP ?? undefined,
    reasoning: settings.effort === null ? undefined : { effort: efforts[settings.effort] ?? settings.effort },
    text: schema === null ? undefined : { format: { type: 'json_schema', name: 'answer', schema, strict: true } },
  })
}

/** Anthropic's highest level has no namesake here. */
const efforts: Readonly<Record<string, string>> = { max: 'xhigh' }
