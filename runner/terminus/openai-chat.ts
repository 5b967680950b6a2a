// `terminus` over OpenAI Chat Completions, with the official client. Folds the raw chunks itself: compatible servers leave out
// fields that the client's own accumulator insists on.

import OpenAI from 'openai'
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import { TurnpikeError } from '../../core/errors.ts'
import { type AskModel, answerTimeoutMs, type ModelOptions } from './model.ts'

export function openChat(options: ModelOptions): AskModel {
  const client = new OpenAI({
    baseURL: `${options.baseUrl.replace(/\/$/, '')}/v1`,
    apiKey: options.token,
    maxRetries: 0,
    timeout: answerTimeoutMs,
  })
  return async (messages, signal) => {
    const chunks = await client.chat.completions.create(
      {
        ...writeChoices(options),
        model: options.model,
        messages: messages.map(({ role, text }) => ({ role, content: text })),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal },
    )
    let text = ''
    let finishReason: string | null = null
    let contextTokens: number | null = null
    for await (const chunk of chunks) {
      const choice = chunk.choices?.[0]
      text += choice?.delta?.content ?? ''
      if (choice?.finish_reason) finishReason = choice.finish_reason
      if (chunk.usage) contextTokens = chunk.usage.prompt_tokens + chunk.usage.completion_tokens
    }
    if (finishReason === null) throw new TurnpikeError('E_UPSTREAM_CUT', 'the answer of the model ended before its last event')
    return { text, cut: finishReason === 'length', contextTokens }
  }
}

function writeChoices(
  options: ModelOptions,
): Pick<ChatCompletionCreateParamsStreaming, 'temperature' | 'reasoning_effort' | 'max_completion_tokens'> {
  const { temperature, reasoningEffort, maxOutputTokens } = options
  return {
    ...(temperature === null ? {} : { temperature }),
    ...(reasoningEffort === null ? {} : { reasoning_effort: reasoningEffort }),
    ...(maxOutputTokens === null ? {} : { max_completion_tokens: maxOutputTokens }),
  }
}
