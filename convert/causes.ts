// Which calls come before a call because of what it holds, whatever the clocks say: answers it goes on from, ids and words that another
// generated. Ids and whole answers are certain; words are believed only where the clock leaves it open. Places and links nothing.

import type { ExpandedCall } from './expansion.ts'
import { assistantsBehind, type History } from './history.ts'
import type { IdentityTrie } from './identity-trie.ts'
import { readArgumentLines, readLines } from './lines.ts'
import { compareCalls, type LoadedCall } from './load.ts'
import type { Openings } from './openings.ts'
import type { ToolIds } from './tool-ids.ts'

export interface CauseInputs {
  readonly history: History
  readonly identities: IdentityTrie
  readonly openings: Openings
  readonly ids: ToolIds
}

export interface Causes {
  /** Takes in a placed call with its answer; false when a call that was looked at before should have come after it. */
  readonly note: (expanded: ExpandedCall) => boolean
  /** Who made what stands in a request behind the answer it extends. */
  readonly findMaker: (expanded: ExpandedCall, extended: number) => Maker | null
  /** Calls of the same moment whose words a request without a past begins with. */
  readonly findSpeakers: (expanded: ExpandedCall) => readonly LoadedCall[]
}

export interface Maker {
  readonly call: LoadedCall
  readonly isCertain: boolean
}

/** Logs stamp in whole seconds, or after the fact: by so much an answer's time may be behind that of a request which has its words. */
const clockSlackMs = 2000

export function createCauses({ history, identities, openings, ids }: CauseInputs): Causes {
  const makers = new Map<number, LoadedCall>()
  /** Blocks whose maker was looked for in vain, by the latest request that has them. */
  const missed = new Map<number, number>()
  const moments = createMoments(history)

  const isCertain = (node: number): boolean => {
    const { block, callId } = history.blockOf(node)
    return block.kind === 'tool-call' && callId !== null && !ids.isAmbiguous(callId)
  }

  return {
    note: expanded => {
      const { call, request, answer } = expanded
      let isLate = !moments.note(expanded)
      for (const node of history.between(request, answer)) {
        const key = identities.keyOf(node)
        if (key < 0) continue
        const before = makers.get(key)
        if (before === undefined || compareCalls(call, before) < 0) makers.set(key, call)
        isLate ||= call.startedAt <= (missed.get(key) ?? Number.NEGATIVE_INFINITY) + clockSlackMs
      }
      return !isLate
    },
    findMaker: ({ call, request }, extended) => {
      for (const node of assistantsBehind(history, request, extended)) {
        const key = identities.keyOf(node)
        if (key < 0) continue
        const maker = makers.get(key)
        if (maker !== undefined && maker !== call) {
          if (isCertain(node)) return { call: maker, isCertain: true }
          if (maker.startedAt <= call.startedAt + clockSlackMs) return { call: maker, isCertain: false }
        }
        missed.set(key, Math.max(missed.get(key) ?? call.startedAt, call.startedAt))
      }
      return null
    },
    findSpeakers: ({ call, request }) => moments.find(call, () => openings.read(request).lines.map(line => line.hash)),
  }
}

interface Moment {
  readonly calls: ExpandedCall[]
  /** Who says a line, the first of them only; null = not read yet. */
  lines: Map<number, readonly LoadedCall[]> | null
}

/** More calls of one moment with the same line tell nothing. */
const speakersMax = 4

/** Calls by the time they have in the log, each moment with the first call that says a line; lines are read where several share one. */
function createMoments(history: History) {
  const moments = new Map<number, Moment>()
  /** Lines that beginnings of the last moment have. */
  let asked: { readonly at: number; readonly lines: Set<number> } = { at: Number.NEGATIVE_INFINITY, lines: new Set() }

  const readSpeakers = (calls: readonly ExpandedCall[]): Map<number, readonly LoadedCall[]> => {
    const lines = new Map<number, readonly LoadedCall[]>()
    for (const expanded of [...calls].sort((a, b) => compareCalls(a.call, b.call)))
      for (const line of new Set(linesOf(expanded))) {
        const known = lines.get(line) ?? []
        if (known.length < speakersMax) lines.set(line, [...known, expanded.call])
      }
    return lines
  }
  const linesOf = ({ request, answer }: ExpandedCall): number[] =>
    history.between(request, answer).flatMap(node => {
      const { block } = history.blockOf(node)
      if (block.kind === 'text') return readLines(block.text).map(line => line.hash)
      return block.kind === 'tool-call' ? readArgumentLines(block.input ?? block.inputText).map(line => line.hash) : []
    })

  return {
    note: (expanded: ExpandedCall): boolean => {
      const at = expanded.call.startedAt
      const moment = moments.get(at)
      if (moment === undefined) moments.set(at, { calls: [expanded], lines: null })
      else {
        moment.calls.push(expanded)
        moment.lines = null
      }
      return asked.at !== at || !linesOf(expanded).some(line => asked.lines.has(line))
    },
    find: ({ startedAt }: LoadedCall, readHashes: () => readonly number[]): LoadedCall[] => {
      const moment = moments.get(startedAt)
      const hashes = readHashes()
      if (startedAt > asked.at) asked = { at: startedAt, lines: new Set() }
      if (startedAt === asked.at) for (const hash of hashes) asked.lines.add(hash)
      if (moment === undefined || moment.calls.length < 2) return []
      moment.lines ??= readSpeakers(moment.calls)
      return [...new Set(hashes.flatMap(hash => moment.lines?.get(hash) ?? []))]
    },
  }
}
