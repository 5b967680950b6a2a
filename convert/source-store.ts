// Calls of one scope of a store, decoded from their bytes.

import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { decodeExchange, isCall } from './decode.ts'
import type { ScopeInfo, SourceScope } from './source.ts'

export function readStoreScope(store: Store, filter: ExchangeFilter, scope: ScopeInfo): SourceScope {
  return {
    scope,
    async *calls() {
      const exchanges = await store.exchanges(filter)
      for (const exchange of exchanges.filter(isCall)) {
        const decoded = await decodeExchange(store, exchange)
        if ('reason' in decoded) yield { exchangeId: exchange.id, reason: decoded.reason }
        else yield { ...decoded, continues: null, costNanoUsd: null }
      }
    },
  }
}
