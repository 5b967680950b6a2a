// The tree of a scope that is still being recorded: after each call the same tree as of all calls so far at once. A call that comes after
// the others and changes none of them costs what is new in it; any other has the tree built again.

import { type Forest, growForest } from './forest.ts'
import { createLoader } from './load.ts'
import type { SourceCall } from './source.ts'
import { type CallTree, readForest } from './tree.ts'

export interface LiveTree {
  /** A call of an id that is here already changes nothing. */
  readonly add: (call: SourceCall) => void
  readonly tree: () => CallTree
  /** How often calls had to be placed anew. */
  readonly rebuilt: () => number
}

export function createLiveTree(scopeId: string): LiveTree {
  const loader = createLoader()
  let forest: Forest | null = null
  let tree: CallTree | null = null
  let rebuilt = 0

  return {
    add: source => {
      const since = loader.size()
      const call = loader.add(source)
      if (call === null) return
      tree = null
      if (forest?.append(call, since) === false) forest = null
    },
    tree: () => {
      if (tree !== null) return tree
      const scope = { ...loader.finish(), undecodable: 0 }
      if (forest === null) rebuilt += 1
      forest ??= growForest(scope, scopeId)
      tree = readForest(scope, forest)
      return tree
    },
    rebuilt: () => rebuilt,
  }
}
