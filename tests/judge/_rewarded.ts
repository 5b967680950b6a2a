// Trials as words and rewards, for tests of what is folded from them.
import type { Metric } from '../../core/report.ts'
import type { Rewards, TrialRewards } from '../../core/turn-rewards.ts'
import type { TurnState } from '../../core/types.ts'
import type { Grid } from '../../judge/grid.ts'
import type { RewardBook } from '../../judge/rewards.ts'

export interface Rewarded {
  readonly id: string
  readonly task: string
  /** By turn; `i` an infrastructure error, `s` skipped, `n` not reached, null a turn without a reward. */
  readonly turns: ReadonlyArray<number | Rewards | 'i' | 's' | 'n' | null>
  readonly rewardOf?: 'mean' | 'final'
  readonly isNamed?: boolean
}

const states: Readonly<Record<string, TurnState>> = { i: 'infra-error', s: 'skipped', n: 'not-reached' }

const rewardsOf = (turn: Rewarded['turns'][number]): Rewards | null =>
  typeof turn === 'number' ? { reward: turn } : (turn as Rewards | null)

export function makeGrid(trials: readonly Rewarded[]): { readonly grid: Grid; readonly book: RewardBook } {
  const tasks = [...new Set(trials.map(trial => trial.task))]
  const grid = tasks.map(id => ({
    id,
    trials: trials
      .filter(trial => trial.task === id)
      .map(trial => ({
        id: trial.id,
        overBudget: false,
        cells: trial.turns.map((turn, index) => ({
          turn: index + 1,
          state: typeof turn === 'string' ? (states[turn] ?? 'missing') : ('failed' as const),
          attempts: 1,
          testsPassed: 0,
          testsTotal: 0,
        })),
      })),
  }))
  const book = new Map(
    trials.map((trial): [string, TrialRewards] => [
      trial.id,
      {
        turnNames: trial.isNamed === false ? null : trial.turns.map((_, index) => `round-${index + 1}`),
        rewardOf: trial.rewardOf ?? 'mean',
        byTurn: new Map(
          trial.turns.flatMap(
            (turn, index): Array<[number, Rewards | null]> => (typeof turn === 'string' ? [] : [[index + 1, rewardsOf(turn)]]),
          ),
        ),
        playedBy: () => trial.id,
        started: {},
      },
    ]),
  )
  return { grid, book }
}

/** Values by name, six digits; a reason where there is none. */
export function listValues(metrics: readonly Metric[]): Record<string, number | string> {
  return Object.fromEntries(
    metrics.map(({ name, score }) => [name, score.kind === 'scored' ? Number(score.value.toFixed(6)) : score.reason]),
  )
}
