// The scoring stage: store rows of one run in, ScoreReport out, and one `scores` row per metric written back.
// Needs no agent and no model; run again, it writes the same rows. Excluded cells are counted beside every number.

import { countingTrials, currentTrials } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import { groupBy } from '../core/groups.ts'
import { readUsd } from '../core/money.ts'
import type { AgentScore, Metric, ScoreReport } from '../core/report.ts'
import { readRewards, rewardEvents } from '../core/turn-rewards.ts'
import type { Call, Json, JsonObject, ScoreRecord, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { foldTotals } from './cost.ts'
import { foldRatio, ratioInterval } from './estimates.ts'
import { evocodeMetrics } from './evocode.ts'
import { buildGrid, compareText, countCells, type Grid } from './grid.ts'
import { type BootstrapOptions, bootstrapDraws, bootstrapSeed, clampInterval } from './intervals.ts'
import { computeMetrics } from './metrics.ts'
import { sumPairs } from './outcomes.ts'
import { type RewardBook, rewardMetrics } from './rewards.ts'

/** Everything of one run that scores and reports are folded from. */
export interface RunRows {
  readonly run: { readonly id: string; readonly name: string; readonly simulated: boolean; readonly plannedTurns: number }
  readonly trials: readonly Trial[]
  readonly turns: Parameters<typeof buildGrid>[1]
  readonly attempts: Parameters<typeof buildGrid>[2]
  readonly calls: readonly Call[]
  /** By trial; absent = no verifier speaks in rewards. */
  readonly rewards?: RewardBook
}

export async function scoreRun(store: Store, runId: string): Promise<ScoreReport> {
  const rows = await readRun(store, runId)
  const report = computeScores(rows)
  await store.put(
    'scores',
    report.agents.flatMap(agent => agent.metrics.map(metric => writeRecord(runId, agent, metric))),
  )
  return report
}

export async function readRun(store: Store, runId: string): Promise<RunRows> {
  const [run] = await store.list('runs', { id: runId })
  if (run === undefined) throw new TurnpikeError('E_REF_UNKNOWN', `no run ${runId} in the store`)
  const trials = await store.list('trials', { runId })
  const turns = []
  const attempts = []
  const calls = []
  for (const trial of trials) {
    turns.push(...(await store.list('turns', { trialId: trial.id })))
    attempts.push(...(await store.list('attempts', { trialId: trial.id })))
    calls.push(...(await store.list('calls', { scopeId: trial.id })))
  }
  const told = await Promise.all(rewardEvents.map(type => store.list('events', { runId, type })))
  return { run, trials, turns, attempts, calls, rewards: readRewards(told.flat()) }
}

/** Pure: the same rows in any order give the same report. */
export function computeScores(rows: RunRows, options: BootstrapOptions = {}): ScoreReport {
  const agents = groupBy(rows.trials, trial => JSON.stringify([trial.agent, trial.model]))
  const modelsOf = groupBy(
    [...agents.values()].map(([first]) => first).filter(first => first !== undefined),
    trial => trial.agent,
  )
  const scores = [...agents]
    .sort(([a], [b]) => compareText(a, b))
    .map(([, trials]) => scoreAgent(rows, trials, (modelsOf.get(trials[0]?.agent ?? '') ?? []).length > 1, options))
  // A trial that was interrupted and played again counts once; what it cost counts each time.
  const current = currentTrials(rows.trials)
  const grid = buildGrid(current, rows.turns, rows.attempts)
  const trialTurns = current.reduce((sum, trial) => sum + trial.plannedTurns, 0)
  return {
    runId: rows.run.id,
    runName: rows.run.name,
    simulated: rows.run.simulated,
    plannedTurns: rows.run.plannedTurns,
    unassignedTurns: Math.max(0, rows.run.plannedTurns - trialTurns),
    cells: countCells(grid),
    agents: scores,
    trials: grid.flatMap(task => task.trials.map(trial => ({ trialId: trial.id, cells: trial.cells }))),
    bootstrap: { seed: options.seed ?? bootstrapSeed, draws: options.draws ?? bootstrapDraws },
  }
}

function scoreAgent(rows: RunRows, trials: readonly Trial[], manyModels: boolean, options: BootstrapOptions): AgentScore {
  const { agent = '', model = null } = trials[0] ?? {}
  const current = currentTrials(trials)
  const grid = buildGrid(current, rows.turns, rows.attempts)
  const counting = countingTrials(trials)
  const calls = rows.calls.flatMap(call => {
    const scopeId = counting.get(call.scopeId)
    return scopeId === undefined ? [] : [{ ...call, scopeId }]
  })
  return {
    agent,
    model,
    subject: manyModels ? `agent:${agent}/${model ?? ''}` : `agent:${agent}`,
    tasks: grid.length,
    trials: current.length,
    cells: countCells(grid),
    metrics: [...computeMetrics(grid, options), costPerSolvedTurn(grid, calls, options), ...readRewarded(rows, grid, options)],
    cost: foldTotals(calls),
  }
}

function readRewarded(rows: RunRows, grid: Grid, options: BootstrapOptions): Metric[] {
  const book = rows.rewards ?? new Map()
  const played = new Set(rows.attempts.map(attempt => attempt.trialId))
  return [...rewardMetrics(grid, book, options), ...evocodeMetrics(grid, book, id => played.has(id))]
}

/** Ratio of sums: everything spent, on failed turns and retries too, over the turns solved. */
function costPerSolvedTurn(grid: Grid, calls: readonly Call[], options: BootstrapOptions): Metric {
  const byTrial = groupBy(calls, call => call.scopeId)
  const pairs = grid.map(task =>
    task.trials.map((trial): readonly [number, number] => [
      foldTotals(byTrial.get(trial.id) ?? []).nanoUsd / 1e9,
      trial.cells.filter(cell => cell.state === 'passed').length,
    ]),
  )
  const note = 'everything spent, failed turns and retries included, over the turns solved'
  const totals = foldTotals(calls)
  const value = foldRatio(pairs)
  const solved = sumPairs(pairs.flat())[1]
  const head = {
    name: 'cost_per_solved_turn_usd',
    label: '$ per solved turn',
    unit: 'usd',
    denominatorName: 'solved turns',
    planned: solved,
    bounds: null,
  } as const
  if (readUsd(totals) === null || value === null) {
    const lowest = totals.pricedCalls > 0 && value !== null ? `; at least $${value.toFixed(4)}` : ''
    const reason =
      totals.calls === 0
        ? 'no recorded calls'
        : value === null
          ? 'there were no solved turns'
          : `${totals.unpricedCalls} of ${totals.calls} calls unpriced${lowest}`
    return { ...head, score: { kind: 'unscored', reason }, interval: null, note }
  }
  return {
    ...head,
    score: { kind: 'scored', value, denominator: solved },
    interval: clampInterval(ratioInterval(pairs, options), Number.POSITIVE_INFINITY),
    note,
  }
}

function writeRecord(runId: string, agent: AgentScore, metric: Metric): ScoreRecord {
  return { runId, metric: metric.name, subject: agent.subject, score: metric.score, denominatorName: metric.denominatorName }
}

/** The command line's JSON: one flat object per agent, with the full metrics beside the plain numbers. */
export function writeScoreJson(report: ScoreReport): JsonObject {
  return {
    run: report.runId,
    name: report.runName,
    simulated: report.simulated,
    planned_turns: report.plannedTurns,
    unassigned_turns: report.unassignedTurns,
    cells: report.cells,
    agents: report.agents.map(writeAgentJson),
    bootstrap: report.bootstrap,
  }
}

function writeAgentJson(agent: AgentScore): JsonObject {
  const plain: Record<string, Json> = {}
  const detail: Record<string, Json> = {}
  for (const metric of agent.metrics) {
    plain[metric.name] = metric.score.kind === 'scored' ? metric.score.value : null
    detail[metric.name] = {
      ...metric.score,
      label: metric.label,
      denominator_name: metric.denominatorName,
      planned: metric.planned,
      interval: metric.interval === null ? null : { ...metric.interval },
      bounds: metric.bounds === null ? null : { all_fail: metric.bounds.allFail, all_pass: metric.bounds.allPass },
      note: metric.note,
    }
  }
  const { tokens } = agent.cost
  return {
    agent: agent.agent,
    model: agent.model,
    ...plain,
    n_tasks: agent.tasks,
    n_trials: agent.trials,
    cells: agent.cells,
    calls: agent.cost.calls,
    tokens: { input: tokens.input, cached_read: tokens.cachedRead, cached_write: tokens.cachedWrite, output: tokens.output },
    tokens_unknown_calls: tokens.unknown,
    cost_usd: readUsd(agent.cost),
    cost_usd_at_least: agent.cost.nanoUsd / 1e9,
    unpriced_calls: agent.cost.unpricedCalls,
    metrics: detail,
  }
}
