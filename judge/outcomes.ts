// What one trial, and one task over its trials, did: pass rate, perfect, final turn, stamina, recovery, pass@k and pass^k.
// Pure. `drop` leaves excluded cells out, and then a number that depends on one of them is null, never a guess.

import { isExcluded } from '../core/cells.ts'
import { type Fill, type GridTask, type GridTrial, readOutcome, readShare } from './grid.ts'

/** A number of one trial; null = cannot be said because of excluded cells. */
export type ReadTrial = (trial: GridTrial, fill: Fill) => number | null

export function known(values: ReadonlyArray<number | null>): number[] {
  return values.filter(value => value !== null)
}

/** Mean of the known values; null when there is none. */
export function mean(values: ReadonlyArray<number | null>): number | null {
  const some = known(values)
  return some.length === 0 ? null : some.reduce((sum, value) => sum + value, 0) / some.length
}

export function trialPassRate(trial: GridTrial, fill: Fill): number | null {
  return mean(trial.cells.map(cell => readOutcome(cell, fill)))
}

export function trialCaseRate(trial: GridTrial, fill: Fill): number | null {
  return mean(trial.cells.map(cell => readShare(cell, fill)))
}

/** 1 = every planned turn passed. One failed turn settles it; otherwise an excluded turn leaves it open. */
export function trialPerfect(trial: GridTrial, fill: Fill): 0 | 1 | null {
  const outcomes = trial.cells.map(cell => readOutcome(cell, fill))
  if (outcomes.includes(0)) return 0
  return outcomes.includes(null) || outcomes.length === 0 ? null : 1
}

export function trialFinal(trial: GridTrial, fill: Fill): 0 | 1 | null {
  const last = trial.cells.at(-1)
  return last === undefined ? null : readOutcome(last, fill)
}

/** Turns passed before the first that was not; open when an excluded turn comes first. */
export function trialStamina(trial: GridTrial, fill: Fill): number | null {
  let survived = 0
  for (const cell of trial.cells) {
    const outcome = readOutcome(cell, fill)
    if (outcome === null) return null
    if (outcome === 0) return survived
    survived += 1
  }
  return survived
}

/** [turns that passed right after a failed turn, turns begun right after a failed turn]. */
export function trialRecovery(trial: GridTrial): readonly [number, number] {
  let recovered = 0
  let chances = 0
  for (const [index, cell] of trial.cells.entries()) {
    const before = trial.cells[index - 1]
    if (before === undefined || (before.state !== 'failed' && before.state !== 'agent-error')) continue
    if (isExcluded(cell.state) || cell.state === 'not-reached') continue
    chances += 1
    if (cell.state === 'passed') recovered += 1
  }
  return [recovered, chances]
}

export function trialAttempts(trial: GridTrial): readonly [number, number] {
  const scored = trial.cells.filter(cell => !isExcluded(cell.state))
  return [scored.reduce((sum, cell) => sum + cell.attempts, 0), scored.filter(cell => cell.state === 'passed').length]
}

// ---------------------------------------------------------------- one task

/** pass@k: 1 - C(n-c,k)/C(n,k), in product form. */
export function passAtK(n: number, c: number, k: number): number {
  if (n - c < k) return 1
  let missed = 1
  for (let i = n - c + 1; i <= n; i += 1) missed *= 1 - k / i
  return 1 - missed
}

/** pass^k: C(c,k)/C(n,k): all of k drawn trials pass. */
export function passHatK(n: number, c: number, k: number): number {
  let all = 1
  for (let i = 0; i < k; i += 1) all *= Math.max(0, c - i) / (n - i)
  return all
}

export function countPerfect(task: GridTask, fill: Fill): readonly [n: number, c: number] {
  const outcomes = known(task.trials.map(trial => trialPerfect(trial, fill)))
  return [outcomes.length, outcomes.filter(outcome => outcome === 1).length]
}

export function anyTrial(task: GridTask, fill: Fill, read: ReadTrial): 0 | 1 | null {
  const outcomes = task.trials.map(trial => read(trial, fill))
  if (outcomes.includes(1)) return 1
  return outcomes.includes(null) || outcomes.length === 0 ? null : 0
}

/** Mean over turns of pass@k on that turn alone: the best of k trials per turn, mixing workspaces no trial ever had. */
export function bestOfKPerTurn(task: GridTask, fill: Fill, k: number): number | null {
  const turns = Math.max(0, ...task.trials.map(trial => trial.cells.length))
  const perTurn: Array<number | null> = []
  for (let turn = 0; turn < turns; turn += 1) {
    const outcomes = known(
      task.trials.map(trial => trial.cells[turn]).map(cell => (cell === undefined ? null : readOutcome(cell, fill))),
    )
    const passed = outcomes.filter(outcome => outcome === 1).length
    if (outcomes.length >= k) perTurn.push(passAtK(outcomes.length, passed, k))
    else perTurn.push(passed > 0 ? 1 : null)
  }
  return mean(perTurn)
}

export function sumPairs(pairs: ReadonlyArray<readonly [number, number]>): readonly [number, number] {
  return pairs.reduce<readonly [number, number]>(([a, b], [c, d]) => [a + c, b + d], [0, 0])
}
