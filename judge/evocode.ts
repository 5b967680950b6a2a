// The figures of EvoCode-Bench's compute_metrics.py under its names, from the same rewards that its script would read in the exported tree: for
// numbers to set beside published ones. Where ours mean more, docs/harbor.md says which they are. Pure.

import type { Metric } from '../core/report.ts'
import { rewardPassed, singleReward, type TrialRewards } from '../core/turn-rewards.ts'
import type { Grid, GridTask } from './grid.ts'
import { mean } from './outcomes.ts'
import type { RewardBook } from './rewards.ts'

/** Only tasks with named steps are EvoCode-Bench's; a trial that never began a step is one that nobody evaluated. */
export function evocodeMetrics(grid: Grid, book: RewardBook, hasPlayed: (trialId: string) => boolean): Metric[] {
  const tasks = grid.filter(task => task.trials.some(trial => (book.get(trial.id)?.turnNames ?? null) !== null))
  if (tasks.length === 0) return []
  const passes = tasks.map(task => readPasses(task, book, hasPlayed))
  const evaluated = passes.filter(trials => trials.length > 0)
  const shares = evaluated.map(trials => mean(trials.map(shareOf)) ?? 0)
  const ofAll = (values: readonly number[]): number | null => values.reduce((sum, value) => sum + value, 0) / tasks.length
  const share = (holds: (trials: readonly Passes[]) => boolean): number | null =>
    ofAll(evaluated.map(trials => (holds(trials) ? 1 : 0)))
  const describe = (name: string, value: number | null, denominator: number, note: string): Metric => ({
    name: `evocode_${name}`,
    label: `EvoCode ${name.replace('mt_at_k', 'MT@k').replaceAll('_', ' ')}`,
    unit: 'percent',
    score:
      value === null
        ? { kind: 'unscored', reason: 'no trial began a step' }
        : { kind: 'scored', value: 100 * value, denominator },
    denominatorName: 'tasks',
    planned: tasks.length,
    interval: null,
    bounds: null,
    note,
  })
  const all = tasks.length
  const some = evaluated.length
  return [
    describe('mean_reward', mean(shares), some, `over evaluated tasks; a step without a reward counts as 0, whatever the reason`),
    describe('mt_at_k', ofAll(evaluated.map(bestPerStep)), all, 'best of all trials per step, over all tasks'),
    describe(
      'final_step_completion_rate',
      share(trials => trials.some(trial => trial.at(-1) === true)),
      all,
      'the last step in any trial',
    ),
    describe(
      'perfect_task_rate',
      share(trials => trials.some(trial => trial.every(Boolean))),
      all,
      'every step in one of the trials',
    ),
    describe(
      'hard_task_rate',
      some === 0 ? null : shares.filter(value => value <= 0.5).length / some,
      some,
      'evaluated tasks of at most 0.5',
    ),
  ]
}

/** Of one trial: whether each step passed. */
type Passes = readonly boolean[]

function readPasses(task: GridTask, book: RewardBook, hasPlayed: (trialId: string) => boolean): Passes[] {
  return task.trials.flatMap(({ id, cells }) => {
    const told = book.get(id)
    return told === undefined || !hasPlayed(id) ? [] : [cells.map(cell => isPassed(told, cell.turn))]
  })
}

/** As its script reads the one number in reward.txt. */
function isPassed({ byTurn }: TrialRewards, turn: number): boolean {
  return (singleReward(byTurn.get(turn) ?? null) ?? 0) >= rewardPassed
}

const shareOf = (passes: Passes): number => passes.filter(Boolean).length / passes.length

function bestPerStep(trials: readonly Passes[]): number {
  const steps = trials[0]?.length ?? 0
  return shareOf(Array.from({ length: steps }, (_, index) => trials.some(trial => trial[index] === true)))
}
