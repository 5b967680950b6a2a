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
  trialStamina,
} from './outcomes.ts'

/** Largest k that pass@k, pass^k and MT@k may use: the smallest number of trials of any task. */
export function trialsPerTask(grid: Grid): number {
  return grid.length === 0 ? 0 : Math.min(...grid.map(task => task.trials.length))
}

function headlineMetrics(grid: Grid, options: BootstrapOptions): Metric[] {
  const rate = { read: trialPassRate, max: 1 }
  return [
    meanMetric(grid, { name: 'mean_turn_pass', label: 'mean turn pass', unit: 'share', scale: 1, ...rate }, options),
    meanMetric(grid, { name: 'dataset_score', label: 'Dataset score', unit: 'percent', scale: 100, ...rate }, options),
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
    meanMetric(
      grid,
      { name: 'perfect_at_1', label: 'perfect task @1', unit: 'share', scale: 1, read: trialPerfect, max: 1 },
      options,
    ),
    taskMetric(
      grid,
      {
        name: 'perfect_at_n',
        label: 'perfect task @n',
        unit: 'share',
        scale: 1,
        read: (task, fill) => anyTrial(task, fill, trialPerfect),
        binary: true,
        note: 'any trial; grows with the number of trials',
      },
      options,
    ),
    meanMetric(grid, { name: 'final_at_1', label: 'final turn @1', unit: 'share', scale: 1, read: trialFinal, max: 1 }, options),
    taskMetric(
      grid,
      {
        name: 'final_at_n',
        label: 'final turn @n (Comp)',
        unit: 'share',
        scale: 1,
        read: (task, fill) => anyTrial(task, fill, trialFinal),
        binary: true,
        note: 'any trial; may pass after earlier turns failed',
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
    const note = 'a trial counts when all its turns passed'
    metrics.push(
      taskMetric(
        grid,
        { name: `pass_at_${k}`, label: `pass@${k}`, unit: 'share', scale: 1, read: read(passAtK), binary: false, note },
        options,
      ),
      taskMetric(
        grid,
        { name: `pass_hat_${k}`, label: `pass^${k}`, unit: 'share', scale: 1, read: read(passHatK), binary: false, note },
        options,
      ),
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
          scale: 1,
          read: (task, fill) => bestOfKPerTurn(task, fill, kMax),
          binary: false,
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
    ...repeatMetrics(grid, options),
    meanMetric(
      grid,
      {
        name: 'stamina',
        label: 'stamina',
        unit: 'turns',
        scale: 1,
        read: trialStamina,
        max: Number.POSITIVE_INFINITY,
        note: 'turns passed before the first that was not; trials stopped by infrastructure are left out',
      },
      options,
    ),
    ratioMetric(
      grid,
      {
        name: 'recovery',
        label: 'recovery',
        unit: 'share',
        read: trialRecovery,
        denominatorName: 'turns begun right after a failed turn',
        max: 1,
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
        note: 'attempts of failed turns included',
      },
      options,
    ),
  ]
}
