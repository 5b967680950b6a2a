// The grid of a run: which trial stands for a cell (task x agent x model x repetition). A trial that was interrupted and played
// again keeps its rows, but only the newest one counts; everything that scores or shows a run asks here. Pure.

import type { Trial, TurnState } from './types.ts'

const excluded: ReadonlySet<TurnState> = new Set(['infra-error', 'missing', 'skipped'])

/** What broke outside the agent, has no record, or was not to be played: left out of scores, never a zero. */
export function isExcluded(state: TurnState): boolean {
  return excluded.has(state)
}

/** The trials that count, in their given order: of each cell the one that was created last. */
export function currentTrials(trials: readonly Trial[]): Trial[] {
  const newest = new Map<string, Trial>()
  for (const trial of trials) {
    const cell = nameCell(trial)
    const other = newest.get(cell)
    // Ids are ULIDs: the greater one is the younger.
    if (!other || trial.id > other.id) newest.set(cell, trial)
  }
  return trials.filter(trial => newest.get(nameCell(trial)) === trial)
}

/** For each trial, the id of the one that counts for its cell: what an interrupted trial cost belongs to the cell all the same. */
export function countingTrials(trials: readonly Trial[]): ReadonlyMap<string, string> {
  const current = new Map(currentTrials(trials).map(trial => [nameCell(trial), trial.id]))
  return new Map(trials.map(trial => [trial.id, current.get(nameCell(trial)) ?? trial.id]))
}

function nameCell(trial: Trial): string {
  return JSON.stringify([trial.runId, trial.taskId, trial.agent, trial.model, trial.index])
}
