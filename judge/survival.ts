// Survival over turns: Kaplan-Meier with Greenwood errors, restricted mean and median. Time is the turn number.
// An infrastructure or budget stop is censored, never counted as a failure and never as survival. Pure.

import { isExcluded } from '../core/cells.ts'
import type { Grid, GridTrial } from './grid.ts'

/** Left at `turn`: by failing it (`event`), or seen alive through it and not beyond (censored). */
export interface Observation {
  readonly turn: number
  readonly event: boolean
}

export interface SurvivalStep {
  readonly turn: number
  readonly atRisk: number
  readonly events: number
  readonly survival: number
  /** Greenwood standard error of `survival`. */
  readonly standardError: number
}

/** Steps at the turns where something failed. Censored at a turn counts as at risk in that turn. */
export function kaplanMeier(observations: readonly Observation[]): SurvivalStep[] {
  const turns = [...new Set(observations.filter(seen => seen.event).map(seen => seen.turn))].sort((a, b) => a - b)
  const steps: SurvivalStep[] = []
  let survival = 1
  let greenwood = 0
  for (const turn of turns) {
    const atRisk = observations.filter(seen => seen.turn >= turn).length
    const events = observations.filter(seen => seen.event && seen.turn === turn).length
    survival *= 1 - events / atRisk
    greenwood += atRisk === events ? 0 : events / (atRisk * (atRisk - events))
    steps.push({ turn, atRisk, events, survival, standardError: survival * Math.sqrt(greenwood) })
  }
  return steps
}

export function survivalAt(steps: readonly SurvivalStep[], turn: number): number {
  let survival = 1
  for (const step of steps) if (step.turn <= turn) survival = step.survival
  return survival
}

/** Turns survived within the horizon: the sum of S(t) for t = 1..horizon. The failed turn is not counted. */
export function restrictedMean(steps: readonly SurvivalStep[], horizon: number): number {
  let sum = 0
  for (let turn = 1; turn <= horizon; turn += 1) sum += survivalAt(steps, turn)
  return sum
}

/** First turn at which at most half are left; null when more than half survive everything seen. */
export function medianTurn(steps: readonly SurvivalStep[]): number | null {
  return steps.find(step => step.survival <= 0.5)?.turn ?? null
}

/** How one trial left: null when its first turn was never scored, so that it says nothing. */
export function observeTrial(trial: GridTrial): Observation | null {
  let survived = 0
  for (const cell of trial.cells) {
    if (cell.state === 'passed') {
      survived = cell.turn
      continue
    }
    if (isExcluded(cell.state)) break
    // The operator's budget stopped this turn, not the agent.
    if (trial.overBudget) break
    return { turn: cell.turn, event: true }
  }
  return survived === 0 ? null : { turn: survived, event: false }
}

export function observeGrid(grid: Grid): Observation[] {
  return grid.flatMap(task => task.trials.map(observeTrial)).filter(seen => seen !== null)
}
