// Every wire protocol Turnpike can decode; a test holds this list against the directory. Traffic that none of them claims is forwarded and
// recorded all the same, it only lacks a decoded view.

import type { ProtocolAdapter } from './_adapter.ts'
import anthropicMessages from './anthropic-messages.ts'
import openaiChat from './openai-chat.ts'

export const protocols: readonly ProtocolAdapter[] = [anthropicMessages, openaiChat]

/** The protocol of a request; null when none claims it. The path is that after the attribution prefix; a query does not matter. */
export function findProtocol(method: string, path: string): ProtocolAdapter | null {
  const bare = path.replace(/[?#].*$/s, '')
  return protocols.find(protocol => protocol.routes.some(route => route.method === method && route.path.test(bare))) ?? null
}

export function protocolById(id: string): ProtocolAdapter | null {
  return protocols.find(protocol => protocol.id === id) ?? null
}
