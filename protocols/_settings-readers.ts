// Which settings reader belongs to which dialect: a new protocol adds its own here. Pure.

import type { Conversation, JsonObject } from '../core/types.ts'
import { readAnthropicSettings } from './_anthropic-settings.ts'
import { readBedrockSettings } from './_bedrock-settings.ts'
import { readChatSettings } from './_chat-settings.ts'
import { readGeminiSettings } from './_gemini-settings.ts'
import { readResponsesSettings } from './_responses-settings.ts'
import { dialectOf, type Settings } from './_settings.ts'

const readers: ReadonlyMap<string, (extra: JsonObject) => Settings> = new Map([
  ['anthropic-messages', readAnthropicSettings],
  ['bedrock-converse', readBedrockSettings],
  ['gemini', readGeminiSettings],
  ['openai-chat', readChatSettings],
  ['openai-responses', readResponsesSettings],
])

/** The settings of a conversation that came from another dialect; null when it was made by hand. */
export function settingsOf(conversation: Conversation): Settings | null {
  const read = readers.get(dialectOf(conversation.wire) ?? '')
  return read ? read(conversation.extra) : null
}
