// A small agent on paper: it keeps histories as a client would, and gives the calls that crossed the wire, as decoded or as bytes.

import type { SourceCall } from '../../convert/sources/source.ts'
import type { Answer, Block, Conversation, Exchange, Message, ToolDefinition, Usage } from '../../core/types.ts'
import { writeSse } from '../../protocols/_sse.ts'
import anthropicMessages from '../../protocols/anthropic-messages.ts'
import type { Store } from '../../store/_adapter.ts'
import { makeExchange, makeUsage } from '../rows.ts'

export const tools: readonly ToolDefinition[] = [
  {
    name: 'bash',
    description: 'Runs a command.',
    schema: { type: 'object', properties: { command: { type: 'string' } } },
    raw: null,
  },
]

export function text(value: string): Block {
  return { kind: 'text', text: value }
}

export function user(value: string): Message {
  return { role: 'user', blocks: [text(value)] }
}

export function toolCall(id: string, command: string): Block {
  const input = { command }
  return { kind: 'tool-call', id, name: 'bash', input, inputText: JSON.stringify(input) }
}

export function toolResult(id: string, value: string, isError = false): Message {
  return { role: 'user', blocks: [{ kind: 'tool-result', callId: id, content: [text(value)], isError }] }
}

export function assistant(...blocks: readonly Block[]): Message {
  return { role: 'assistant', blocks }
}

export function usage(input: number, output: number, cachedRead = 0): Usage {
  return makeUsage({ input, cachedRead, output })
}

export interface ScriptedCall {
  readonly id: string
  readonly at: number
  readonly messages: readonly Message[]
  readonly system?: string
  /** Null: the call failed before anything was generated. */
  readonly answer: Message | null
  readonly answerId?: string | null
  readonly complete?: boolean
  readonly usage?: Usage | null
  readonly extra?: Conversation['extra']
  readonly turn?: number
}

function exchange(call: ScriptedCall, scopeId: string): Exchange {
  return makeExchange({
    id: call.id,
    scope: { kind: 'session', id: scopeId },
    status: call.answer === null ? 529 : 200,
    responseSha256: null,
    startedAt: call.at,
    firstByteAt: call.at + 1,
    endedAt: call.at + 2,
  })
}

export function conversation(call: ScriptedCall): Conversation {
  return {
    model: 'model-a',
    stream: false,
    system: [text(call.system ?? 'You are a test.')],
    messages: call.messages,
    tools,
    maxTokens: 1000,
    temperature: null,
    extra: call.extra ?? {},
  }
}

export function answer(call: ScriptedCall): Answer | null {
  if (call.answer === null) return null
  return {
    id: call.answerId === undefined ? `msg_${call.id}` : call.answerId,
    model: 'model-a-1',
    message: call.answer,
    stopReason: call.complete === false ? null : 'end_turn',
    usage: call.usage === undefined ? usage(100, 10) : call.usage,
    complete: call.complete ?? true,
    error: null,
  }
}

export function decode(call: ScriptedCall, scopeId = 's'): SourceCall {
  return {
    exchange: exchange(call, scopeId),
    conversation: conversation(call),
    answer: answer(call),
    continues: null,
    costNanoUsd: null,
  }
}

/** Records the call as the proxy would: Anthropic bytes, streamed when the answer is cut. */
export async function record(
  store: Store,
  call: ScriptedCall,
  scope: { readonly kind: 'trial' | 'session'; readonly id: string },
): Promise<void> {
  const request = Buffer.from(JSON.stringify(anthropicMessages.writeRequest(conversation(call))))
  await store.recorder.begin({
    id: call.id,
    scope,
    turn: call.turn ?? 1,
    attempt: 1,
    protocol: 'anthropic-messages',
    route: null,
    method: 'POST',
    path: '/v1/messages',
    query: '',
    requestHeaders: [['content-type', 'application/json']],
    requestBody: request,
    startedAt: call.at,
    secrets: [],
  })
  const whole = answer(call)
  const { bytes, type } = writeAnswer(whole, call.complete ?? true)
  store.recorder.append(call.id, bytes, call.at + 1)
  await store.recorder.end(call.id, {
    status: whole === null ? 529 : 200,
    responseHeaders: [['content-type', type]],
    outcome: call.complete === false ? 'upstream-cut' : 'complete',
    failure: call.complete === false ? { code: 'E_UPSTREAM_CUT', message: 'the connection was closed' } : null,
    providerRequestId: null,
    retries: 0,
    firstByteAt: call.at + 1,
    endedAt: call.at + 2,
  })
}

function writeAnswer(whole: Answer | null, complete: boolean): { readonly bytes: Buffer; readonly type: string } {
  if (whole === null)
    return {
      bytes: Buffer.from(JSON.stringify(anthropicMessages.writeError(529, 'overloaded_error', 'busy'))),
      type: 'application/json',
    }
  if (complete) return { bytes: Buffer.from(JSON.stringify(anthropicMessages.writeResponse(whole))), type: 'application/json' }
  const events = [...anthropicMessages.writeEvents({ ...whole, complete: true })].map(writeSse)
  // Without message_delta and message_stop: the text has arrived, the end has not.
  return { bytes: Buffer.from(events.slice(0, -2).join('')), type: 'text/event-stream' }
}
