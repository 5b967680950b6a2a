// From numbers per trial or task to one printed metric: value, denominator, interval, bounds. Used by every metric.
// Task is the cluster everywhere: turns and trials of one task are not independent. Pure and deterministic.

import type { Bounds, Metric, MetricUnit } from '../core/report.ts'
import type { Score } from '../core/types.ts'
import { type Fill, type Grid, type GridTask, type GridTrial, isExcluded } from './grid.ts'
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
  /** Largest possible value, for clamping intervals; Infinity when there is none. */
  readonly max: number
  readonly scale: number
}

export interface TaskSpec extends Head {
  /** A number of one task over all its trials. */
  readonly read: (task: GridTask, fill: Fill) => number | null
  readonly scale: number
  readonly binary: boolean
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

function fewTasks(tasks: number): string | null {
  if (tasks === 1) return 'one task: no interval'
  return tasks < fewClusters ? `few tasks (${tasks}): wide t interval` : null
}

function joinNotes(...notes: ReadonlyArray<string | null | undefined>): string | null {
  const some = notes.filter(note => note !== null && note !== undefined && note !== '')
  return some.length === 0 ? null : some.join('; ')
}

function makeBounds(grid: Grid, low: number | null, high: number | null): Bounds | null {
  const anyExcluded = grid.some(task => task.trials.some(trial => trial.cells.some(cell => isExcluded(cell.state))))
  return anyExcluded && low !== null && high !== null ? { allFail: low, allPass: high } : null
}

/** Mean over tasks of the mean over trials. */
export function meanMetric(grid: Grid, spec: MeanSpec, options: BootstrapOptions): Metric {
  const read = (fill: Fill): Array<Array<number | null>> =>
    grid.map(task => task.trials.map(trial => spec.read(trial, fill)).map(value => (value === null ? null : value * spec.scale)))
  const fold = (tasks: ReadonlyArray<ReadonlyArray<number | null>>): number | null => mean(tasks.map(mean))
  const values = read('drop')
  const clusters = values.map(known).filter(values => values.length > 0)
  const binary = clusters.flat().every(value => value === 0 || value === spec.scale)
  const single = clusters.every(cluster => cluster.length === 1)
  const proportion = binary && single && spec.max === 1
  const interval = proportion
    ? scaleInterval(wilson(clusters.flat().filter(value => value > 0).length, clusters.length), spec.scale)
    : clusters.length < fewClusters
      ? studentT(known(clusters.map(mean)))
      : bootstrap(clusters, fold, options)
  return {
    ...pickHead(spec),
    score: score(fold(values), clusters.length),
    denominatorName: 'tasks',
    planned: grid.length,
    interval: clampInterval(interval, 0, spec.max * spec.scale),
    bounds: makeBounds(grid, fold(read('fail')), fold(read('pass'))),
    note: joinNotes(spec.note, proportion ? null : fewTasks(clusters.length)),
  }
}

/** Mean over tasks of a number that needs all trials of the task at once. */
export function taskMetric(grid: Grid, spec: TaskSpec, options: BootstrapOptions): Metric {
  const read = (fill: Fill): Array<number | null> =>
    grid.map(task => spec.read(task, fill)).map(value => (value === null ? null : value * spec.scale))
  const values = known(read('drop'))
  const interval = spec.binary
    ? scaleInterval(wilson(values.filter(value => value > 0).length, values.length), spec.scale)
    : values.length < fewClusters
      ? studentT(values)
      : bootstrap(
          values.map(value => [value]),
          sample => mean(sample.flat()),
          options,
        )
  return {
    ...pickHead(spec),
    score: score(mean(values), values.length),
    denominatorName: 'tasks',
    planned: grid.length,
    interval: clampInterval(interval, 0, spec.scale),
    bounds: makeBounds(grid, mean(read('fail')), mean(read('pass'))),
    note: joinNotes(spec.note, spec.binary ? null : fewTasks(values.length)),
  }
}

/** Ratio of sums over everything, with the bootstrap over tasks. */
export function ratioMetric(grid: Grid, spec: RatioSpec, options: BootstrapOptions): Metric {
  const pairs = grid.map(task => task.trials.map(spec.read)).filter(task => task.length > 0)
  const fold = (sample: ReadonlyArray<ReadonlyArray<readonly [number, number]>>): number | null => {
    const [numerator, denominator] = sumPairs(sample.flat())
    return denominator === 0 ? null : numerator / denominator
  }
  const [, denominator] = sumPairs(pairs.flat())
  const value = fold(pairs)
  const interval = value === null ? null : bootstrap(pairs, fold, options)
  return {
    ...pickHead(spec),
    score:
      value === null
        ? { kind: 'unscored', reason: `there were no ${spec.denominatorName}` }
        : { kind: 'scored', value, denominator },
    denominatorName: spec.denominatorName,
    planned: denominator,
    interval: clampInterval(interval, 0, spec.max),
    bounds: null,
    note: joinNotes(
      spec.note,
      pairs.length === 1 ? 'one task: no interval' : pairs.length < fewClusters ? `few tasks (${pairs.length})` : null,
    ),
  }
}

function pickHead(spec: Head): Pick<Metric, 'name' | 'label' | 'unit'> {
  return { name: spec.name, label: spec.label, unit: spec.unit }
}

function scaleInterval(interval: Metric['interval'], scale: number): Metric['interval'] {
  return interval === null ? null : { ...interval, low: interval.low * scale, high: interval.high * scale }
}
