// Why a model stopped, between dialects. A word is kept as it came within its own dialect; the vocabularies do not contradict
// each other, so a word of another one is recognised by itself. Pure.

import type { Answer } from '../core/types.ts'

const anthropicWords: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  completed: 'end_turn',
  length: 'max_tokens',
  max_output_tokens: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
}

const chatWords: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  completed: 'stop',
  max_tokens: 'length',
  max_output_tokens: 'length',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  pause_turn: 'stop',
  refusal: 'content_filter',
  model_context_window_exceeded: 'length',
}

/** OpenAI Responses says only why an answer is incomplete; one with tool calls is as complete as any. */
const responsesWords: Readonly<Record<string, string>> = {
  end_turn: 'completed',
  stop: 'completed',
  stop_sequence: 'completed',
  tool_use: 'completed',
  tool_calls: 'completed',
  function_call: 'completed',
  pause_turn: 'completed',
  max_tokens: 'max_output_tokens',
  length: 'max_output_tokens',
  model_context_window_exceeded: 'max_output_tokens',
  refusal: 'content_filter',
}

export type StopDialect = 'anthropic' | 'chat' | 'responses'

const tables: Readonly<Record<StopDialect, Readonly<Record<string, string>>>> = {
  anthropic: anthropicWords,
  chat: chatWords,
  responses: responsesWords,
}

/**
 * `stop` beside tool calls is what some servers say when they mean tool_calls; agents then drop the calls, so a translated answer
 * says what it is. An answer made by hand without a reason gets the one its content implies.
 */
export function writeStopReason(answer: Answer, dialect: StopDialect, own: boolean): string | null {
  const word = answer.stopReason
  if (word === null) return own && answer.wire !== undefined ? null : answer.complete ? implied(answer, dialect) : null
  const table = tables[dialect]
  const translated = Object.hasOwn(table, word) ? table[word] : undefined
  if (translated === undefined) return word
  return translated === 'end_turn' || translated === 'stop' ? implied(answer, dialect) : translated
}

function implied(answer: Answer, dialect: StopDialect): string {
  const calls = answer.message.blocks.some(block => block.kind === 'tool-call')
  if (dialect === 'responses') return 'completed'
  if (dialect === 'anthropic') return calls ? 'tool_use' : 'end_turn'
  return calls ? 'tool_calls' : 'stop'
}
