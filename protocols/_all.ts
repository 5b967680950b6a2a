// Every wire protocol Turnpike can decode; a test holds this list against the directory. Traffic that none of them claims is forwarded and
// recorded all the same, it only lacks a decoded view.

import type { ProtocolAdapter, RoutePurpose } from './_adapter.ts'
import anthropicMessages from './anthropic-messages.ts'
import bedrockConverse from './bedrock-converse.ts'
import bedrockInvoke from './bedrock-invoke.ts'
import gemini from './gemini.ts'
import openaiChat from './openai-chat.ts'
import openaiResponses from './openai-responses.ts'

export const protocols: readonly ProtocolAdapter[] = [
  anthropicMessages,
  bedrockConverse,
  bedrockInvoke,
  gemini,
  openaiChat,
  openaiResponses,
]

export interface FoundRoute {
  readonly protocol: ProtocolAdapter
  readonly purpose: RoutePurpose
}

/**
 * The protocol of a request and what the request is for; null when none claims it. The path is that after the attribution prefix; a query
 * does not matter. `WS` is a message on a WebSocket and counts as POST.
 */
export function findRoute(method: string, path: string): FoundRoute | null {
  const bare = path.replace(/[?#].*$/s, '')
  const asked = method === 'WS' ? 'POST' : method
  for (const protocol of protocols) {
    const route = protocol.routes.find(candidate => candidate.method === asked && candidate.path.test(bare))
    if (route !== undefined) return { protocol, purpose: route.purpose }
  }
  return null
}

export function findProtocol(method: string, path: string): ProtocolAdapter | null {
  return findRoute(method, path)?.protocol ?? null
}

export function protocolById(id: string): ProtocolAdapter | null {
  return protocols.find(protocol => protocol.id === id) ?? null
}
