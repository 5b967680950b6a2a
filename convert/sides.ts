// Side calls: single calls beside a conversation, with a system text of their own: titles, warm-ups, probes. Told apart from roots by
// what the whole scope shows, because a root is known by being continued.

import type { Block } from '../core/types.ts'
import { type Line, nameLine } from './lines.ts'
import type { Link, SideKind } from './link.ts'
import type { LoadedCall, Preamble } from './load.ts'
import type { Openings } from './openings.ts'

export interface SideInputs {
  readonly preambles: readonly Preamble[]
  readonly openings: Openings
  /** In the tree's order. */
  readonly calls: readonly PlacedRoot[]
}

interface PlacedRoot {
  readonly call: LoadedCall
  readonly request: number
  /** The same for calls that asked the very same. */
  readonly asked: string
  readonly link: Link
}

/** An answer of so few tokens is wanted for its being there. */
const probeTokensMax = 16

/** Links of the roots that are side calls, by index. */
export function findSides({ preambles, openings, calls }: SideInputs): Map<number, Link> {
  const continued = new Set<string>()
  for (const { link } of calls) if (link.parent !== null) continued.add(calls[link.parent]?.asked ?? '')
  const isCandidate = ({ call, link, asked }: PlacedRoot): boolean =>
    link.relation === 'root' && (call.marks.isWarmup || !continued.has(asked))
  if (!calls.some(isCandidate)) return new Map()
  const hasTools = ({ preamble }: LoadedCall): boolean => (preambles[preamble]?.tools.length ?? 0) > 0
  const usesTools = calls.some(({ call }) => hasTools(call))
  const beginnings = createBeginnings()
  const begins = ({ link, asked }: PlacedRoot): boolean => opens(link) && continued.has(asked)
  for (const at of calls) if (begins(at)) beginnings.noteAny(openings.read(at.request).lines, at.call.preamble)

  const findSide = ({ call, request, link }: PlacedRoot): Link | null => {
    const { lines, readBlocks } = openings.read(request)
    const isProbe = call.maxTokens !== null && call.maxTokens <= probeTokensMax && continued.size > 0
    const isBare = usesTools && !hasTools(call)
    const isBeside = lines.some(line => beginnings.isShared(line, call.preamble))
    if (!call.marks.isWarmup && !isProbe && !isBare && !isBeside) return null
    const side = readKind(call, isProbe, [...(preambles[call.preamble]?.system ?? []), ...readBlocks()])
    return accompany(link, side, beginnings.findBefore(lines, call.preamble))
  }
  const sides = new Map<number, Link>()
  for (const [index, at] of calls.entries()) {
    if (begins(at)) beginnings.noteNext(openings.read(at.request).lines, at.call.preamble, index)
    const side = isCandidate(at) ? findSide(at) : null
    if (side !== null) sides.set(index, side)
  }
  return sides
}

/** The request brings its own beginning. */
function opens({ relation, kind }: Link): boolean {
  return relation === 'root' || kind === 'textual'
}

interface Companion {
  readonly index: number
  readonly preamble: number
}

/** Conversations by the lines they begin with. */
function createBeginnings() {
  const anywhere = new Map<number, number | 'several'>()
  /** The latest so far, and the latest with another preamble than that. */
  const latest = new Map<number, readonly [Companion, Companion | null]>()
  return {
    noteAny: (lines: readonly Line[], preamble: number): void => {
      for (const { hash } of lines) anywhere.set(hash, (anywhere.get(hash) ?? preamble) === preamble ? preamble : 'several')
    },
    noteNext: (lines: readonly Line[], preamble: number, index: number): void => {
      for (const { hash } of lines) {
        const [last, other] = latest.get(hash) ?? [null, null]
        latest.set(hash, [{ index, preamble }, last === null || last.preamble === preamble ? other : last])
      }
    },
    isShared: ({ hash }: Line, preamble: number): boolean => anywhere.has(hash) && anywhere.get(hash) !== preamble,
    findBefore: (lines: readonly Line[], preamble: number): { readonly index: number; readonly line: string } | null => {
      for (const { hash, text } of lines) {
        const found = latest.get(hash)?.find(companion => companion !== null && companion.preamble !== preamble)
        if (found !== undefined && found !== null) return { index: found.index, line: text }
      }
      return null
    },
  }
}

function readKind(call: LoadedCall, isProbe: boolean, blocks: readonly Block[]): SideKind {
  const texts = blocks.flatMap(block => (block.kind === 'text' ? [block.text] : []))
  if (call.marks.isWarmup || texts.at(-1)?.trim().toLowerCase() === 'warmup') return 'warmup'
  if (texts.some(text => /\btitles?\b/i.test(text))) return 'title'
  return isProbe ? 'probe' : 'unknown'
}

function accompany(link: Link, side: SideKind, beside: { readonly index: number; readonly line: string } | null): Link {
  if (beside === null) return { ...link, relation: 'side', side }
  const evidence = [...link.evidence, { kind: 'line', value: nameLine(beside.line) } as const]
  return { ...link, relation: 'side', kind: 'textual', parent: beside.index, side, evidence }
}
