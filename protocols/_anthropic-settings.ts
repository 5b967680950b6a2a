// Request settings of Anthropic Messages, read for translation and written from another dialect's. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { countOf, defined, isList, objectOf, textOf } from './_json.ts'
import type { Settings, ToolChoice } from './_settings.ts'

export function readAnthropicSettings(extra: JsonObject): Settings {
  const choice = objectOf(extra['tool_choice'])
  const output = objectOf(extra['output_config'])
  const disabled = choice['disable_parallel_tool_use']
  return {
    toolChoice: readToolChoice(choice),
    parallelToolCalls: typeof disabled === 'boolean' ? !disabled : null,
    stopSequences: readStops(extra['stop_sequences']),
    topP: countOf(extra['top_p']),
    effort: textOf(output['effort']) ?? effortOfBudget(objectOf(extra['thinking'])),
    outputSchema: objectOf(output['format'])['schema'] ?? null,
  }
}

function readStops(stops: Json | undefined): string[] | null {
  return isList(stops) ? stops.filter(stop => typeof stop === 'string') : null
}

function readToolChoice(choice: JsonObject): ToolChoice | null {
  const { type, name } = choice
  if (type === 'auto' || type === 'none') return { kind: type }
  if (type === 'any') return { kind: 'required' }
  return type === 'tool' && typeof name === 'string' ? { kind: 'tool', name } : null
}

/** A budget in tokens has no equal elsewhere; the thresholds are the budgets that agents use for their three levels. */
function effortOfBudget(thinking: JsonObject): string | null {
  const budget = countOf(thinking['budget_tokens'])
  if (thinking['type'] !== 'enabled' || budget === null) return null
  return budget <= 4096 ? 'low' : budget <= 16384 ? 'medium' : 'high'
}

/**
 * `effort` is left out: which models take it differs, thinking needs a budget below max_tokens, a temperature of 1 and signed
 * thinking in the history, and a translated history has none.
 */
export function writeAnthropicSettings(settings: Settings): JsonObject {
  const parallel = settings.parallelToolCalls
  const choice = settings.toolChoice ?? (parallel === false ? { kind: 'auto' as const } : null)
  return defined({
    tool_choice: choice === null ? undefined : writeToolChoice(choice, parallel),
    stop_sequences: settings.stopSequences ?? undefined,
    top_p: settings.topP ?? undefined,
    output_config:
      settings.outputSchema === null ? undefined : { format: { type: 'json_schema', schema: settings.outputSchema } },
  })
}

function writeToolChoice(choice: ToolChoice, parallel: boolean | null): JsonObject {
  if (choice.kind === 'none') return { type: 'none' }
  const serial: JsonObject = parallel === null ? {} : { disable_parallel_tool_use: !parallel }
  if (choice.kind === 'tool') return { type: 'tool', name: choice.name, ...serial }
  return { type: choice.kind === 'required' ? 'any' : 'auto', ...serial }
}
