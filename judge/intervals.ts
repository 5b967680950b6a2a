// Intervals: Wilson for one proportion, a task-clustered bootstrap (seeded) for means and ratios, Student t below ten tasks.
// Pure: the same input and seed give the same numbers on every machine.

import type { Interval } from '../core/report.ts'

export const bootstrapSeed = 20260101
export const bootstrapDraws = 2000
/** Below this many tasks percentile bootstraps are too narrow; the t interval over task values is printed instead. */
export const fewClusters = 10

const level = 0.95
const z = 1.959963984540054

export function wilson(successes: number, total: number): Interval | null {
  if (total <= 0) return null
  const share = successes / total
  const scale = 1 + z ** 2 / total
  const center = (share + z ** 2 / (2 * total)) / scale
  const half = (z * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2))) / scale
  return {
    low: successes === 0 ? 0 : Math.max(0, center - half),
    high: successes === total ? 1 : Math.min(1, center + half),
    level,
    method: 'wilson',
    clusters: total,
  }
}

/** mulberry32: 32 bits of state, the same sequence everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export interface BootstrapOptions {
  readonly seed?: number
  readonly draws?: number
}

/**
 * Resamples clusters (tasks), then units (trials) inside each, and takes percentiles of the statistic.
 * A draw without a value (a ratio over nothing) is left out; null when fewer than two clusters or no draw has a value.
 */
export function bootstrap<T>(
  clusters: ReadonlyArray<readonly T[]>,
  statistic: (sample: ReadonlyArray<readonly T[]>) => number | null,
  options: BootstrapOptions = {},
): Interval | null {
  if (clusters.length < 2) return null
  const random = createRandom(options.seed ?? bootstrapSeed)
  const pick = <U>(from: readonly U[]): U[] => {
    const drawn: U[] = []
    for (let n = 0; n < from.length; n += 1) {
      const value = from[Math.floor(random() * from.length)]
      if (value !== undefined) drawn.push(value)
    }
    return drawn
  }
  const values: number[] = []
  for (let draw = 0; draw < (options.draws ?? bootstrapDraws); draw += 1) {
    const value = statistic(pick(clusters).map(cluster => pick(cluster)))
    if (value !== null) values.push(value)
  }
  if (values.length === 0) return null
  values.sort((a, b) => a - b)
  return {
    low: percentile(values, (1 - level) / 2),
    high: percentile(values, (1 + level) / 2),
    level,
    method: 'task-bootstrap',
    clusters: clusters.length,
  }
}

/** Linear interpolation between order statistics. */
export function percentile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const low = sorted[Math.floor(position)] ?? 0
  const high = sorted[Math.ceil(position)] ?? low
  return low + (high - low) * (position - Math.floor(position))
}

// Two-sided 95 % quantiles of Student's t for 1 to 8 degrees of freedom: the t interval serves 2 to 9 tasks.
const t95 = [12.706204736, 4.30265273, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252, 2.306004135]

/** t interval over one value per task; null below two tasks. */
export function studentT(values: readonly number[]): Interval | null {
  const quantile = t95[values.length - 2]
  if (values.length < 2 || quantile === undefined) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const half = quantile * Math.sqrt(variance / values.length)
  return { low: mean - half, high: mean + half, level, method: 'task-t', clusters: values.length }
}

/** To what a share or a count of turns can be: from 0 to `high`. */
export function clampInterval(interval: Interval | null, high: number): Interval | null {
  if (interval === null) return null
  return { ...interval, low: Math.max(0, interval.low), high: Math.min(high, interval.high) }
}
