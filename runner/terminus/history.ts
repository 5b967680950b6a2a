// The conversation of `terminus` on disk: one JSON line per event, only ever appended to, also when it is compacted, so that all
// that was ever said can be read later. Knows no protocol; the messages are plain text.

import { type Conversation, openConversation } from '../mini/conversation.ts'

export interface Message {
  readonly role: 'user' | 'assistant'
  readonly text: string
}

export interface History {
  /** As they are sent: never empty, never two of one role in a row. */
  readonly messages: () => readonly Message[]
  /** Everything that was asked for since the conversation began, across its turns. */
  readonly requests: () => readonly string[]
  readonly addRequest: (text: string) => void
  readonly say: (text: string) => void
  /** `contextTokens`: what the provider counted for the whole conversation up to here, this answer included; null when not told. */
  readonly answer: (text: string, contextTokens: number | null) => void
  /** Puts other messages in the place of all. */
  readonly replace: (messages: readonly Message[]) => void
  /** Tokens of the conversation: what the provider has counted, plus an estimate of what came after. */
  readonly tokens: () => number
}

type Entry =
  | { readonly request: string }
  | { readonly replace: readonly Message[] }
  | (Message & { readonly contextTokens?: number })

/** Four bytes a token is the usual measure of English and code. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

export function openHistory(file: string): History {
  const log: Conversation<Entry> = openConversation<Entry>(file)
  const current = (): Array<Message & { readonly contextTokens?: number }> => {
    const from = log.messages.findLastIndex(entry => 'replace' in entry)
    const start = log.messages[from]
    const later = log.messages.slice(from + 1).flatMap(entry => ('role' in entry ? [entry] : []))
    return [...(start !== undefined && 'replace' in start ? start.replace : []), ...later]
  }
  return {
    messages: () => joinNeighbours(current()),
    requests: () => log.messages.flatMap(entry => ('request' in entry ? [entry.request] : [])),
    addRequest: request => log.append({ request }),
    say: text => log.append({ role: 'user', text }),
    answer: (text, contextTokens) =>
      // Providers refuse an empty message when it comes back.
      log.append({
        role: 'assistant',
        text: text.trim() === '' ? '(empty reply)' : text,
        ...(contextTokens === null ? {} : { contextTokens }),
      }),
    replace: messages => log.append({ replace: messages }),
    tokens: () => countTokens(current()),
  }
}

function countTokens(messages: ReadonlyArray<Message & { readonly contextTokens?: number }>): number {
  const counted = messages.findLastIndex(message => message.contextTokens !== undefined)
  const later = messages.slice(counted + 1)
  return (messages[counted]?.contextTokens ?? 0) + later.reduce((sum, { text }) => sum + estimateTokens(text), 0)
}

/** A process that was killed leaves a question without an answer; some providers refuse two messages of one role. */
export function joinNeighbours(messages: readonly Message[]): Message[] {
  const joined: Message[] = []
  for (const { role, text } of messages) {
    const last = joined.at(-1)
    if (last?.role === role) joined[joined.length - 1] = { role, text: `${last.text}\n\n${text}` }
    else joined.push({ role, text })
  }
  return joined
}
