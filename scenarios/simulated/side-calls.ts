// Calls that agents make beside the conversation: titles, summaries, suggestions, memory. They get a short answer of their own,
// never a scripted step. Recognised by what the request says, not by missing tools alone: some side calls carry tools.

import type { Block, Conversation, Message } from '../../core/types.ts'
import { settingsOf } from '../../protocols/_settings-readers.ts'

/** Room for fewer tokens than any answer of substance needs: a probe of key, quota or reachability. */
const probeTokensMax = 32

const titleWords = /\b(?:generate|write|create|produce|give)\b[^.]{0,60}\btitle\b|\btitle generator\b|\bsession title\b/i
/** Sent with the whole history and all tools, answered in text. */
const textOnlyWords =
  /\brespond with text only\b|\bdo not call any tools\b|^\[SUGGESTION MODE\b|\bdashboard line\b|\bCONTEXT CHECKPOINT COMPACTION\b/im
const summaryWords = /<summary>|\bsummar(?:y|ise|ize)\b/i
const memoryWords = /\bmemory extraction\b/i

/** The text that answers a side call, or null when the request is part of the conversation. */
export function answerSideCall(conversation: Conversation): string | null {
  const newest = newestUserText(conversation.messages)
  const system = textOf(conversation.system)
  const tools = conversation.tools.length > 0
  if (conversation.maxTokens !== null && conversation.maxTokens <= probeTokensMax && !tools) return 'simulated'
  if (!tools && asksForComplexity(conversation)) return '{"complexity_reasoning":"simulated","complexity_score":50}'
  if (memoryWords.test(system)) return 'Nothing to remember (simulated).'
  if (textOnlyWords.test(newest)) {
    return summaryWords.test(newest) ? '<summary>A simulated summary of the conversation.</summary>' : 'A simulated remark.'
  }
  if (!tools && (titleWords.test(system) || titleWords.test(newest))) return 'Simulated session'
  return null
}

/** Gemini CLI asks a small model which model shall answer, and retries for long when the answer is not the JSON it wants. */
function asksForComplexity(conversation: Conversation): boolean {
  const schema = settingsOf(conversation)?.outputSchema ?? null
  return schema !== null && JSON.stringify(schema).includes('"complexity_score"')
}

/** Everything said since the last answer: a title may be asked for in a message of its own, before or after the instruction. */
function newestUserText(messages: readonly Message[]): string {
  const since = messages.slice(messages.findLastIndex(message => message.role === 'assistant') + 1)
  return since.map(message => (message.role === 'user' ? textOf(message.blocks) : '')).join('\n')
}

function textOf(blocks: readonly Block[]): string {
  return blocks.map(block => (block.kind === 'text' ? block.text : '')).join('\n')
}
