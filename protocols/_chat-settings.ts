// Request settings of OpenAI Chat Completions, read for translation and written from another dialect's. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { countOf, defined, isList, objectOf, textOf } from './_json.ts'
import type { Settings, ToolChoice } from './_settings.ts'

export function readChatSettings(extra: JsonObject): Settings {
  const { stop, parallel_tool_calls: parallel } = extra
  const format = objectOf(extra['response_format'])
  return {
    toolChoice: readToolChoice(extra['tool_choice']),
    parallelToolCalls: typeof parallel === 'boolean' ? parallel : null,
    stopSequences: typeof stop === 'string' ? [stop] : isList(stop) ? stop.filter(text => typeof text === 'string') : null,
    topP: countOf(extra['top_p']),
    effort: textOf(extra['reasoning_effort']),
    outputSchema: objectOf(format['json_schema'])['schema'] ?? null,
  }
}

function readToolChoice(choice: Json | undefined): ToolChoice | null {
  if (choice === 'auto' || choice === 'required' || choice === 'none') return { kind: choice }
  const name = objectOf(objectOf(choice)['function'])['name']
  return typeof name === 'string' ? { kind: 'tool', name } : null
}

export function writeChatSettings(settings: Settings): JsonObject {
  const choice = settings.toolChoice
  return defined({
    tool_choice:
      choice === null ? undefined : choice.kind === 'tool' ? { type: 'function', function: { name: choice.name } } : choice.kind,
    parallel_tool_calls: settings.parallelToolCalls ?? undefined,
    stop: settings.stopSequences ?? undefined,
    top_p: settings.topP ?? undefined,
    reasoning_effort: settings.effort === null ? undefined : (efforts[settings.effort] ?? settings.effort),
    response_format:
      settings.outputSchema === null
        ? undefined
        : { type: 'json_schema', json_schema: { name: 'answer', schema: settings.outputSchema, strict: true } },
  })
}

/** Anthropic's highest level has no namesake here. */
const efforts: Readonly<Record<string, string>> = { max: 'xhigh' }
