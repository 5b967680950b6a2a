// Request settings of Gemini, read for translation and written from another dialect's. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { countOf, defined, isList, objectOf, textOf } from './_json.ts'
import type { Settings, ToolChoice } from './_settings.ts'

export function readGeminiSettings(extra: JsonObject): Settings {
  const config = objectOf(extra['generationConfig'] ?? extra['generation_config'])
  const { stopSequences: stops, responseJsonSchema: schema } = config
  return {
    toolChoice: readToolChoice(objectOf(objectOf(extra['toolConfig'] ?? extra['tool_config'])['functionCallingConfig'])),
    parallelToolCalls: null,
    stopSequences: isList(stops) ? stops.filter(stop => typeof stop === 'string') : null,
    topP: countOf(config['topP']),
    effort: readEffort(objectOf(config['thinkingConfig'])),
    // `responseSchema` is a dialect of its own (types in capitals), not JSON Schema.
    outputSchema: schema ?? null,
  }
}

/** Several allowed functions have no word elsewhere: one of them must be called. */
function readToolChoice(config: JsonObject): ToolChoice | null {
  const mode = textOf(config['mode'])
  const allowed = isList(config['allowedFunctionNames']) ? config['allowedFunctionNames'] : []
  const [only] = allowed
  if (mode === 'ANY')
    return allowed.length === 1 && typeof only === 'string' ? { kind: 'tool', name: only } : { kind: 'required' }
  if (mode === 'NONE') return { kind: 'none' }
  return mode === 'AUTO' ? { kind: 'auto' } : null
}

/** A budget in tokens has no equal elsewhere; -1 leaves it to the model. The thresholds are those used for other providers' budgets. */
function readEffort(thinking: JsonObject): string | null {
  const level = textOf(thinking['thinkingLevel'])
  if (level !== null && level !== 'THINKING_LEVEL_UNSPECIFIED') return level.toLowerCase()
  const budget = countOf(thinking['thinkingBudget'])
  if (budget === null || budget <= 0) return null
  return budget <= 4096 ? 'low' : budget <= 16384 ? 'medium' : 'high'
}

const modes: Readonly<Record<Exclude<ToolChoice['kind'], 'tool'>, string>> = { auto: 'AUTO', required: 'ANY', none: 'NONE' }

/** `effort` is left out: which models take a level, and which a budget, differs. */
export function writeGeminiSettings(settings: Settings): { readonly fields: JsonObject; readonly config: JsonObject } {
  const choice = settings.toolChoice
  const calling: JsonObject | null =
    choice === null
      ? null
      : choice.kind === 'tool'
        ? { mode: 'ANY', allowedFunctionNames: [choice.name] }
        : { mode: modes[choice.kind] }
  const schema: Json = settings.outputSchema
  return {
    fields: calling === null ? {} : { toolConfig: { functionCallingConfig: calling } },
    config: defined({
      stopSequences: settings.stopSequences ?? undefined,
      topP: settings.topP ?? undefined,
      responseMimeType: schema === null ? undefined : 'application/json',
      responseJsonSchema: schema ?? undefined,
    }),
  }
}
