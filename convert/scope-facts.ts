// What the calls of a scope say about it: the facts a `--where` compares, and what there was to choose from when nothing was chosen. Pure.

import type { EpochMs, Usage } from '../core/types.ts'
import { sumTokens } from './conversion-counts.ts'
import type { ScopeInfo } from './source.ts'
import type { Trajectory } from './trajectory.ts'
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

interface SeenCall {
  readonly turn: number | null
  readonly model: string | null
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs | null
  readonly usage: Usage | null
}

interface ReadFacts {
  readonly facts: Facts
  readonly sight: ScopeSight
}

export function readFacts(tree: CallTree, known: Facts): ReadFacts {
  return foldFacts(
    tree.calls.map(call => call.call),
    known,
  )
}

export function readSetFacts(trajectories: readonly Trajectory[], known: Facts): ReadFacts {
  return foldFacts(
    trajectories.flatMap(trajectory => trajectory.steps.flatMap(step => step.generation ?? [])),
    known,
  )
}

/** Facts known before win: a trial's record tells its duration, the calls only when they were made. */
function foldFacts(calls: readonly SeenCall[], known: Facts): ReadFacts {
  const turns = new Set<number>()
  const models = new Set<string>()
  let [from, to, end, tokens] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const { turn, model, startedAt, endedAt, usage } of calls) {
    if (turn !== null) turns.add(turn)
    if (model !== null) models.add(model)
    from = Math.min(from, startedAt)
    to = Math.max(to, startedAt)
    end = Math.max(end, endedAt ?? startedAt)
    tokens += sumTokens(usage)
  }
  const any = calls.length > 0
  const facts: Facts = {
    turns: turns.size,
    calls: calls.length,
    tokens,
    model: [...models],
    ...(any ? { duration: (end - from) / 1000 } : {}),
    ...known,
  }
  return { facts, sight: { turns, models, from: any ? from : null, to: any ? to : null } }
}

/** What the scope's own description says. */
export function readKnown({ task, agent, score }: ScopeInfo): Facts {
  return {
    ...(task === null ? {} : { task }),
    ...(agent === null ? {} : { agent: agent.name }),
    ...(score === null ? {} : { score }),
  }
}

export function joinSights(one: ScopeSight, other: ScopeSight): ScopeSight {
  return {
    turns: new Set([...one.turns, ...other.turns]),
    models: new Set([...one.models, ...other.models]),
    from: one.from === null || (other.from !== null && other.from < one.from) ? other.from : one.from,
    to: one.to === null || (other.to !== null && other.to > one.to) ? other.to : one.to,
  }
}
