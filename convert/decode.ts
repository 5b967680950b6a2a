// The decode stage: recorded bytes -> conversation and answer by their protocol -> one `calls` row per exchange, with its price.
// Derived and rebuildable: it changes no exchange, skips what is decoded already, and leaves a reason for what cannot be.

import { readEncoding, undoEncodings } from '../core/encodings.ts'
import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { Answer, Call, Conversation, EpochMs, Exchange, Usage } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { findRoute, protocolById } from '../protocols/_all.ts'
import { readEvents } from '../protocols/_framing.ts'
import { findFraming } from '../protocols/_framings.ts'
import { parseJson } from '../protocols/_json.ts'
import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { readHeader } from './bodies.ts'

/** Raised when the same bytes decode to something else; older rows are decoded again. */
export const decoderVersion = 1

export interface PriceInputs {
  readonly protocol: string
  /** Route that answered, `replay` when the answer came from a recording; it and `simulated` are never priced by a list. */
  readonly route: string | null
  readonly model: string | null
  readonly usage: Usage | null
  readonly at: EpochMs
}

export interface DecodeOptions {
  readonly price?: (inputs: PriceInputs) => { readonly nanoUsd: number; readonly version: string } | null
  /** Decode again what is decoded already: for a new price table. */
  readonly again?: boolean
  readonly onProgress?: (done: number, total: number) => void
}

export interface DecodeReport {
  readonly decoded: number
  readonly undecodable: number
  readonly reasons: ReadonlyArray<{ readonly exchangeId: string; readonly reason: string }>
}

export interface DecodedCall {
  readonly exchange: Exchange
  readonly conversation: Conversation
  /** Null when no answer arrived at all. */
  readonly answer: Answer | null
}

export type Decoded = DecodedCall | { readonly reason: string }

/** Rows per commit. */
const batchRows = 200

export async function decodeExchanges(store: Store, filter: ExchangeFilter, options: DecodeOptions = {}): Promise<DecodeReport> {
  const wanted = options.again === true ? filter : { ...filter, undecodedBy: decoderVersion }
  const exchanges = (await store.exchanges(wanted)).filter(isCall)
  const reasons: Array<{ exchangeId: string; reason: string }> = []
  let rows: Call[] = []
  let decoded = 0
  for (const [index, exchange] of exchanges.entries()) {
    const result = await decodeExchange(store, exchange)
    if ('reason' in result) reasons.push({ exchangeId: exchange.id, reason: result.reason })
    else {
      rows.push(writeCall(result, options.price))
      decoded += 1
    }
    if (rows.length >= batchRows) {
      await store.put('calls', rows)
      rows = []
    }
    options.onProgress?.(index + 1, exchanges.length)
  }
  if (rows.length > 0) await store.put('calls', rows)
  return { decoded, undecodable: reasons.length, reasons }
}

/** A request for an answer of a model, ended; what no protocol claims, token counts and model lists have no decoded view. */
export function isCall(exchange: Exchange): boolean {
  return exchange.outcome !== 'in-flight' && asksModel(exchange)
}

/** The same, ended or not. */
export function asksModel(exchange: Exchange): boolean {
  if (exchange.protocol === null) return false
  return (findRoute(exchange.method, exchange.path)?.purpose ?? 'generate') === 'generate'
}

/** The whole decoded call of one exchange, read from its bytes. */
export async function readCall(store: Store, exchangeId: string): Promise<DecodedCall> {
  const [exchange] = await store.exchanges({ id: exchangeId })
  if (exchange === undefined) throw new TurnpikeError('E_REF_UNKNOWN', `no exchange ${exchangeId} in the store`)
  if (exchange.protocol === null)
    throw new TurnpikeError('E_CONVERT_FAILED', `exchange ${exchangeId} belongs to no protocol that can be decoded`, {
      hint: `read its bytes: turnpike show ${exchangeId} --raw request`,
    })
  const result = await decodeExchange(store, exchange)
  if ('reason' in result)
    throw new TurnpikeError('E_CONVERT_FAILED', `exchange ${exchangeId} cannot be decoded: ${result.reason}`)
  return result
}

export async function decodeExchange(store: Store, exchange: Exchange): Promise<Decoded> {
  const protocol = exchange.protocol === null ? null : protocolById(exchange.protocol)
  if (protocol === null) return { reason: `no decoder for protocol ${exchange.protocol}` }
  const request = await readBytes(store, exchange, 'request')
  if (request === null) return { reason: 'the request has no body' }
  if ('reason' in request) return { reason: `request: ${request.reason}` }
  const answered = await decodeAnswer(store, exchange, protocol)
  return 'reason' in answered ? answered : decodeRequest(exchange, protocol, request.bytes, answered.answer)
}

/** A request whose bytes are at hand, with its answer. */
export function decodeRequest(exchange: Exchange, protocol: ProtocolAdapter, bytes: Buffer, answer: Answer | null): Decoded {
  const body = parseJson(bytes.toString('utf8'))
  if (body === undefined) return { reason: 'the request is not JSON' }
  try {
    return { exchange, conversation: protocol.readRequest(body, { path: exchange.path, query: exchange.query }), answer }
  } catch (error) {
    if (!isTurnpikeError(error)) throw error
    return { reason: error.message }
  }
}

/** Null when no answer arrived at all. */
export async function decodeAnswer(
  store: Store,
  exchange: Exchange,
  protocol: ProtocolAdapter,
): Promise<{ readonly answer: Answer | null } | { readonly reason: string }> {
  const response = await readBytes(store, exchange, 'response')
  if (response !== null && 'reason' in response) return { reason: `response: ${response.reason}` }
  return { answer: response === null ? null : readAnswer(protocol, exchange, response.bytes) }
}

async function readBytes(store: Store, exchange: Exchange, side: 'request' | 'response') {
  const body = await store.readBody(exchange.id, side)
  if (body === null || body.bytes.length === 0) return null
  const headers = side === 'request' ? exchange.requestHeaders : exchange.responseHeaders
  return undoEncodings(body.bytes, body.decodedFrom === null ? readEncoding(headers) : null)
}

/** An answer whose bytes are at hand, no longer encoded. */
export function readAnswer(
  protocol: ProtocolAdapter,
  exchange: Pick<Exchange, 'responseHeaders' | 'status'>,
  bytes: Buffer,
): Answer {
  const framing = findFraming(readHeader(exchange.responseHeaders, 'content-type'), bytes)
  if (framing !== null) return protocol.foldEvents(readEvents(framing, bytes))
  const body = parseJson(bytes.toString('utf8'))
  if (body !== undefined) return protocol.readResponse(body)
  const status = exchange.status ?? 0
  return {
    id: null,
    model: null,
    message: { role: 'assistant', blocks: [] },
    stopReason: null,
    usage: null,
    complete: false,
    error: { type: status >= 400 ? `http-${status}` : 'unreadable', message: bytes.subarray(0, 500).toString('utf8') },
  }
}

export function writeCall(decoded: DecodedCall, price: DecodeOptions['price']): Call {
  const { exchange, conversation, answer } = decoded
  const protocol = exchange.protocol ?? ''
  const usage = answer?.usage ?? null
  const modelAnswered = answer?.model ?? null
  const model = modelAnswered ?? conversation.model
  // A replay that lets misses pass to a provider chooses the provider's route for every call.
  const route = readHeader(exchange.responseHeaders, 'x-turnpike-replay') === null ? exchange.route : 'replay'
  const cost = price?.({ protocol, route, model, usage, at: exchange.startedAt }) ?? null
  return {
    exchangeId: exchange.id,
    scopeId: exchange.scope.id,
    turn: exchange.turn,
    attempt: exchange.attempt,
    protocol,
    modelAsked: conversation.model,
    modelAnswered,
    answerId: answer?.id ?? null,
    stopReason: answer?.stopReason ?? null,
    usage,
    toolCalls: answer?.message.blocks.flatMap(block => (block.kind === 'tool-call' ? [block.name] : [])) ?? [],
    complete: answer?.complete ?? false,
    error: readError(decoded),
    costNanoUsd: cost?.nanoUsd ?? null,
    priceVersion: cost?.version ?? null,
    decoder: decoderVersion,
  }
}

/** What the provider said, else what the wire did; a cut answer with content is partial, not an error. */
export function readError({ exchange, answer }: DecodedCall): Call['error'] {
  if (answer !== null && answer.error !== null) return answer.error
  if (isGeneration(answer)) return null
  if (exchange.failure !== null) return { type: exchange.failure.code, message: exchange.failure.message }
  if (exchange.status !== null && exchange.status >= 400) return { type: `http-${exchange.status}`, message: '' }
  return answer === null ? { type: exchange.outcome, message: 'no answer was recorded' } : null
}

/** The model produced something: a generation, whole or cut. */
export function isGeneration(answer: Answer | null): answer is Answer {
  return answer !== null && answer.message.blocks.length > 0
}
