// Gemini as it is simulated, at its API and in Code Assist envelopes. See dialect.ts for what each member means.

import type { Json, JsonObject } from '../../core/types.ts'
import { statusWordOf } from '../../protocols/_gemini-answer.ts'
import type { Dialect } from './dialect.ts'
import { estimateUnmarkedPrompt, openPromptMemory } from './usage.ts'

export const geminiDialect: Dialect = {
  protocol: 'gemini',
  answerIdPrefix: 'simulated-',
  callIdPrefix: '',
  requestIdHeader: 'x-request-id',
  // Calling a tool is no reason of its own to stop, and neither is a stop sequence.
  stopWords: { end_turn: 'STOP', tool_use: 'STOP', max_tokens: 'MAX_TOKENS', stop_sequence: 'STOP', refusal: 'SAFETY' },
  needsMaxTokens: false,
  signsThinking: false,
  reportsCacheWrites: false,
  estimatePrompt: (body, memory, model) => estimateUnmarkedPrompt(asPrompt(body, model), memory),
  ping: null,
  chooseFraming: ({ query }) => (new URLSearchParams(query).get('alt') === 'sse' ? 'sse' : 'json-array'),
  streamsUsage: () => true,
  noteAnswer: body => ({ protocol: 'gemini', ...(body['request'] === undefined ? {} : { envelope: {} }) }),
  writeCount: body => {
    const tokens = estimateUnmarkedPrompt(asPrompt(body, ''), openPromptMemory()).input
    return { totalTokens: tokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: tokens }] }
  },
  writeError: ({ status, message }) => ({
    error: { code: status, message, status: statusWordOf(status) },
  }),
  writeModel: id => ({
    name: `models/${id}`,
    displayName: `${id} (simulated)`,
    version: 'simulated',
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  }),
  writeModels: ids => ({ models: ids.map(id => geminiDialect.writeModel(id)) }),
}

/** The request as a list of what is cached: tools, instruction, contents. Envelopes and token counts hold it one level down. */
function asPrompt(outer: JsonObject, model: string): JsonObject {
  const body = objectOf(outer['request'] ?? outer['generateContentRequest'] ?? outer)
  const { tools = [], systemInstruction, contents } = body
  const system: readonly Json[] = systemInstruction === undefined ? [] : [systemInstruction]
  return { model, tools, messages: [...system, ...(Array.isArray(contents) ? contents : [])] }
}

function objectOf(value: Json): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
