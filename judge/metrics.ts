// The list of turn metrics: grid in, named numbers out. docs/metrics.md has every formula and denominator.
// Each is printed under its own name and never stands for another. Pure and deterministic.

import type { Metric } from '../core/report.ts'
import { meanMetric, ratioMetric, taskMetric } from './estimates.ts'
import type { Grid } from './grid.ts'
import type { BootstrapOptions } from './intervals.ts'
import {
  anyTrial,
  bestOfKPerTurn,
  countPerfect,
  passAtK,
  passHatK,
  trialAttempts,
  trialCaseRate,
  trialFinal,
  trialPassRate,
  trialPerfect,
  trialRecovery,
} from './outcomes.ts'
import { survivalMetrics } from './stamina.ts'

/** Largest k that pass@k, pass^k and MT@k may use: the smallest number of trials of any task. */
export function trialsPerTask(grid: Grid): number {
  return grid.length === 0 ? 0 : Math.min(...grid.map(task => task.trials.length))
}

function headlineMetrics(grid: Grid, options: BootstrapOptions): Metric[] {
  const rate = { read: trialPassRate, max: 1 }
  return [
    meanMetric(
      grid,
      {
        name: 'mean_turn_pass',
        label: 'mean turn pass',
        unit: 'share',
        scale: 1,
        ...rate,
        note: 'mean over tasks of the mean over trials of the share of planned turns passed; turns never reached count as not passed',
      },
      options,
    ),
    meanMetric(
      grid,
      {
        name: 'dataset_score',
        label: 'Dataset score',
        unit: 'percent',
        scale: 100,
        ...rate,
        note: 'mean turn pass times 100, under the name EvoCode-Bench gives it',
      },
      options,
    ),
    meanMetric(
      grid,
      {
        name: 'case_score',
        label: 'Case score',
        unit: 'percent',
        scale: 100,
        read: trialCaseRate,
        max: 1,
        note: 'share of test cases; 90 % of cases is not 90 % solved',
      },
      options,
    ),
  ]
}

function wholeTaskMetrics(grid: Grid, options: BootstrapOptions): Metric[] {
  return [
    meanMetric(
      grid,
      {
        name: 'perfect_at_1',
        label: 'perfect task @1',
        unit: 'share',
        scale: 1,
        read: trialPerfect,
        max: 1,
        note: 'share of trials that passed every turn; trials left open by infrastructure are left out, which leans low',
      },
      options,
    ),
    taskMetric(
      grid,
      {
        name: 'perfect_at_n',
        label: 'perfect task @n',
        unit: 'share',
        read: (task, fill) => anyTrial(task, fill, trialPerfect),
        note: 'any trial; grows with the number of trials',
      },
      options,
    ),
    meanMetric(
      grid,
      {
        name: 'final_at_1',
        label: 'final turn @1',
        unit: 'share',
        scale: 1,
        read: trialFinal,
        max: 1,
        note: 'the last turn; it may pass after earlier turns failed',
      },
      options,
    ),
    taskMetric(
      grid,
      {
        name: 'final_at_n',
        label: 'final turn @n (Comp)',
        unit: 'share',
        read: (task, fill) => anyTrial(task, fill, trialFinal),
        note: 'the last turn in any trial; grows with the number of trials',
      },
      options,
    ),
    countPerfectTasks(grid),
  ]
}

/** The count that leaderboards print: tasks with at least one perfect trial. */
function countPerfectTasks(grid: Grid): Metric {
  const perfect = (fill: 'drop' | 'fail' | 'pass'): number => grid.filter(task => anyTrial(task, fill, trialPerfect) === 1).length
  const low = perfect('fail')
  const high = perfect('pass')
  return {
    name: 'perfect_tasks',
    label: 'Perfect tasks',
    unit: 'count',
    score:
      grid.length === 0
        ? { kind: 'unscored', reason: 'no task' }
        : { kind: 'scored', value: perfect('drop'), denominator: grid.length },
    denominatorName: 'tasks',
    planned: grid.length,
    interval: null,
    bounds: low === high ? null : { allFail: low, allPass: high },
    note: 'tasks with a trial that passed every turn',
  }
}

function repeatMetrics(grid: Grid, options: BootstrapOptions): Metric[] {
  const kMax = trialsPerTask(grid)
  const metrics: Metric[] = []
  for (const k of [1, 2, 3, 4, 5, 8, 10, 16].filter(k => k <= kMax)) {
    const read = (estimate: typeof passAtK) => (task: Grid[number], fill: 'drop' | 'fail' | 'pass') => {
      const [n, c] = countPerfect(task, fill)
      return n < k ? null : estimate(n, c, k)
    }
    const note = 'a trial counts when all its turns passed; trials left open by infrastructure are left out, which leans low'
    metrics.push(
      taskMetric(grid, { name: `pass_at_${k}`, label: `pass@${k}`, unit: 'share', read: read(passAtK), note }, options),
      taskMetric(grid, { name: `pass_hat_${k}`, label: `pass^${k}`, unit: 'share', read: read(passHatK), note }, options),
    )
  }
  if (kMax > 0)
    metrics.push(
      taskMetric(
        grid,
        {
          name: 'mt_at_k',
          label: `MT@${kMax}`,
          unit: 'share',
          read: (task, fill) => bestOfKPerTurn(task, fill, kMax),
          note: `best of k=${kMax} per turn: no single trial scored it`,
        },
        options,
      ),
    )
  return metrics
}

export function computeMetrics(grid: Grid, options: BootstrapOptions = {}): Metric[] {
  return [
    ...headlineMetrics(grid, options),
    ...wholeTaskMetrics(grid, options),
    ...repeatMetrics(grid, options),
    ...survivalMetrics(grid, options),
    ratioMetric(
      grid,
      {
        name: 'recovery',
        label: 'recovery',
        unit: 'share',
        read: trialRecovery,
        denominatorName: 'turns after a failed one',
        max: 1,
        note: 'share passed of the turns begun right after a failed turn',
      },
      options,
    ),
    ratioMetric(
      grid,
      {
        name: 'attempts_per_solved_turn',
        label: 'attempts per solved turn',
        unit: 'attempts',
        read: trialAttempts,
        denominatorName: 'solved turns',
        max: Number.POSITIVE_INFINITY,
        note: 'attempts at failed turns included',
      },
      options,
    ),
  ]
}
