// The few numbers about numbers that the benchmarks print.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Share of `sorted` at or below the result, nearest rank. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1))] ?? 0
}

/** Largest minus smallest, as a share of the median: how far repetitions lie apart. */
export function spread(values: readonly number[]): number {
  const middle = median(values)
  return values.length === 0 || middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle
}

export function showBytes(bytes: number): string {
  if (bytes < 10_000) return `${Math.round(bytes)} B`
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} KB` : `${Math.round(bytes / 1e6)} MB`
}

/** Slope in a log-log plot: 1 = linear, 2 = quadratic. */
export function growthExponent(points: ReadonlyArray<readonly [x: number, y: number]>): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (at: 0 | 1): number => logs.reduce((sum, point) => sum + point[at], 0) / logs.length
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - mean(0)) * (y - mean(1)), 0)
  return covariance / logs.reduce((sum, [x]) => sum + (x - mean(0)) ** 2, 0)
}
