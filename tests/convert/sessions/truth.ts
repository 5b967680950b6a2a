// What is known of each call because the script made it: whom it continues and how. Derived from what the simulated clients did and from
// the specification's words only. Where the words leave a choice, every allowed answer is listed.

import type { EditKind, Relation, SideKind } from '../../../convert/link.ts'

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
}

export interface Truth {
  readonly id: string
  readonly records: readonly string[]
  readonly conversation: number
  readonly relations: readonly Relation[]
  readonly parents: ReadonlyArray<string | null>
  readonly via: ReadonlyArray<string | null>
  readonly side: SideKind | null
  readonly edit: EditKind | null
  readonly retryOf: string | null
  readonly generates: boolean
  /** Keys of the whole request and the answer. */
  readonly keys: readonly string[]
  readonly renamed: boolean
}

const separator = '\u0000'

/** `strictTimes`: the log's times tell the order; otherwise which of two branches came first is not known. */
export function deriveTruth(calls: readonly SentCall[], strictTimes: boolean): Truth[] {
  const ordered = [...calls].sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  const byId = new Map(calls.map(call => [call.id, call]))
  const firstAsked = new Map<string, string>()
  const childrenOf = new Map<string | null, SentCall[]>()
  const truths: Truth[] = []
  for (const call of ordered) {
    const asked = `${call.preamble}${separator}${separator}${call.keys.join(separator)}`
    const retryOf = firstAsked.get(asked) ?? null
    if (retryOf === null) firstAsked.set(asked, call.id)
    const siblings = call.draft.parents.flatMap(parent => childrenOf.get(parent) ?? [])
    truths.push({
      id: call.id,
      records: call.records,
      conversation: call.conversation,
      relations: readRelations(call, siblings, strictTimes, byId),
      parents: call.draft.parents,
      via: call.draft.via,
      side: call.draft.side,
      edit: call.draft.edit,
      retryOf,
      generates: call.answerKeys !== null,
      keys: [...call.keys, ...(call.answerKeys ?? [])],
      renamed: call.renamed,
    })
    // What generated nothing is not in the tree: it is nobody's other continuation.
    if (call.answerKeys !== null)
      for (const parent of call.draft.parents) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), call])
  }
  return truths
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
