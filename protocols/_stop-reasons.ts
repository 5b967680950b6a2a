// Why a model stopped, between dialects. A word is kept as it came within its own dialect; the vocabularies share words only where they
// mean the same, so a word of another one is recognised by itself. Pure.

import type { Answer } from '../core/types.ts'

type Meaning = 'end' | 'stop-sequence' | 'length' | 'context' | 'tool' | 'refusal' | 'pause'

export type StopDialect = 'anthropic' | 'chat' | 'responses' | 'gemini' | 'bedrock'

const vocabularies: Readonly<Record<StopDialect, Readonly<Record<string, Meaning>>>> = {
  anthropic: {
    end_turn: 'end',
    max_tokens: 'length',
    stop_sequence: 'stop-sequence',
    tool_use: 'tool',
    pause_turn: 'pause',
    refusal: 'refusal',
    model_context_window_exceeded: 'context',
  },
  chat: { stop: 'end', length: 'length', tool_calls: 'tool', function_call: 'tool', content_filter: 'refusal' },
  responses: { completed: 'end', max_output_tokens: 'length', content_filter: 'refusal' },
  gemini: {
    STOP: 'end',
    MAX_TOKENS: 'length',
    SAFETY: 'refusal',
    RECITATION: 'refusal',
    LANGUAGE: 'refusal',
    BLOCKLIST: 'refusal',
    PROHIBITED_CONTENT: 'refusal',
    SPII: 'refusal',
    IMAGE_SAFETY: 'refusal',
  },
  bedrock: {
    end_turn: 'end',
    max_tokens: 'length',
    stop_sequence: 'stop-sequence',
    tool_use: 'tool',
    guardrail_intervened: 'refusal',
    content_filtered: 'refusal',
    model_context_window_exceeded: 'context',
  },
}

const words: Readonly<Record<StopDialect, Readonly<Record<Meaning, string>>>> = {
  anthropic: {
    end: 'end_turn',
    'stop-sequence': 'stop_sequence',
    length: 'max_tokens',
    context: 'model_context_window_exceeded',
    tool: 'tool_use',
    refusal: 'refusal',
    pause: 'pause_turn',
  },
  chat: {
    end: 'stop',
    'stop-sequence': 'stop',
    length: 'length',
    context: 'length',
    tool: 'tool_calls',
    refusal: 'content_filter',
    pause: 'stop',
  },
  // Only says why an answer is incomplete; one with tool calls is as complete as any.
  responses: {
    end: 'completed',
    'stop-sequence': 'completed',
    length: 'max_output_tokens',
    context: 'max_output_tokens',
    tool: 'completed',
    refusal: 'content_filter',
    pause: 'completed',
  },
  gemini: {
    end: 'STOP',
    'stop-sequence': 'STOP',
    length: 'MAX_TOKENS',
    context: 'MAX_TOKENS',
    tool: 'STOP',
    refusal: 'SAFETY',
    pause: 'STOP',
  },
  bedrock: {
    end: 'end_turn',
    'stop-sequence': 'stop_sequence',
    length: 'max_tokens',
    context: 'model_context_window_exceeded',
    tool: 'tool_use',
    refusal: 'content_filtered',
    pause: 'end_turn',
  },
}

/**
 * `stop` beside tool calls is what some servers say when they mean tool_calls, and all that Gemini says; agents then drop the calls, so a
 * translated answer says what it is. An answer made by hand without a reason gets the one its content implies.
 */
export function writeStopReason(answer: Answer, dialect: StopDialect, own: boolean): string | null {
  const word = answer.stopReason
  if (word === null) return own && answer.wire !== undefined ? null : answer.complete ? implied(answer, dialect) : null
  if (Object.hasOwn(vocabularies[dialect], word)) return word
  const meaning = meaningOf(word)
  if (meaning === null) return word
  const translated = words[dialect][meaning]
  return translated === words[dialect].end ? implied(answer, dialect) : translated
}

function meaningOf(word: string): Meaning | null {
  const vocabulary = Object.values(vocabularies).find(candidate => Object.hasOwn(candidate, word))
  return vocabulary?.[word] ?? null
}

function implied(answer: Answer, dialect: StopDialect): string {
  const calls = answer.message.blocks.some(block => block.kind === 'tool-call')
  return words[dialect][calls ? 'tool' : 'end']
}
