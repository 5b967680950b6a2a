// Why a model stopped, between dialects. A word is kept as it came within its own dialect; the vocabularies are disjoint, so a
// word of the other one is recognised by itself. Pure.

import type { Answer } from '../core/types.ts'

const anthropicOfChat: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
}

const chatOfAnthropic: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  pause_turn: 'stop',
  refusal: 'content_filter',
  model_context_window_exceeded: 'length',
}

export type StopDialect = 'anthropic' | 'chat'

/**
 * `stop` beside tool calls is what some servers say when they mean tool_calls; agents then drop the calls, so a translated answer
 * says what it is. An answer made by hand without a reason gets the one its content implies.
 */
export function writeStopReason(answer: Answer, dialect: StopDialect, own: boolean): string | null {
  const word = answer.stopReason
  if (word === null) return own && answer.wire !== undefined ? null : answer.complete ? implied(answer, dialect) : null
  const table = dialect === 'anthropic' ? anthropicOfChat : chatOfAnthropic
  const translated = Object.hasOwn(table, word) ? table[word] : undefined
  if (translated === undefined) return word
  return translated === 'end_turn' || translated === 'stop' ? implied(answer, dialect) : translated
}

function implied(answer: Answer, dialect: StopDialect): string {
  const calls = answer.message.blocks.some(block => block.kind === 'tool-call')
  if (dialect === 'anthropic') return calls ? 'tool_use' : 'end_turn'
  return calls ? 'tool_calls' : 'stop'
}
