// OpenAI as it is simulated, for Responses. See dialect.ts for what each member means.

import type { Json, JsonObject } from '../../core/types.ts'
import type { Dialect } from './dialect.ts'
import { openaiDialect } from './dialect-openai.ts'
import { estimateUnmarkedPrompt, openPromptMemory } from './usage.ts'

export const responsesDialect: Dialect = {
  ...openaiDialect,
  protocol: 'openai-responses',
  answerIdPrefix: 'resp_simulated_',
  // An answer with tool calls is as complete as any, and there are no stop sequences.
  stopWords: {
    end_turn: 'completed',
    tool_use: 'completed',
    max_tokens: 'max_output_tokens',
    stop_sequence: 'completed',
    refusal: 'content_filter',
  },
  estimatePrompt: (body, memory) => estimateUnmarkedPrompt(asPrompt(body), memory),
  streamsUsage: () => true,
  writeCount: body => ({
    object: 'response.input_tokens',
    input_tokens: estimateUnmarkedPrompt(asPrompt(body), openPromptMemory()).input,
  }),
}

/** The request as a list of what is cached: tools, instructions, items of the input. */
function asPrompt({ model = null, tools = [], instructions = null, input = [] }: JsonObject): JsonObject {
  const head: readonly Json[] = typeof instructions === 'string' ? [{ role: 'developer', content: instructions }] : []
  const items: readonly Json[] = Array.isArray(input) ? input : [{ role: 'user', content: input }]
  return { model, tools, messages: [...head, ...items] }
}
