// What is known of each call because the script made it: whom it continues and how. Derived from what the simulated clients did and from
// the specification's words only. Where the words leave a choice, every allowed answer is listed.

import type { EditKind, Relation, SideKind } from '../../../convert/tree/link.ts'

/** How a client came to send what it sent; `chain`: it goes on where its last answer ended. */
export interface Draft {
  readonly relation: 'chain' | 'declared' | 'edit' | 'root' | 'subagent' | 'compact' | 'side'
  /** Allowed parents; several where identical answers cannot be told apart. */
  readonly parents: ReadonlyArray<string | null>
  readonly via: ReadonlyArray<string | null>
  readonly side: SideKind | null
  /** The one edit that was made, where there was only one. */
  readonly edit: EditKind | null
}

export interface SentCall {
  readonly id: string
  readonly client: number
  readonly conversation: number
  readonly draft: Draft
  readonly startedAt: number
  /** Keys of the whole request, deltas expanded. */
  readonly keys: readonly string[]
  /** Null: it generated nothing. */
  readonly answerKeys: readonly string[] | null
  readonly preamble: string
  /** Log records of this very call: its own id, and those of the second writing. */
  readonly records: string[]
  /** A gateway gave its tool calls other names than the server did. */
  readonly renamed: boolean
  /** Its server counts tool calls from 0 in every answer. */
  readonly repeats: boolean
}

export interface Truth {
  readonly id: string
  readonly records: readonly string[]
  readonly conversation: number
  readonly relations: readonly Relation[]
  readonly parents: ReadonlyArray<string | null>
  readonly via: ReadonlyArray<string | null>
  readonly side: SideKind | null | 'any'
  readonly edit: EditKind | null
  /** The first call that asked the same; where the clock does not tell which was first, any of them or none. */
  readonly retryOf: ReadonlyArray<string | null>
  readonly generates: boolean
  /** Keys of the whole request and the answer. */
  readonly keys: readonly string[]
  readonly renamed: boolean
  /** Its server counts tool calls from 0 in every answer. */
  readonly repeats: boolean
}

const separator = '\u0000'

/** `strictTimes`: the log's times tell the order; otherwise which of two branches or tries came first is not known. */
export function deriveTruth(calls: readonly SentCall[], strictTimes: boolean): Truth[] {
  const ordered = [...calls].sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  const byId = new Map(calls.map(call => [call.id, call]))
  const asked = groupSame(ordered)
  const childrenOf = new Map<string | null, SentCall[]>()
  return ordered.map(call => {
    const same = (asked.get(nameAsked(call)) ?? []).map(one => one.id)
    const first = same[0] === call.id ? null : (same[0] ?? null)
    const siblings = call.draft.parents.flatMap(parent => childrenOf.get(parent) ?? [])
    // What generated nothing is not in the tree: it is nobody's other continuation.
    if (call.answerKeys !== null)
      for (const parent of call.draft.parents) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), call])
    return {
      id: call.id,
      records: call.records,
      conversation: call.conversation,
      ...readPlace(call, calls, readRelations(call, siblings, strictTimes, byId), strictTimes),
      via: call.draft.via,
      edit: call.draft.edit,
      retryOf: strictTimes || same.length === 1 ? [first] : [null, ...same],
      generates: call.answerKeys !== null,
      keys: [...call.keys, ...(call.answerKeys ?? [])],
      renamed: call.renamed,
      repeats: call.repeats,
    }
  })
}

function nameAsked(call: SentCall): string {
  return `${call.preamble}${separator}${separator}${call.keys.join(separator)}`
}

function groupSame(calls: readonly SentCall[]): Map<string, SentCall[]> {
  const groups = new Map<string, SentCall[]>()
  for (const call of calls) groups.set(nameAsked(call), [...(groups.get(nameAsked(call)) ?? []), call])
  return groups
}

function readPlace(
  call: SentCall,
  calls: readonly SentCall[],
  relations: readonly Relation[],
  strictTimes: boolean,
): Pick<Truth, 'relations' | 'parents' | 'side'> {
  const { parents, relation, side } = call.draft
  // A first call that nothing goes on from, beside another with its words and another preamble, is by the rules a side call of unknown kind.
  const isFirst = (one: SentCall) =>
    ['root', 'compact'].includes(one.draft.relation) && one.keys[0] === call.keys[0] && one.preamble !== call.preamble
  const extended = calls.some(one => one.draft.relation !== 'side' && one.draft.parents.includes(call.id))
  if (relation === 'root' && !extended && calls.some(isFirst))
    return { relations: ['root', 'side'], parents: [null, '*'], side: 'any' }
  // Beside nothing that goes on there is no lane to stand beside.
  const alone = calls.every(one => one.draft.relation === 'side' || one.draft.parents[0] === null)
  if (relation === 'side' && alone) return { relations: ['root', 'side'], parents: [null, '*'], side: 'any' }
  // Words alone do not tell who wrote them first, nor whether somebody still worked at what by the clock was answered.
  const late = calls.some(one => parents.includes(one.id) && one.startedAt > call.startedAt)
  const answered = calls.some(
    one =>
      !['subagent', 'compact', 'side'].includes(one.draft.relation) &&
      one.draft.parents.some(parent => parents.includes(parent)) &&
      one.startedAt < call.startedAt,
  )
  if (!strictTimes && (late || answered) && (relation === 'subagent' || relation === 'compact'))
    return { relations: [relation, 'root', 'side'], parents: [...parents, null, '*'], side: 'any' }
  // Names that a gateway gave are known by their place among calls that came before.
  if (!strictTimes && call.renamed)
    return {
      relations: [...relations, 'extend', 'fork', 'edit', 'subagent', 'compact', 'root', 'side'],
      parents: ['*', null],
      side: 'any',
    }
  return { relations, parents, side }
}

function readRelations(
  call: SentCall,
  earlier: readonly SentCall[],
  strictTimes: boolean,
  byId: ReadonlyMap<string, SentCall>,
): Relation[] {
  if (call.draft.relation !== 'chain') return [call.draft.relation]
  if (!strictTimes || call.draft.parents.length > 1) return ['extend', 'fork']
  const news = (one: SentCall): string => {
    const parent = byId.get(call.draft.parents[0] ?? '')
    const before = parent === undefined ? 0 : parent.keys.length + (parent.answerKeys?.length ?? 0)
    return one.keys.slice(before).join(separator)
  }
  const chained = earlier.filter(one => one.draft.relation === 'chain' || one.draft.relation === 'declared')
  const other = chained.some(one => news(one) !== news(call))
  const same = chained.some(one => news(one) === news(call))
  const unsure = earlier.some(one => one.draft.relation === 'edit' || one.draft.relation === 'compact')
  if (other) return same ? ['extend', 'fork'] : ['fork']
  return unsure ? ['extend', 'fork'] : ['extend']
}
