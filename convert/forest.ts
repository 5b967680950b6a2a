// Calls of one scope, placed and linked: the state that a whole scope fills at once and a live one call by call. What a later call would
// change of an earlier one is noticed here and said, so that the live tree is built again and never differs from the whole one.

import { orderCalls } from './call-order.ts'
import { createDuplicates } from './duplicates.ts'
import { createExpander, type ExpandedCall } from './expansion.ts'
import { createGenerators } from './generators.ts'
import type { History } from './history.ts'
import { createIdentityTrie, type IdentityTrie } from './identity-trie.ts'
import type { Link } from './link.ts'
import { createLinker } from './links.ts'
import { compareCalls, type LoadedCall, type LoadedScope } from './load.ts'
import { createOpenings, type Openings } from './openings.ts'
import { createToolIds, type ToolIds } from './tool-ids.ts'

export interface PlacedCall extends ExpandedCall {
  readonly link: Link
  readonly requestNode: number
  /** Null when the answer has no visible words. */
  readonly answerNode: number | null
  /** The same for calls that asked the very same with the same system text and tools. */
  readonly asked: string
  readonly loggedTimes: number
}

export interface Forest {
  readonly identities: IdentityTrie
  readonly openings: Openings
  /** In the tree's order; grows. */
  readonly placed: readonly PlacedCall[]
  /** Takes in a call after all others; `since` = size of the history before it. False: it changes what was placed, so build anew. */
  readonly append: (call: LoadedCall, since: number) => boolean
}

type ForestInputs = Pick<LoadedScope, 'table' | 'history' | 'calls'>

export function growForest({ table, history, calls }: ForestInputs, scopeId: string): Forest {
  const ids = createToolIds(history)
  const identities = createIdentityTrie(table, history, ids, scopeId)
  const expander = createExpander(history)
  const duplicates = createDuplicates()
  const generators = createGenerators(history, identities)
  const openings = createOpenings(history)
  const linker = createLinker({ history, identities, generators, openings, standFor: duplicates.standFor })
  const placed: PlacedCall[] = []
  const makers = createMakers(history, ids)
  let last: LoadedCall | null = null

  const noteIds = (call: LoadedCall, since: number): boolean => {
    expander.note(call)
    return call.answer !== null && ids.noteAnswer(call.request, call.answer, since)
  }
  /** True when earlier links may now be others. */
  const noteAnswer = (expanded: ExpandedCall): boolean => {
    identities.place(expanded.request)
    if (expanded.answer === null) return false
    identities.noteAnswer(expanded.request, expanded.answer)
    makers.note(expanded)
    return !generators.note(expanded)
  }
  const findBefore = (call: LoadedCall): LoadedCall[] => {
    const expanded = expander.expand(call)
    const extended = generators.findExtended(expanded)
    const maker = makers.find(expanded.request, extended?.node ?? 0)
    return [extended?.parent, expanded.declared, maker].flatMap(other => (other == null ? [] : [duplicates.standFor(other)]))
  }
  const link = (call: LoadedCall): void => {
    const expanded = expander.expand(call)
    const requestNode = identities.place(expanded.request)
    const end = expanded.answer === null ? requestNode : identities.place(expanded.answer)
    placed.push({
      ...expanded,
      link: linker.add(placed.length, expanded),
      requestNode,
      answerNode: end === requestNode ? null : end,
      asked: `${requestNode} ${call.preamble}`,
      loggedTimes: duplicates.loggedTimes(call),
    })
  }

  for (const call of calls) noteIds(call, 0)
  for (const call of calls) expander.expand(call)
  ids.scan()
  const kept = calls.filter(call => !duplicates.add(expander.expand(call)))
  for (const call of kept) noteAnswer(expander.expand(call))
  for (const call of orderCalls(kept, findBefore)) link(call)
  last = calls.at(-1) ?? null

  return {
    identities,
    openings,
    placed,
    append: (call, since) => {
      if (last !== null && compareCalls(last, call) >= 0) return false
      last = call
      if (call.answerId !== null && expander.wasNamed(call.answerId)) return false
      if (noteIds(call, since)) return false
      const expanded = expander.expand(call)
      if (ids.scan() || duplicates.add(expanded) || noteAnswer(expanded)) return false
      link(call)
      return true
    },
  }
}

/** Which call made an id first: what holds the id comes after it, whatever the clocks say. */
function createMakers(history: History, ids: ToolIds) {
  const makers = new Map<string, LoadedCall>()
  const readId = (node: number): string | null => {
    const { block, callId } = history.blockOf(node)
    return block.kind !== 'tool-call' || callId === null || ids.isAmbiguous(callId) ? null : callId
  }
  return {
    note: ({ call, request, answer }: ExpandedCall): void => {
      for (const node of history.between(request, answer)) {
        const id = readId(node)
        if (id !== null && !makers.has(id)) makers.set(id, call)
      }
    },
    /** Of the last tool call that a request holds beyond what it extends. */
    find: (request: number, extended: number): LoadedCall | undefined => {
      for (let node = request; node !== extended; node = history.parentOf(node)) {
        const maker = makers.get(readId(node) ?? '')
        if (maker !== undefined) return maker
      }
      return undefined
    },
  }
}
