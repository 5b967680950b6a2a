// What the calls of a scope say about it: the facts a `--where` compares, and what there was to choose from when nothing was chosen. Pure.

import { sumTokens } from './conversion-counts.ts'
import type { CallTree } from './tree.ts'
import type { Facts } from './where.ts'

/** What can be named in a selection, over any number of scopes. */
export interface ScopeSight {
  readonly turns: ReadonlySet<number>
  readonly models: ReadonlySet<string>
  readonly from: number | null
  readonly to: number | null
}

export const nothingSeen: ScopeSight = { turns: new Set(), models: new Set(), from: null, to: null }

/** Facts known before win: a trial's record tells its duration, the calls only when they were made. */
export function readFacts(tree: CallTree, known: Facts): { readonly facts: Facts; readonly sight: ScopeSight } {
  const turns = new Set<number>()
  const models = new Set<string>()
  let [from, to, end, tokens] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const { call } of tree.calls) {
    if (call.turn !== null) turns.add(call.turn)
    if (call.model !== null) models.add(call.model)
    from = Math.min(from, call.startedAt)
    to = Math.max(to, call.startedAt)
    end = Math.max(end, call.endedAt ?? call.startedAt)
    tokens += sumTokens(call.usage)
  }
  const any = tree.calls.length > 0
  const facts: Facts = {
    turns: turns.size,
    calls: tree.calls.length,
    tokens,
    model: [...models],
    ...(any ? { duration: (end - from) / 1000 } : {}),
    ...known,
  }
  return { facts, sight: { turns, models, from: any ? from : null, to: any ? to : null } }
}

export function joinSights(one: ScopeSight, other: ScopeSight): ScopeSight {
  return {
    turns: new Set([...one.turns, ...other.turns]),
    models: new Set([...one.models, ...other.models]),
    from: one.from === null || (other.from !== null && other.from < one.from) ? other.from : one.from,
    to: one.to === null || (other.to !== null && other.to > one.to) ? other.to : one.to,
  }
}
