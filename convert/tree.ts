// The call tree: where each request continues which recorded answer, by what evidence. Pure; the same for the same calls in any order.
// Links are typed and never guessed silently: what no rule places is `unlinked`, and every call has exactly one link.

import { type Forest, growForest } from './forest.ts'
import type { Link } from './link.ts'
import type { LoadedCall, LoadedScope } from './load.ts'
import { findSides } from './sides.ts'

export interface TreeCall {
  readonly index: number
  readonly call: LoadedCall
  readonly link: Link
  /** Node of `scope.history` with all that was sent or pointed at. */
  readonly request: number
  /** The same with the answer behind it, word for word; null when nothing was generated. */
  readonly answer: number | null
  /** The recorded call whose answer the request names, also when that generated nothing and the parent is another. */
  readonly declared: number | null
  /** Identity of the request: calls with the same one asked the same thing, whatever the wire noise. Only within this tree. */
  readonly requestNode: number
  /** Identity after the answer; null when it has no visible words. */
  readonly answerNode: number | null
  /** The first call that asked the very same thing (same request node and preamble); null = this one did. */
  readonly retryOf: number | null
  /** System text or tools differ from those of the parent. */
  readonly preambleChanged: boolean
  /** How often the log holds this call; more than 1 where a recorder wrote it twice. */
  readonly loggedTimes: number
}

export interface CallTree {
  readonly scope: LoadedScope
  /** Parents before children; else by time, then id. */
  readonly calls: readonly TreeCall[]
  /** SHA-256 (hex) by which a requestNode or answerNode is known in every run: the same words have the same name. */
  readonly nodeId: (identity: number) => string
}

export function buildTree(scope: LoadedScope, scopeId: string): CallTree {
  return readForest(scope, growForest(scope, scopeId))
}

/** The tree as it stands; the forest may grow on. */
export function readForest(scope: LoadedScope, forest: Forest): CallTree {
  const { placed, openings, identities } = forest
  const sides = findSides({ preambles: scope.preambles, openings, calls: placed })
  const first = new Map<string, number>()
  const indexOf = new Map(placed.map(({ call }, index) => [call.id, index]))
  const calls = placed.map((at, index): TreeCall => {
    const { call, request, answer, requestNode, answerNode, asked, loggedTimes } = at
    const link = sides.get(index) ?? at.link
    const retryOf = first.get(asked) ?? null
    if (retryOf === null) first.set(asked, index)
    const parent = link.parent === null ? undefined : placed[link.parent]
    const preambleChanged = parent !== undefined && parent.call.preamble !== call.preamble
    const declared = at.declared === null ? null : (indexOf.get(at.declared.id) ?? null)
    const nodes = { request, answer, requestNode, answerNode }
    return { index, call, link, ...nodes, declared, retryOf, preambleChanged, loggedTimes }
  })
  return { scope, calls, nodeId: identities.nodeId }
}
