// Who generated which point of a conversation, and which of them a request goes on from. Needs no clock except between calls that gave
// the very same answer to the very same question: the nearest generated point on a request's own path is its parent's.

import { addTo } from '../../core/groups.ts'
import { type Answered, chooseAnswered, sortAnswered } from './answered.ts'
import type { ExpandedCall } from './expansion.ts'
import type { History } from './history.ts'
import type { IdentityTrie } from './identity-trie.ts'
import type { LoadedCall } from './load.ts'

export interface Extended {
  readonly parent: LoadedCall
  /** History node up to which the parent's request and answer account for the request. */
  readonly node: number
}

export interface Generators {
  /** False when the answer had been looked for on some request's path before: what was found then may be another now. */
  readonly note: (expanded: ExpandedCall) => boolean
  readonly findExtended: (expanded: ExpandedCall) => Extended | null
}

export function createGenerators(history: History, identities: IdentityTrie): Generators {
  /** By identity node: the calls, by the history node of the answer as it was spelled. */
  const generators = new Map<number, Map<number, LoadedCall[]>>()
  const consulted = new Set<number>()
  /** Nearest generated history node of a node; 0 = none. */
  const nearest = new Map<number, number>()
  /** Of answers that look the same, those the history spells as the request does. */
  const alike = new Map<number, Answered<LoadedCall>>()

  const isGenerated = (node: number): boolean => {
    const { role, strong } = history.blockOf(node)
    // Thinking at the head of a message belongs to what follows it.
    if (role !== 'assistant' || (strong < 0 && history.startsMessage(node))) return false
    const identity = identities.place(node)
    consulted.add(identity)
    return generators.has(identity)
  }
  const findNearest = (node: number): number => {
    const open: number[] = []
    let at = node
    let found = 0
    for (; at !== 0; at = history.parentOf(at)) {
      const known = nearest.get(at)
      if (known !== undefined) {
        found = known
        break
      }
      open.push(at)
      if (isGenerated(at)) {
        found = at
        break
      }
    }
    for (const passed of open) nearest.set(passed, found)
    return found
  }
  /** By the answer word for word, else by what thinking and tool ids of it the request still has. */
  const findAlike = (node: number): Answered<LoadedCall> => {
    const known = alike.get(node)
    if (known !== undefined) return known
    const bySpelling = generators.get(identities.place(node)) ?? new Map<number, LoadedCall[]>()
    const found = sortAnswered(bySpelling.get(node) ?? findMostAlike(history, node, bySpelling))
    alike.set(node, found)
    return found
  }

  return {
    note: ({ call, request, answer }) => {
      if (answer === null) return true
      const identity = identities.place(answer)
      // An answer without visible words ends where its request ended: a repeated request must not seem to go on from it.
      if (identity === identities.place(request)) return true
      const bySpelling = generators.get(identity) ?? new Map<number, LoadedCall[]>()
      generators.set(identity, bySpelling)
      addTo(bySpelling, answer, call)
      return !consulted.has(identity)
    },
    findExtended: ({ call, request }) => {
      const node = findNearest(request)
      const parent = node === 0 ? null : chooseAnswered(findAlike(node), call)
      return parent === null ? null : { parent, node }
    },
  }
}

function findMostAlike(
  history: History,
  node: number,
  bySpelling: ReadonlyMap<number, readonly LoadedCall[]>,
): readonly LoadedCall[] {
  if (bySpelling.size === 1) return [...bySpelling.values()].flat()
  let most = -1
  let found: LoadedCall[] = []
  for (const [answer, calls] of bySpelling) {
    const shared = history.depthOf(history.commonAncestor(answer, node))
    const blocks = new Set(history.nodesFrom(answer, shared).map(history.referenceOf))
    const common = history.nodesFrom(node, shared).filter(member => blocks.has(history.referenceOf(member))).length
    const score = shared * 2 + common
    if (score > most) [most, found] = [score, [...calls]]
    else if (score === most) found.push(...calls)
  }
  return found
}
