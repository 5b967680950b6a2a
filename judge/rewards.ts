// Metrics over rewards that verifiers left in files (Harbor's tasks), per key: by the rule of the task's author, and each reading by its own
// name. Empty for runs without rewards. Pure.

import { isExcluded } from '../core/cells.ts'
import type { Metric } from '../core/report.ts'
import { type Rewards, readReward, type TrialRewards } from '../core/turn-rewards.ts'
import { meanMetric } from './estimates.ts'
import type { Cell, Fill, Grid, GridTrial } from './grid.ts'
import type { BootstrapOptions } from './intervals.ts'
import { mean, type ReadTrial } from './outcomes.ts'

/** By trial. */
export type RewardBook = ReadonlyMap<string, TrialRewards>

export function rewardMetrics(grid: Grid, book: RewardBook, options: BootstrapOptions): Metric[] {
  const trials = grid.flatMap(task => task.trials)
  const left = trials.flatMap(trial => [...(book.get(trial.id)?.byTurn.values() ?? [])])
  if (left.length === 0) return []
  const isChain = trials.some(trial => trial.cells.length > 1)
  return listKeys(left).flatMap(key => describeKey(key, book, isChain).map(spec => finish(grid, spec, left, options)))
}

/** Tests that left nothing readable were to leave a reward all the same. */
function listKeys(left: ReadonlyArray<Rewards | null>): string[] {
  const keys = new Set(left.flatMap(rewards => Object.keys(rewards ?? {})))
  const others = [...keys].filter(key => key !== 'reward').sort()
  return keys.size === 0 || keys.has('reward') ? ['reward', ...others] : others
}

interface RewardSpec {
  readonly name: string
  readonly label: string
  readonly note: string
  readonly read: ReadTrial
  /** False: what was left out does not enter it at all. */
  readonly isBounded: boolean
}

/** One turn has one reading. */
function describeKey(key: string, book: RewardBook, isChain: boolean): RewardSpec[] {
  const suffix = key === 'reward' ? '' : `:${key}`
  const value = (trial: GridTrial, cell: Cell): number | null => {
    const rewards = book.get(trial.id)?.byTurn.get(cell.turn) ?? null
    return rewards === null ? null : (readReward(rewards, key) ?? 0)
  }
  const declared: ReadTrial = (trial, fill) => mean(trial.cells.map(cell => fillCell(cell, fill, value(trial, cell) ?? 0)))
  const final: ReadTrial = (trial, fill) => {
    const last = trial.cells.at(-1)
    return last === undefined ? null : fillCell(last, fill, value(trial, last) ?? 0)
  }
  const reported: ReadTrial = trial => {
    const counted = trial.cells.filter(cell => !isExcluded(cell.state))
    return counted.length === 0 ? null : (mean(counted.map(cell => value(trial, cell))) ?? 0)
  }
  const byRule: ReadTrial = (trial, fill) => (book.get(trial.id)?.rewardOf === 'final' ? final : declared)(trial, fill)
  const rule = {
    name: `reward${suffix}`,
    label: `reward${suffix}`,
    note: 'by the rule of each task: mean over declared turns, or the last turn',
  }
  const readings = [
    { name: 'mean_declared', read: declared, isBounded: true, note: 'what has no reward counts as 0' },
    {
      name: 'mean_reported',
      read: reported,
      isBounded: false,
      note: "Harbor's own mean: turns without a reward are left out, which flatters a chain that broke off",
    },
    { name: 'final', read: final, isBounded: true, note: 'the last declared turn' },
  ]
  return [
    { ...rule, read: byRule, isBounded: true },
    ...(isChain
      ? readings.map(({ name, ...spec }) => ({
          name: `reward_${name}${suffix}`,
          label: `reward${suffix}, ${name.replace('_', ' ')}`,
          ...spec,
        }))
      : []),
  ]
}

function fillCell(cell: Cell, fill: Fill, value: number): number | null {
  if (!isExcluded(cell.state)) return value
  return fill === 'drop' ? null : fill === 'pass' ? 1 : 0
}

/** Nothing says how far a reward outside 0 to 1 may reach, so it has neither interval nor bounds. */
function finish(grid: Grid, spec: RewardSpec, left: ReadonlyArray<Rewards | null>, options: BootstrapOptions): Metric {
  const { name, label, note, read } = spec
  const metric = meanMetric(grid, { name, label, note, read, unit: 'share', scale: 1, max: 1 }, options)
  const isShare = left.every(rewards => Object.values(rewards ?? {}).every(value => value >= 0 && value <= 1))
  return { ...metric, interval: isShare ? metric.interval : null, bounds: isShare && spec.isBounded ? metric.bounds : null }
}
