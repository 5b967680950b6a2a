// The calls of some scopes as `turnpike show` tells them: every exchange in the order it arrived, decoded where a protocol claims
// it, with the messages that it added to its conversation. Reads; writes nothing.

import { asksModel, type DecodedCall, decodeExchange, isCall } from '../convert/decode.ts'
import { createNewMessages } from '../convert/messages-new.ts'
import type { Call, Exchange, Message, Usage } from '../core/types.ts'
import { sumWritten } from '../core/usage.ts'
import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { writeTime } from './listing.ts'
import { writeMessage } from './message-json.ts'

export interface ShownCall {
  readonly exchange: Exchange
  /** Null when it was not decoded; `undecodable` then says why. */
  readonly call: Call | null
  readonly decoded: DecodedCall | null
  readonly undecodable: string | null
  readonly messagesNew: readonly Message[]
}

/** `other`: what asks no model, such as token counts and lists of models, and traffic that no protocol claims. */
export interface ShownScope {
  readonly calls: readonly ShownCall[]
  readonly other: readonly Exchange[]
}

export async function readShown(store: Store, filter: ExchangeFilter): Promise<ShownScope> {
  const exchanges = await store.exchanges(filter)
  const rows = new Map<string, Call>()
  for (const scopeId of new Set(exchanges.map(exchange => exchange.scope.id)))
    for (const call of await store.list('calls', { scopeId })) rows.set(call.exchangeId, call)
  const fresh = createNewMessages()
  const calls: ShownCall[] = []
  for (const exchange of exchanges.filter(asksModel)) {
    const result = isCall(exchange) ? await decodeExchange(store, exchange) : { reason: 'it has not ended yet' }
    const decoded = 'reason' in result ? null : result
    calls.push({
      exchange,
      call: rows.get(exchange.id) ?? null,
      decoded,
      undecodable: 'reason' in result ? result.reason : null,
      messagesNew: decoded === null ? [] : fresh.add(decoded),
    })
  }
  return { calls, other: exchanges.filter(exchange => !asksModel(exchange)) }
}

export function writeShownCall(shown: ShownCall): object {
  const { exchange, call, decoded, undecodable, messagesNew } = shown
  const cost = call?.costNanoUsd ?? null
  return {
    ...writeExchange(exchange),
    provider_id: call?.answerId ?? decoded?.answer?.id ?? null,
    protocol: exchange.protocol,
    model: call?.modelAnswered ?? call?.modelAsked ?? decoded?.answer?.model ?? decoded?.conversation.model ?? null,
    model_asked: decoded?.conversation.model ?? null,
    usage: writeUsage(call?.usage ?? decoded?.answer?.usage ?? null),
    cost_usd: cost === null ? null : cost / 1e9,
    price_version: call?.priceVersion ?? null,
    stop_reason: decoded?.answer?.stopReason ?? null,
    complete: decoded?.answer?.complete ?? false,
    error: call?.error ?? null,
    undecodable,
    messages_new: messagesNew.map(writeMessage),
    answer: decoded?.answer ? writeMessage(decoded.answer.message) : null,
  }
}

export function writeExchange(exchange: Exchange): object {
  return {
    id: exchange.id,
    scope: exchange.scope,
    turn: exchange.turn,
    attempt: exchange.attempt,
    method: exchange.method,
    path: exchange.path,
    status: exchange.status,
    outcome: exchange.outcome,
    failure: exchange.failure,
    provider_request_id: exchange.providerRequestId,
    started_at: writeTime(exchange.startedAt),
    ms: exchange.endedAt === null ? null : Math.round(exchange.endedAt - exchange.startedAt),
    request_bytes: exchange.requestBytes,
    response_bytes: exchange.responseBytes,
  }
}

function writeUsage(usage: Usage | null): object | null {
  if (usage === null) return null
  return {
    input: usage.input,
    cached_read: usage.cachedRead,
    cached_write: sumWritten(usage),
    cached_write_5m: usage.cachedWrite5m,
    cached_write_1h: usage.cachedWrite1h,
    cached_write_other: usage.cachedWriteOther,
    output: usage.output,
    reasoning: usage.reasoning,
    source: usage.source,
    inconsistent: usage.inconsistent,
  }
}
