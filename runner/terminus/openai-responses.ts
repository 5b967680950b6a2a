// `terminus` over OpenAI Responses, with the official client. The conversation is sent whole each time and nothing is stored with
// the provider, so that the record holds all of it.

import OpenAI from 'openai'
import type { Response, ResponseCreateParamsStreaming } from 'openai/resources/responses/responses'
import { TurnpikeError } from '../../core/errors.ts'
import { type Answer, type AskModel, answerTimeoutMs, type ModelOptions } from './model.ts'

export function openResponses(options: ModelOptions): AskModel {
  const client = new OpenAI({
    baseURL: `${options.baseUrl.replace(/\/$/, '')}/v1`,
    apiKey: options.token,
    maxRetries: 0,
    timeout: answerTimeoutMs,
  })
  return async (messages, signal) => {
    const events = await client.responses.create(
      {
        ...writeChoices(options),
        model: options.model,
        input: messages.map(({ role, text }) => ({ role, content: text })),
        store: false,
        stream: true,
      },
      { signal },
    )
    let text = ''
    for await (const event of events) {
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type === 'response.completed' || event.type === 'response.incomplete') return readAnswer(event.response, text)
      if (event.type === 'response.failed') throw new TurnpikeError('E_AGENT_FAILED', describeFailure(event.response))
      if (event.type === 'error')
        throw new TurnpikeError('E_AGENT_FAILED', `the model failed: ${event.code ?? ''} ${event.message}`)
    }
    throw new TurnpikeError('E_UPSTREAM_CUT', 'the answer of the model ended before its last event')
  }
}

function readAnswer(response: Response, text: string): Answer {
  const { usage } = response
  return {
    text,
    cut: response.incomplete_details?.reason === 'max_output_tokens',
    contextTokens: usage ? usage.input_tokens + usage.output_tokens : null,
  }
}

function describeFailure({ error }: Response): string {
  return `the model failed: ${error === null ? 'without saying why' : `${error.code} ${error.message}`}`
}

function writeChoices(
  options: ModelOptions,
): Pick<ResponseCreateParamsStreaming, 'temperature' | 'reasoning' | 'max_output_tokens'> {
  const { temperature, reasoningEffort, maxOutputTokens } = options
  return {
    ...(temperature === null ? {} : { temperature }),
    ...(reasoningEffort === null ? {} : { reasoning: { effort: reasoningEffort } }),
    ...(maxOutputTokens === null ? {} : { max_output_tokens: maxOutputTokens }),
  }
}
