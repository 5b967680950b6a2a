// The call trees of what a REF names, one for each trial or session, with the heads of their exchanges.

import { isCall } from '../convert/decode.ts'
import { buildLanes, type Lanes } from '../convert/lanes.ts'
import { loadSource } from '../convert/load.ts'
import { createBreath } from '../convert/scope-conversion.ts'
import type { ScopeInfo } from '../convert/source.ts'
import { readStoreScope } from '../convert/source-store.ts'
import type { StoreScope } from '../convert/store-scopes.ts'
import { buildTree, type CallTree } from '../convert/tree.ts'
import type { Exchange } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'

export interface ReadTree {
  readonly scope: ScopeInfo
  readonly tree: CallTree
  readonly lanes: Lanes
  readonly exchanges: ReadonlyMap<string, Exchange>
}

export async function readTree(
  store: Store,
  { filter, scope }: Pick<StoreScope, 'filter' | 'scope'>,
  signal: AbortSignal,
): Promise<ReadTree> {
  const exchanges = (await store.exchanges(filter)).filter(isCall)
  const source = readStoreScope(store, filter, scope)
  const breathe = createBreath(signal)
  const calls = async function* () {
    for await (const call of source.calls()) {
      await breathe()
      yield call
    }
  }
  const tree = buildTree(await loadSource({ scope, calls }), scope.id)
  return { scope, tree, lanes: buildLanes(tree), exchanges: new Map(exchanges.map(exchange => [exchange.id, exchange])) }
}
