// `mini` over OpenAI Chat Completions, with the official client. Folds the raw chunks itself: compatible servers leave out
// fields that the client's own accumulator insists on.

import OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions'
import { TurnpikeError } from '../../core/errors.ts'
import { openConversation } from './conversation.ts'
import { type Answer, type Model, type ModelOptions, modelRetriesMax, systemPrompt, type ToolCall } from './model.ts'
import { shellTool } from './shell.ts'

interface PartialCall {
  id: string
  name: string
  arguments: string
}

interface PartialAnswer {
  text: string
  readonly calls: Map<number, PartialCall>
  finishReason: string | null
}

const tools: ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: shellTool.name, description: shellTool.description, parameters: { ...shellTool.schema } },
  },
]

export function openOpenaiModel(options: ModelOptions): Model {
  const client = new OpenAI({
    baseURL: `${options.baseUrl.replace(/\/$/, '')}/v1`,
    apiKey: options.token,
    maxRetries: modelRetriesMax,
    timeout: 900_000,
  })
  const conversation = openConversation<ChatCompletionMessageParam>(options.conversationFile)
  return {
    say: text => {
      if (conversation.messages.length === 0) conversation.append({ role: 'system', content: systemPrompt })
      conversation.append({ role: 'user', content: text })
    },
    ask: async signal => {
      const chunks = await client.chat.completions.create(
        {
          model: options.model,
          messages: [...conversation.messages],
          tools,
          stream: true,
          stream_options: { include_usage: true },
        },
        { signal },
      )
      const answer: PartialAnswer = { text: '', calls: new Map(), finishReason: null }
      for await (const chunk of chunks) foldChunk(answer, chunk)
      if (answer.finishReason === null) {
        throw new TurnpikeError('E_UPSTREAM_CUT', 'the answer of the model ended before its last event')
      }
      conversation.append(writeAnswer(answer))
      return readAnswer(answer)
    },
    giveResults: results => {
      for (const result of results) conversation.append({ role: 'tool', tool_call_id: result.id, content: result.text })
    },
    unanswered: () => readUnanswered(conversation.messages),
  }
}

function foldChunk(answer: PartialAnswer, chunk: ChatCompletionChunk): void {
  const choice = chunk.choices?.[0]
  if (!choice) return
  answer.text += choice.delta?.content ?? ''
  for (const [position, part] of (choice.delta?.tool_calls ?? []).entries()) {
    const index = part.index ?? position
    const call = answer.calls.get(index) ?? { id: '', name: '', arguments: '' }
    answer.calls.set(index, call)
    if (part.id) call.id = part.id
    if (part.function?.name) call.name = part.function.name
    call.arguments += part.function?.arguments ?? ''
  }
  if (choice.finish_reason) answer.finishReason = choice.finish_reason
}

function writeAnswer(answer: PartialAnswer): ChatCompletionMessageParam {
  const calls = [...answer.calls.values()].map(call => ({
    id: call.id,
    type: 'function' as const,
    function: { name: call.name, arguments: call.arguments },
  }))
  if (calls.length === 0) return { role: 'assistant', content: answer.text }
  return { role: 'assistant', content: answer.text === '' ? null : answer.text, tool_calls: calls }
}

function readAnswer(answer: PartialAnswer): Answer {
  const toolCalls = [...answer.calls.values()].map(call => ({ id: call.id, input: parseArguments(call.arguments) }))
  return { text: answer.text, toolCalls, cut: answer.finishReason === 'length' }
}

function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function readUnanswered(messages: readonly ChatCompletionMessageParam[]): readonly ToolCall[] {
  const answered = new Set<string>()
  for (const message of [...messages].reverse()) {
    if (message.role === 'tool') answered.add(message.tool_call_id)
    else if (message.role === 'assistant') {
      const calls = (message.tool_calls ?? []).filter(call => !answered.has(call.id))
      return calls.map(call => ({ id: call.id, input: null }))
    } else return []
  }
  return []
}
