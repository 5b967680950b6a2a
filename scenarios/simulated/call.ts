// One model call: request in, plan, answer, and how it will cross the wire. Sits between exchange.ts (HTTP) and the pure parts
// (brain, answer, faults). All that differs between two identical requests is in ProviderState.

import { assert, TurnpikeError } from '../../core/errors.ts'
import type { Conversation, JsonObject } from '../../core/types.ts'
import type { ProtocolAdapter, RequestAddress, StreamEvent } from '../../protocols/_adapter.ts'
import { framingById } from '../../protocols/_framings.ts'
import { writeAnswer } from './answer.ts'
import { faultKey, type Plan, planAnswer } from './brain.ts'
import type { Dialect } from './dialect.ts'
import { applyFault } from './faults.ts'
import type { Fault, SimulatedScript } from './script.ts'
import { jsonTransmission, streamTransmission, type Transmission } from './transmission.ts'
import type { PromptMemory } from './usage.ts'

/** What was decided about a model call, told before its first byte is sent. */
export interface CallNote {
  /** 1-based, in order of arrival. */
  readonly call: number
  readonly protocol: string
  readonly model: string
  readonly stream: boolean
  /** Index of the rule and the step that answer; -1 = no rule: the default answer or a side call. */
  readonly rule: number
  readonly step: number
  readonly fault: Fault['kind'] | null
}

/** What a server remembers from one request to the next. */
export interface ProviderState {
  readonly seed: number
  readonly script: SimulatedScript | null
  readonly memory: PromptMemory
  readonly faultsStruck: Map<string, number>
  calls: number
  readonly onCall: (note: CallNote) => void
  /** Stops taking connections for a while. */
  readonly refuseConnections: (ms: number) => void
}

export interface Caller {
  readonly dialect: Dialect
  readonly requestId: string
  /** On every answer, whatever it is. */
  readonly headers: Readonly<Record<string, string>>
}

interface Call extends AskedCall {
  readonly conversation: Conversation
  readonly model: string
  readonly plan: Plan
  readonly caller: Caller
}

export interface AskedCall {
  readonly adapter: ProtocolAdapter
  readonly address: RequestAddress
  readonly body: JsonObject
  /** How events are cut into frames where they are not sent over HTTP. */
  readonly frame?: (events: Iterable<StreamEvent>) => Buffer[]
}

export function answerCall({ adapter, address, body, frame }: AskedCall, caller: Caller, state: ProviderState): Transmission {
  const conversation = adapter.readRequest(body, address)
  const model = checkRequest(conversation, body, caller.dialect, state.script)
  const plan = planAnswer(conversation, state.script, state.seed, state)
  const call = { adapter, address, body, ...(frame ? { frame } : {}), conversation, model, plan, caller }
  state.calls++
  const { rule, step, fault } = plan
  state.onCall({
    call: state.calls,
    protocol: adapter.id,
    model,
    stream: conversation.stream,
    rule,
    step,
    fault: fault?.kind ?? null,
  })
  return fault === null ? sendAnswer(call, state.memory) : failCall(call, fault, state)
}

function failCall(call: Call, fault: Fault, state: ProviderState): Transmission {
  const { plan, caller } = call
  const key = faultKey(plan.rule, plan.step)
  state.faultsStruck.set(key, (state.faultsStruck.get(key) ?? 0) + 1)
  if (fault.kind === 'refuse_connection') state.refuseConnections(fault.ms)
  // Of these, nothing reached a model: the prompt is not remembered either.
  const unanswered = fault.kind === 'status' || fault.kind === 'reset' || fault.kind === 'refuse_connection'
  const sound = unanswered ? jsonTransmission(200, {}, caller.headers, plan.pace.delayMs) : sendAnswer(call, state.memory)
  return applyFault(sound, fault, caller)
}

/** What the provider would refuse at once; the model's name otherwise. */
function checkRequest(conversation: Conversation, body: JsonObject, dialect: Dialect, script: SimulatedScript | null): string {
  const { model, messages } = conversation
  if (model === null || model === '') throw new TurnpikeError('E_BAD_REQUEST', 'model: Field required')
  if (script?.models != null && !script.models.includes(model))
    throw new TurnpikeError('E_MODEL_UNKNOWN', `there is no model "${model}"`)
  if (messages.length === 0 && conversation.system.length === 0) {
    throw new TurnpikeError('E_BAD_REQUEST', 'messages: at least one message is required')
  }
  if (dialect.needsMaxTokens && body['max_tokens'] === undefined)
    throw new TurnpikeError('E_BAD_REQUEST', 'max_tokens: Field required')
  return model
}

function sendAnswer(
  { adapter, address, body, frame, conversation, model, plan, caller }: Call,
  memory: PromptMemory,
): Transmission {
  const { dialect, headers } = caller
  const wire = dialect.noteAnswer?.(body)
  const answer = { ...writeAnswer(plan, model, dialect, body, memory), ...(wire === undefined ? {} : { wire }) }
  const figures = { ...headers, 'x-turnpike-simulated-usage': plan.usage === null ? 'estimated' : 'scripted' }
  if (!conversation.stream) return jsonTransmission(200, adapter.writeResponse(answer), figures, plan.pace.delayMs)
  const streamed = dialect.streamsUsage(body) ? answer : { ...answer, usage: null }
  const events = [...adapter.writeEvents(streamed, text => chunkText(text, plan.pace.chunkChars))]
  if (dialect.ping) events.splice(1, 0, dialect.ping)
  const framing = framingById(dialect.chooseFraming?.(address) ?? adapter.framings[0] ?? 'sse')
  assert(framing !== null, `no framing for ${adapter.id}`)
  const charset = framing.contentType.startsWith('text/') ? '; charset=utf-8' : ''
  const frames = frame?.(events) ?? [...framing.writeEvents(events)]
  return streamTransmission(frames, framing.contentType + charset, figures, plan.pace)
}

/** Cut between characters, never inside a surrogate pair. */
function chunkText(text: string, chars: number): string[] {
  const characters = Array.from(text)
  const chunks: string[] = []
  for (let at = 0; at < characters.length; at += chars) chunks.push(characters.slice(at, at + chars).join(''))
  return chunks
}
