// Calls of a source with their whole requests, put together as `continues` promises.
import { expect } from 'vitest'
import type { SourceCall, Undecodable } from '../../convert/source.ts'
import type { Conversation, Message } from '../../core/types.ts'

/** Every call with its whole request, as `continues` promises it. */
export async function readWhole(calls: AsyncIterable<SourceCall | Undecodable>) {
  const whole = new Map<string, readonly Message[]>()
  const found: Array<{ call: SourceCall; conversation: Conversation }> = []
  for await (const call of calls) {
    if ('reason' in call) continue
    const front = call.continues === null ? [] : whole.get(call.continues.callId)?.slice(0, call.continues.messages)
    expect(front, 'continues names a call given before').toBeDefined()
    expect(front?.length).toBe(call.continues?.messages ?? 0)
    const messages = [...(front ?? []), ...call.conversation.messages]
    whole.set(call.exchange.id, messages)
    found.push({ call, conversation: { ...call.conversation, messages } })
  }
  return found
}
