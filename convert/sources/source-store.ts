// Calls of one scope of a store. Of each request only what no earlier one of the scope has is read and parsed; what cannot be read
// in parts is decoded whole. Prices come from the `calls` rows.

import { readEncoding } from '../../core/encodings.ts'
import type { Exchange } from '../../core/types.ts'
import { protocolById } from '../../protocols/_all.ts'
import type { ExchangeFilter, Store } from '../../store/_adapter.ts'
import { type Decoded, decodeAnswer, decodeExchange, isCall } from '../decode.ts'
import { createPieceRequests, type PieceRequests, type ReadRequest } from './piece-requests.ts'
import type { ScopeInfo, SourceCall, SourceScope, Undecodable } from './source.ts'

export function readStoreScope(store: Store, filter: ExchangeFilter, scope: ScopeInfo): SourceScope {
  return {
    scope,
    async *calls() {
      const exchanges = await store.exchanges(filter)
      const requests = createPieceRequests(store.readPiece)
      const costOf = createCosts(store)
      for (const exchange of exchanges) if (isCall(exchange)) yield await readCall(store, exchange, requests, costOf)
    },
  }
}

/** Reads calls of one scope as they come: each only once, and of its request what no call before it had. */
export function openCallReader(store: Store): (exchange: Exchange) => Promise<SourceCall | Undecodable> {
  const requests = createPieceRequests(store.readPiece)
  const costOf = async ({ id }: Exchange): Promise<number | null> =>
    (await store.list('calls', { exchangeId: id }))[0]?.costNanoUsd ?? null
  return exchange => readCall(store, exchange, requests, costOf)
}

async function readCall(
  store: Store,
  exchange: Exchange,
  requests: PieceRequests,
  costOf: (exchange: Exchange) => Promise<number | null>,
): Promise<SourceCall | Undecodable> {
  const read = await readInParts(store, exchange, requests)
  const decoded = read ?? (await decodeExchange(store, exchange))
  if ('reason' in decoded) return { exchangeId: exchange.id, reason: decoded.reason }
  return { continues: null, ...decoded, costNanoUsd: await costOf(exchange) }
}

/** Null when the call has to be decoded whole. */
async function readInParts(
  store: Store,
  exchange: Exchange,
  requests: PieceRequests,
): Promise<(Exclude<Decoded, { reason: string }> & ReadRequest) | { readonly reason: string } | null> {
  const protocol = exchange.protocol === null ? null : protocolById(exchange.protocol)
  if (protocol === null) return null
  const { ids, decodedFrom } = await store.readRequestPieces(exchange.id)
  if (ids.length < 2 || (decodedFrom === null && readEncoding(exchange.requestHeaders) !== null)) return null
  // Before the request: what is read of that may be named by later calls, so it must be given out.
  const answered = await decodeAnswer(store, exchange, protocol)
  if ('reason' in answered) return answered
  const address = { path: exchange.path, query: exchange.query }
  const request = await requests.read({ id: exchange.id, protocol, address, pieces: ids })
  return request === null ? null : { exchange, ...answered, ...request }
}

/** Rows of a scope are looked up together, when its first call is. */
function createCosts(store: Store): (exchange: Exchange) => Promise<number | null> {
  const scopes = new Map<string, Promise<ReadonlyMap<string, number | null>>>()
  const load = async (scopeId: string): Promise<ReadonlyMap<string, number | null>> =>
    new Map((await store.list('calls', { scopeId })).map(call => [call.exchangeId, call.costNanoUsd]))
  return async ({ id, scope }) => {
    const costs = scopes.get(scope.id) ?? load(scope.id)
    scopes.set(scope.id, costs)
    return (await costs).get(id) ?? null
  }
}
