// From numbers per trial or task to one printed metric: value, denominator, interval, bounds. Used by every metric.
// Task is the cluster everywhere: turns and trials of one task are not independent. Pure and deterministic.

import { isExcluded } from '../core/cells.ts'
import type { Bounds, Interval, Metric, MetricUnit } from '../core/report.ts'
import type { Score } from '../core/types.ts'
import type { Fill, Grid, GridTask, GridTrial } from './grid.ts'
import { type BootstrapOptions, bootstrap, clampInterval, fewClusters, studentT, wilson } from './intervals.ts'
import { known, mean, type ReadTrial, sumPairs } from './outcomes.ts'

export interface Head {
  readonly name: string
  readonly label: string
  readonly unit: MetricUnit
  readonly note?: string
}

export interface MeanSpec extends Head {
  readonly read: ReadTrial
  /** Largest possible value before scaling. */
  readonly max: number
  readonly scale: number
  /** One trial that cannot be read leaves the whole metric unscored: dropping it would bend the value. */
  readonly strict?: boolean
}

export interface TaskSpec extends Head {
  /** A number of one task over all its trials. */
  readonly read: (task: GridTask, fill: Fill) => number | null
}

export interface RatioSpec extends Head {
  readonly read: (trial: GridTrial) => readonly [numerator: number, denominator: number]
  readonly denominatorName: string
  /** Largest possible value, Infinity when there is none. */
  readonly max: number
}

function score(value: number | null, denominator: number): Score {
  if (value === null) return { kind: 'unscored', reason: 'no planned turn of these trials could be scored' }
  return { kind: 'scored', value, denominator }
}

/**
 * Over one value per task or many: Wilson where every task gave all or nothing, t below ten tasks, else the bootstrap.
 * Equal values have no spread to resample: an interval of no width would promise a certainty that is not there.
 */
function meanInterval(
  clusters: ReadonlyArray<readonly number[]>,
  top: number,
  unit: MetricUnit,
  options: BootstrapOptions,
): Interval | null {
  const means = known(clusters.map(mean))
  const first = means[0]
  if (first === undefined) return null
  const single = clusters.every(cluster => cluster.length === 1)
  const extreme = (value: number): boolean => value === 0 || value === top
  const equal = means.every(value => value === first)
  if (unit !== 'turns' && means.every(extreme) && (single || equal))
    return scaleInterval(wilson(means.filter(value => value === top).length, means.length), top)
  if (equal) return null
  const interval = means.length < fewClusters ? studentT(means) : bootstrap(clusters, sample => mean(sample.map(mean)), options)
  return clampInterval(interval, top)
}

function makeBounds(grid: Grid, low: number | null, high: number | null): Bounds | null {
  const anyExcluded = grid.some(task => task.trials.some(trial => trial.cells.some(cell => isExcluded(cell.state))))
  return anyExcluded && low !== null && high !== null ? { allFail: low, allPass: high } : null
}

/** Mean over tasks of the mean over trials. */
export function meanMetric(grid: Grid, spec: MeanSpec, options: BootstrapOptions): Metric {
  const read = (fill: Fill): Array<Array<number | null>> =>
    grid.map(task => task.trials.map(trial => scale(spec.read(trial, fill), spec.scale)))
  const fold = (tasks: ReadonlyArray<ReadonlyArray<number | null>>): number | null => mean(tasks.map(mean))
  const values = read('drop')
  const clusters = values.map(known).filter(cluster => cluster.length > 0)
  const open = values.flat().filter(value => value === null).length
  const unscored = spec.strict === true && open > 0
  return {
    ...pickHead(spec),
    score: unscored
      ? { kind: 'unscored', reason: `${open} of ${values.flat().length} trials were stopped before they failed or ended` }
      : score(fold(values), clusters.length),
    denominatorName: 'tasks',
    planned: grid.length,
    interval: unscored ? null : meanInterval(clusters, spec.max * spec.scale, spec.unit, options),
    bounds: makeBounds(grid, fold(read('fail')), fold(read('pass'))),
  }
}

/** Mean over tasks of a number that needs all trials of the task at once. */
export function taskMetric(grid: Grid, spec: TaskSpec, options: BootstrapOptions): Metric {
  const read = (fill: Fill): Array<number | null> => grid.map(task => spec.read(task, fill))
  const values = known(read('drop'))
  return {
    ...pickHead(spec),
    score: score(mean(values), values.length),
    denominatorName: 'tasks',
    planned: grid.length,
    interval: meanInterval(
      values.map(value => [value]),
      1,
      spec.unit,
      options,
    ),
    bounds: makeBounds(grid, mean(read('fail')), mean(read('pass'))),
  }
}

function scale(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor
}

/** Ratio of sums over everything; tasks that add nothing to it are no clusters. */
export function ratioMetric(grid: Grid, spec: RatioSpec, options: BootstrapOptions): Metric {
  const pairs = grid.map(task => task.trials.map(spec.read))
  const [, denominator] = sumPairs(pairs.flat())
  const value = foldRatio(pairs)
  return {
    ...pickHead(spec),
    score:
      value === null
        ? { kind: 'unscored', reason: `there were no ${spec.denominatorName}` }
        : { kind: 'scored', value, denominator },
    denominatorName: spec.denominatorName,
    planned: denominator,
    interval: clampInterval(ratioInterval(pairs, options), spec.max),
    bounds: null,
  }
}

type Pairs = ReadonlyArray<ReadonlyArray<readonly [numerator: number, denominator: number]>>

export function foldRatio(sample: Pairs): number | null {
  const [numerator, denominator] = sumPairs(sample.flat())
  return denominator === 0 ? null : numerator / denominator
}

/** Bootstrap over tasks; below ten the linearised t interval; none where the tasks show no spread. */
export function ratioInterval(pairs: Pairs, options: BootstrapOptions): Interval | null {
  const clusters = pairs.filter(task => task.some(([numerator, denominator]) => numerator !== 0 || denominator !== 0))
  const value = foldRatio(clusters)
  if (value === null || clusters.length < 2) return null
  if (clusters.length >= fewClusters) return bootstrap(clusters, foldRatio, options)
  const sums = clusters.map(sumPairs)
  const perTask = sumPairs(sums)[1] / sums.length
  const linear = sums.map(([numerator, denominator]) => value + (numerator - value * denominator) / perTask)
  return linear.every(point => Math.abs(point - value) < 1e-12) ? null : studentT(linear)
}

function pickHead(spec: Head): Pick<Metric, 'name' | 'label' | 'unit' | 'note'> {
  return { name: spec.name, label: spec.label, unit: spec.unit, note: spec.note ?? null }
}

function scaleInterval(interval: Interval | null, factor: number): Interval | null {
  return interval === null ? null : { ...interval, low: interval.low * factor, high: interval.high * factor }
}
