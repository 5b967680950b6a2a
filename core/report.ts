// The plain data of scores, costs and reports: what judge/ computes, report/ draws and cli/ prints as JSON.
// Every number carries its denominator in words; nothing here is NaN, and an unknown is `unscored` or null, never 0.

import type { EpochMs, Score, TestResult, TrialOutcomeKind, TurnState } from './types.ts'

export interface Interval {
  readonly low: number
  readonly high: number
  /** Always 0.95 today; printed so that nobody has to guess. */
  readonly level: number
  readonly method: 'wilson' | 'task-bootstrap' | 'task-t'
  /** Clusters (tasks) it rests on. */
  readonly clusters: number
}

/** What the value could be if every excluded cell had failed, and if every one had passed. */
export interface Bounds {
  readonly allFail: number
  readonly allPass: number
}

export type MetricUnit = 'share' | 'percent' | 'count' | 'turns' | 'attempts' | 'usd'

export interface Metric {
  /** Machine name, e.g. `mean_turn_pass`; docs/metrics.md has its formula. */
  readonly name: string
  readonly label: string
  readonly unit: MetricUnit
  readonly score: Score
  readonly denominatorName: string
  /** What the denominator would be had nothing been excluded. */
  readonly planned: number
  readonly interval: Interval | null
  /** Null when nothing was excluded, or when the metric has no such bounds. */
  readonly bounds: Bounds | null
  /** What a reader must know to not misread it (best of k, few tasks, lower bound). */
  readonly note: string | null
}

export type CellCounts = Readonly<Record<TurnState, number>>

/** Tokens by class. A sum over calls that did not say is a lower bound: `unknown` counts those calls. */
export interface TokenTotals {
  readonly input: number
  readonly cachedRead: number
  readonly cachedWrite: number
  readonly output: number
  /** Part of output. */
  readonly reasoning: number
  /** Calls that answered and whose provider gave no figure for input or output. */
  readonly unknown: number
}

export interface CostTotals {
  readonly calls: number
  /** Calls that ended in an error with nothing generated; they cost nothing and are not unpriced. */
  readonly failedCalls: number
  readonly tokens: TokenTotals
  /** Sum over the priced calls: exact when unpricedCalls is 0, else a lower bound. */
  readonly nanoUsd: number
  readonly pricedCalls: number
  readonly unpricedCalls: number
  /** Models whose price is unknown, sorted. */
  readonly unpricedModels: readonly string[]
  readonly priceVersions: readonly string[]
}

export interface CostGroup {
  readonly key: Readonly<Record<string, string>>
  readonly totals: CostTotals
}

export interface AgentScore {
  readonly agent: string
  readonly model: string | null
  /** `agent:<name>`, or `agent:<name>/<model>` when one agent ran with several models. */
  readonly subject: string
  readonly tasks: number
  readonly trials: number
  readonly cells: CellCounts
  readonly metrics: readonly Metric[]
  readonly cost: CostTotals
}

export interface ScoreReport {
  readonly runId: string
  readonly runName: string
  readonly simulated: boolean
  readonly plannedTurns: number
  /** Planned turns that no trial row accounts for; they are missing and belong to no agent. */
  readonly unassignedTurns: number
  readonly cells: CellCounts
  readonly agents: readonly AgentScore[]
  /** The cells every metric was computed from, trial by trial. */
  readonly trials: ReadonlyArray<{ readonly trialId: string; readonly cells: readonly ReportCell[] }>
  readonly bootstrap: { readonly seed: number; readonly draws: number }
}

// ---------------------------------------------------------------- what a report shows

export interface ReportCell {
  readonly turn: number
  readonly state: TurnState
  readonly attempts: number
  readonly testsPassed: number
  readonly testsTotal: number
}

export interface ReportTrial {
  readonly id: string
  readonly name: string
  readonly task: string
  readonly agent: string
  readonly model: string | null
  readonly index: number
  readonly outcome: TrialOutcomeKind | null
  readonly reason: string | null
  readonly cells: readonly ReportCell[]
}

export interface ReportFailure {
  readonly trial: string
  readonly turn: number
  readonly state: TurnState
  readonly attempt: number | null
  readonly tests: ReadonlyArray<Pick<TestResult, 'name' | 'status' | 'message'>>
  readonly testsOmitted: number
}

export interface ReportData {
  readonly schema: 1
  readonly identity: {
    readonly run: string
    readonly id: string
    readonly state: string
    readonly startedAt: EpochMs
    readonly endedAt: EpochMs | null
    readonly turnpikeVersion: string
    readonly agents: ReadonlyArray<{
      readonly agent: string
      readonly model: string | null
      readonly modelsAnswered: readonly string[]
    }>
    /** The turn policy and other settings that make numbers comparable: name -> value. */
    readonly policy: Readonly<Record<string, string>>
    readonly priceVersions: readonly string[]
  }
  readonly simulated: boolean
  /** Everything incomplete, one sentence each; printed before any number. */
  readonly warnings: readonly string[]
  readonly score: ScoreReport
  readonly trials: readonly ReportTrial[]
  readonly costs: {
    readonly byAgent: readonly CostGroup[]
    readonly byModel: readonly CostGroup[]
    readonly byTurn: readonly CostGroup[]
    readonly total: CostTotals
  }
  readonly failures: readonly ReportFailure[]
  /** Failed attempts by what was seen of their cause, most frequent first; empty when none was classified. */
  readonly failureClasses: ReadonlyArray<{ readonly name: string; readonly attempts: number }>
  readonly method: readonly string[]
}
