// What a run has before it and, when it is resumed, behind it, for its first event: a view of it then knows what is done and what is to
// come. Reads rows of trials that stand; decides nothing.

import type { Task } from '../core/task.ts'
import type { JsonObject, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import type { Cell } from './grid.ts'
import type { Policy } from './policy.ts'

export interface PlayedTurns {
  readonly firstTurn: number
  readonly lastTurn: number
}

/** The turns of a task that the agent plays; before and after them none is. */
export function findPlayedTurns(task: Task, { fromTurn, toTurn }: Pick<Policy, 'fromTurn' | 'toTurn'>): PlayedTurns {
  return { firstTurn: fromTurn, lastTurn: Math.min(toTurn ?? task.turns.length, task.turns.length) }
}

export interface OutlookInput {
  readonly store: Store
  readonly cells: readonly Cell[]
  readonly policy: Policy
  /** Trials of an earlier stretch that are not played again. */
  readonly kept: readonly Trial[]
}

/** Turns to play in all trials, and what of them trials that stand have done: their turns, those that passed, trials that failed. */
export async function describeOutlook({ store, cells, policy, kept }: OutlookInput): Promise<JsonObject> {
  const turnsOf = ({ task }: Cell): number => {
    const { firstTurn, lastTurn } = findPlayedTurns(task, policy)
    return Math.max(0, lastTurn - firstTurn + 1)
  }
  const sum = (some: readonly Cell[]): number => some.reduce((total, cell) => total + turnsOf(cell), 0)
  const names = new Set(kept.map(trial => trial.name))
  const turns = (await Promise.all(kept.map(({ id: trialId }) => store.list('turns', { trialId })))).flat()
  return {
    turnsToPlay: sum(cells),
    keptTurns: sum(cells.filter(cell => names.has(cell.name))),
    keptPassed: turns.filter(turn => turn.state === 'passed').length,
    keptFailed: kept.filter(trial => trial.outcome?.kind !== 'finished').length,
  }
}
