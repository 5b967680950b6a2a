// Calls of one scope, placed and linked: the state that a whole scope fills at once and a live one call by call. What a later call would
// change of an earlier one is noticed here and said, so that the live tree is built again and never differs from the whole one.

import { orderCalls } from './call-order.ts'
import { type Causes, createCauses } from './causes.ts'
import { createDuplicates, type Duplicates } from './duplicates.ts'
import { createExpander, type ExpandedCall } from './expansion.ts'
import { createGenerators, type Generators } from './generators.ts'
import type { History } from './history.ts'
import { createIdentityTrie, type IdentityTrie } from './identity-trie.ts'
import type { Link } from './link.ts'
import { createLinker } from './links.ts'
import { compareCalls, type LoadedCall, type LoadedScope } from './load.ts'
import { createOpenings, type Openings } from './openings.ts'
import { createToolIds } from './tool-ids.ts'

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
  const causes = createCauses({ history, identities, openings, ids })
  let last: LoadedCall | null = null

  const noteIds = (call: LoadedCall, since: number): boolean => {
    expander.note(call)
    return call.answer !== null && ids.noteAnswer(call.request, call.answer, since)
  }
  /** True when earlier links may now be others. */
  const noteAnswer = (expanded: ExpandedCall): boolean => {
    const { call, request, answer } = expanded
    identities.placeAt(request, call.startedAt)
    if (answer === null) return false
    const isNew = identities.noteAnswer(request, answer, call.startedAt)
    return [isNew, generators.note(expanded), causes.note(expanded)].includes(false)
  }
  const findCauses = (call: LoadedCall) => readCauses(expander.expand(call), generators, causes, duplicates)
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
  // Answers before the requests that hold them, whatever the clocks say.
  const reachOf = createReaches(history)
  const byReach = kept.map(call => ({ call, reach: reachOf(expander.expand(call).request) })).sort((a, b) => a.reach - b.reach)
  for (const { call } of byReach) noteAnswer(expander.expand(call))
  const found = new Map(kept.map(call => [call, findCauses(call)]))
  const findCertain = (call: LoadedCall) => found.get(call)?.certain ?? []
  const findLikely = (call: LoadedCall) => found.get(call)?.likely ?? []
  for (const call of orderCalls({ calls: kept, findCertain, findLikely })) link(call)
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
      // Notes what it looks for, in case a later call has it.
      findCauses(call)
      link(call)
      return true
    },
  }
}

function readCauses(expanded: ExpandedCall, generators: Generators, causes: Causes, { standFor }: Duplicates) {
  const extended = generators.findExtended(expanded)
  const maker = causes.findMaker(expanded, extended?.node ?? 0)
  const certain = [extended?.parent, expanded.declared, maker?.isCertain === true ? maker.call : null]
  const isBeginning = extended === null && expanded.declared === null && maker === null
  const likely = isBeginning ? causes.findSpeakers(expanded) : maker?.isCertain === false ? [maker.call] : []
  return { certain: certain.flatMap(other => (other == null ? [] : [standFor(other)])), likely }
}

/** How far a request goes: blocks with an identity, texts of an assistant in a row as one. What holds an answer goes further than its request. */
function createReaches(history: History): (node: number) => number {
  const reaches: Array<{ readonly blocks: number; readonly isText: boolean } | undefined> = [{ blocks: 0, isText: false }]
  return node => {
    const open: number[] = []
    let at = node
    for (; reaches[at] === undefined; at = history.parentOf(at)) open.push(at)
    let reach = reaches[at] ?? { blocks: 0, isText: false }
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { role, block, strong } = history.blockOf(next)
      const isText = role === 'assistant' && block.kind === 'text'
      if (strong >= 0) reach = { blocks: reach.blocks + (isText && reach.isText ? 0 : 1), isText }
      reaches[next] = reach
    }
    return reach.blocks
  }
}
