// The call trees of what a REF names, while calls are made: each call is read once, and a tree is built anew only where a call changes
// what was placed. The same trees as read-trees.ts reads at once, of calls that have ended.

import { isCall } from '../convert/decode.ts'
import { openCallReader } from '../convert/sources/source-store.ts'
import { listStoreScopes, type StoreScope } from '../convert/sources/store-scopes.ts'
import { buildLanes } from '../convert/tree/lanes.ts'
import { createLiveTree, type LiveTree } from '../convert/tree/live-tree.ts'
import type { Exchange } from '../core/types.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { ReadTree } from './read-trees.ts'

export interface LiveTrees {
  /** Reads what has ended since; null when that is nothing. */
  readonly next: (signal: AbortSignal) => Promise<readonly ReadTree[] | null>
}

interface Growing {
  readonly live: LiveTree
  readonly read: ReturnType<typeof openCallReader>
  readonly exchanges: Map<string, Exchange>
  undecodable: number
  shown: ReadTree | null
}

export function openLiveTrees(store: Store, ref: Ref): LiveTrees {
  const growing = new Map<string, Growing>()
  let isFirst = true
  const grow = async (scope: StoreScope, signal: AbortSignal): Promise<boolean> => {
    const { id } = scope.scope
    const tree = growing.get(id) ?? openGrowing(store, id)
    growing.set(id, tree)
    const exchanges = await store.exchanges(scope.filter)
    const fresh = exchanges.filter(one => isCall(one) && one.outcome !== 'in-flight' && !tree.exchanges.has(one.id))
    for (const exchange of fresh) {
      if (signal.aborted) break
      await addCall(tree, exchange)
    }
    return fresh.length > 0
  }
  return {
    next: async signal => {
      const scopes = await listStoreScopes(store, [ref])
      const known = growing.size
      let isChanged = false
      for (const scope of scopes) if (await grow(scope, signal)) isChanged = true
      if (!isChanged && growing.size === known && !isFirst) return null
      isFirst = false
      return scopes.flatMap(scope => {
        const tree = growing.get(scope.scope.id)
        return tree === undefined ? [] : [showTree(tree, scope)]
      })
    },
  }
}

function openGrowing(store: Store, scopeId: string): Growing {
  return { live: createLiveTree(scopeId), read: openCallReader(store), exchanges: new Map(), undecodable: 0, shown: null }
}

async function addCall(growing: Growing, exchange: Exchange): Promise<void> {
  const call = await growing.read(exchange)
  growing.exchanges.set(exchange.id, exchange)
  growing.shown = null
  if ('reason' in call) growing.undecodable += 1
  else growing.live.add(call)
}

/** A trial to which nothing was added keeps its tree. */
function showTree(growing: Growing, { scope }: StoreScope): ReadTree {
  if (growing.shown !== null) return growing.shown
  const { undecodable } = growing
  const grown = growing.live.tree()
  const tree = { ...grown, scope: { ...grown.scope, undecodable } }
  growing.shown = { scope, tree, lanes: buildLanes(tree), exchanges: new Map(growing.exchanges) }
  return growing.shown
}
