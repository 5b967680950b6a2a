// `mini` over Anthropic Messages, with the official client. Answers are kept as the blocks that came, thinking and signatures
// included, because the provider wants them back unchanged.

import Anthropic from '@anthropic-ai/sdk'
import type { ContentBlock, MessageParam, ToolUseBlock } from '@anthropic-ai/sdk/resources/messages'
import { openConversation } from './conversation.ts'
import {
  type Answer,
  type Model,
  type ModelOptions,
  modelRetriesMax,
  outputTokensMax,
  systemPrompt,
  type ToolCall,
} from './model.ts'
import { shellTool } from './shell.ts'

export function openAnthropicModel(options: ModelOptions): Model {
  const client = new Anthropic({ baseURL: options.baseUrl, apiKey: options.token, maxRetries: modelRetriesMax, timeout: 900_000 })
  const conversation = openConversation<MessageParam>(options.conversationFile)
  return {
    say: text => conversation.append({ role: 'user', content: text }),
    ask: async signal => {
      const stream = client.messages.stream(
        {
          model: options.model,
          max_tokens: outputTokensMax,
          system: systemPrompt,
          tools: [{ name: shellTool.name, description: shellTool.description, input_schema: shellTool.schema }],
          messages: [...conversation.messages],
          // The provider moves the cache mark by itself: marks of ours would alter messages that were already sent.
          cache_control: { type: 'ephemeral' },
        },
        { signal },
      )
      const message = await stream.finalMessage()
      const content = message.content.filter(isSayable)
      conversation.append({ role: 'assistant', content: content.length > 0 ? content : '(no answer)' })
      return readAnswer(content, message.stop_reason === 'max_tokens')
    },
    giveResults: results =>
      conversation.append({
        role: 'user',
        content: results.map(result => ({
          type: 'tool_result',
          tool_use_id: result.id,
          content: result.text,
          ...(result.failed ? { is_error: true } : {}),
        })),
      }),
    unanswered: () => readCalls(conversation.messages.at(-1)),
  }
}

/** The provider refuses empty text blocks in what is sent back, though it may send them. */
function isSayable(block: ContentBlock): boolean {
  return block.type !== 'text' || block.text !== ''
}

function readAnswer(content: readonly ContentBlock[], cut: boolean): Answer {
  const text = content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join('\n')
  return { text, toolCalls: content.filter(isToolUse).map(readCall), cut }
}

function readCalls(message: MessageParam | undefined): readonly ToolCall[] {
  if (message?.role !== 'assistant' || typeof message.content === 'string') return []
  return message.content.flatMap(block => (block.type === 'tool_use' ? [readCall(block)] : []))
}

const isToolUse = (block: ContentBlock): block is ToolUseBlock => block.type === 'tool_use'
const readCall = (block: { readonly id: string; readonly input: unknown }): ToolCall => ({ id: block.id, input: block.input })
