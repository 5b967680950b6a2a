// Request settings of Bedrock Converse, read for translation and written from another dialect's. Pure.

import type { JsonObject } from '../core/types.ts'
import { countOf, defined, isList, objectOf } from './_json.ts'
import type { Settings, ToolChoice } from './_settings.ts'

export function readBedrockSettings(extra: JsonObject): Settings {
  const config = objectOf(extra['inferenceConfig'])
  const { stopSequences: stops } = config
  return {
    toolChoice: readToolChoice(objectOf(objectOf(extra['toolConfig'])['toolChoice'])),
    parallelToolCalls: null,
    stopSequences: isList(stops) ? stops.filter(stop => typeof stop === 'string') : null,
    topP: countOf(config['topP']),
    // How hard to think is said in `additionalModelRequestFields`, in each model maker's own words.
    effort: null,
    outputSchema: null,
  }
}

function readToolChoice(choice: JsonObject): ToolChoice | null {
  const name = objectOf(choice['tool'])['name']
  if (typeof name === 'string') return { kind: 'tool', name }
  if ('any' in choice) return { kind: 'required' }
  return 'auto' in choice ? { kind: 'auto' } : null
}

export function writeBedrockSettings(settings: Settings): {
  readonly config: JsonObject
  readonly toolChoice: JsonObject | null
} {
  const choice = settings.toolChoice
  return {
    config: defined({ stopSequences: settings.stopSequences ?? undefined, topP: settings.topP ?? undefined }),
    // `none` has no word: without tools in the request none is called.
    toolChoice: choice === null || choice.kind === 'none' ? null : writeToolChoice(choice),
  }
}

function writeToolChoice(choice: ToolChoice): JsonObject {
  if (choice.kind === 'tool') return { tool: { name: choice.name } }
  return choice.kind === 'required' ? { any: {} } : { auto: {} }
}
