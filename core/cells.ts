// The grid of a run: which trial stands for a cell (task x agent x repetition, by its name). A trial that was interrupted and played
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

/** The same grid in the same order, however often trials were broken off and played again. */
export function sortTrials(trials: readonly Trial[]): Trial[] {
  const key = (trial: Trial): readonly string[] => [trial.taskId, trial.agent, trial.model ?? '']
  return [...trials].sort((one, other) => {
    const [keys, others] = [key(one), key(other)]
    const at = keys.findIndex((text, index) => text !== others[index])
    if (at >= 0) return (keys[at] ?? '') < (others[at] ?? '') ? -1 : 1
    if (one.index !== other.index) return one.index - other.index
    return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
  })
}

/** The name of the trial's cell, also when the trial was set aside. */
export function nameOfCell(trial: Trial): string {
  const suffix = asideSuffix(trial)
  return trial.name.endsWith(suffix) ? trial.name.slice(0, -suffix.length) : trial.name
}

/** What a trial's name ends with once another has taken its cell (docs/decisions/0005). */
export const asideSuffix = (trial: Trial): string => `~${trial.id.slice(-6).toLowerCase()}`

/** By name as well: two versions of one agent, or two ways to drive it, differ in nothing else. */
function nameCell(trial: Trial): string {
  return JSON.stringify([trial.runId, trial.taskId, trial.agent, trial.model, trial.index, nameOfCell(trial)])
}
