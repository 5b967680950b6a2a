// The grid that every turn metric is computed from: tasks x trials x turns, each planned cell in exactly one state.
// Built from store rows or from any other table of results; it never guesses a pass, and nothing planned is left out.

import { isExcluded, sortTrials } from '../core/cells.ts'
import { groupBy } from '../core/groups.ts'
import type { CellCounts } from '../core/report.ts'
import type { AttemptRecord, Trial, TurnRecord, TurnState } from '../core/types.ts'

export interface Cell {
  readonly turn: number
  readonly state: TurnState
  readonly attempts: number
  /** Test cases of the last attempt; 0 of 0 when the verifier reported none. */
  readonly testsPassed: number
  readonly testsTotal: number
}

export interface GridTrial {
  readonly id: string
  readonly cells: readonly Cell[]
  /** True when the operator's budget, not the agent, ended it: its failure is censored in survival. */
  readonly overBudget: boolean
}

export interface GridTask {
  readonly id: string
  readonly trials: readonly GridTrial[]
}

export type Grid = readonly GridTask[]

/** How to read an excluded cell: leave it out, or assume the worst, or the best. */
export type Fill = 'drop' | 'fail' | 'pass'

/** 1 passed, 0 not, null = not scored. */
export function readOutcome(cell: Cell, fill: Fill): 0 | 1 | null {
  if (cell.state === 'passed') return 1
  if (!isExcluded(cell.state)) return 0
  return fill === 'drop' ? null : fill === 'pass' ? 1 : 0
}

/** Share of test cases passed; a verifier without cases counts as one case. */
export function readShare(cell: Cell, fill: Fill): number | null {
  const outcome = readOutcome(cell, fill)
  if (outcome === null || isExcluded(cell.state) || cell.state === 'not-reached' || cell.testsTotal === 0) return outcome
  return cell.testsPassed / cell.testsTotal
}

export function countCells(grid: Grid): CellCounts {
  const counts: Record<TurnState, number> = {
    passed: 0,
    failed: 0,
    'not-reached': 0,
    'agent-error': 0,
    'infra-error': 0,
    skipped: 0,
    missing: 0,
  }
  for (const task of grid) for (const trial of task.trials) for (const cell of trial.cells) counts[cell.state] += 1
  return counts
}

/** State of a planned turn that has no row, from how its trial ended. */
function inferState(trial: Trial, lastRow: TurnRecord | undefined): TurnState {
  if (trial.state !== 'ended' || trial.outcome === null) return 'missing'
  switch (trial.outcome.kind) {
    case 'environment-failed':
      return 'infra-error'
    case 'interrupted':
      return 'missing'
    case 'finished':
      // A policy stop leaves later turns unreached; a finished trial that stops after a pass has lost rows.
      return lastRow !== undefined && lastRow.state !== 'passed' ? afterLast(lastRow.state) : 'missing'
    default:
      return 'not-reached'
  }
}

function afterLast(state: TurnState): TurnState {
  return isExcluded(state) ? state : 'not-reached'
}

export function buildTrial(trial: Trial, turns: readonly TurnRecord[], attempts: readonly AttemptRecord[]): GridTrial {
  const rows = new Map(turns.map(turn => [turn.turn, turn]))
  const last = new Map<number, AttemptRecord>()
  for (const attempt of attempts) {
    const known = last.get(attempt.turn)
    if (known === undefined || known.attempt < attempt.attempt) last.set(attempt.turn, attempt)
  }
  let lastRow: TurnRecord | undefined
  const cells: Cell[] = []
  for (let turn = 1; turn <= trial.plannedTurns; turn += 1) {
    const row = rows.get(turn)
    if (row !== undefined) lastRow = row
    const attempt = last.get(turn)
    cells.push({
      turn,
      state: row?.state ?? inferState(trial, lastRow),
      attempts: row?.attempts ?? 0,
      testsPassed: attempt?.testsPassed ?? 0,
      testsTotal: attempt?.testsTotal ?? 0,
    })
  }
  return { id: trial.id, cells, overBudget: trial.outcome?.kind === 'over-budget' }
}

/** Groups trials by task; tasks and trials sorted so that no result depends on row order. */
export function buildGrid(trials: readonly Trial[], turns: readonly TurnRecord[], attempts: readonly AttemptRecord[]): Grid {
  const turnsByTrial = groupBy(turns, turn => turn.trialId)
  const attemptsByTrial = groupBy(attempts, attempt => attempt.trialId)
  const tasks = groupBy(sortTrials(trials), trial => trial.taskId)
  return [...tasks]
    .sort(([a], [b]) => compareText(a, b))
    .map(([id, ofTask]) => ({
      id,
      trials: ofTask.map(trial => buildTrial(trial, turnsByTrial.get(trial.id) ?? [], attemptsByTrial.get(trial.id) ?? [])),
    }))
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
