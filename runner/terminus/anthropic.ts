// `terminus` over Anthropic Messages, with the official client. Text only: there are no tools, and thinking is not sent back.

import Anthropic from '@anthropic-ai/sdk'
import { TurnpikeError } from '../../core/errors.ts'
import { type AskModel, answerTimeoutMs, type ModelOptions } from './model.ts'

/** The protocol wants a limit; models that cannot give as much refuse it, so it is one that all current ones can. */
const outputTokensMax = 8_192

export function openAnthropic(options: ModelOptions): AskModel {
  const client = new Anthropic({ baseURL: options.baseUrl, apiKey: options.token, maxRetries: 0, timeout: answerTimeoutMs })
  return async (messages, signal) => {
    const stream = client.messages.stream(
      {
        ...writeChoices(options),
        model: options.model,
        messages: messages.map(({ role, text }) => ({ role, content: text })),
        // The provider moves the cache mark by itself: marks of ours would alter messages that were already sent.
        cache_control: { type: 'ephemeral' },
      },
      { signal },
    )
    const message = await stream.finalMessage()
    if (message.stop_reason === 'model_context_window_exceeded')
      throw new TurnpikeError('E_AGENT_FAILED', 'the prompt is too long: the answer ran into the context window')
    const { usage } = message
    const read = usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0)
    return {
      text: message.content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join(''),
      cut: message.stop_reason === 'max_tokens',
      contextTokens: read > 0 ? read + usage.output_tokens : null,
    }
  }
}

function writeChoices(options: ModelOptions) {
  const { temperature, reasoningEffort: effort, maxThinkingTokens: thinking } = options
  // Thinking counts towards the limit.
  const max_tokens = options.maxOutputTokens ?? outputTokensMax + (thinking ?? 0)
  return {
    max_tokens,
    ...(temperature === null ? {} : { temperature }),
    ...(thinking === null ? {} : { thinking: { type: 'enabled' as const, budget_tokens: thinking } }),
    ...(effort === null || effort === 'none' || effort === 'minimal' ? {} : { output_config: { effort } }),
  }
}
