import { describe, expect, it } from 'vitest'
import { bootstrap, percentile, studentT, wilson } from '../../judge/intervals.ts'

describe('wilson', () => {
  it.each([
    [5, 0.43],
    [10, 0.28],
    [20, 0.16],
    [50, 0.07],
  ])('does not print 0 of %i failures bare: up to %f', (n, upper) => {
    expect(wilson(0, n)?.low).toBe(0)
    expect(wilson(0, n)?.high).toBeCloseTo(upper, 2)
    expect(wilson(n, n)?.low).toBeCloseTo(1 - upper, 2)
    expect(wilson(n, n)?.high).toBe(1)
  })

  it('gives 22.5 to 34.4 for 28.1 % of 217', () => {
    const interval = wilson(61, 217)
    expect(interval?.low).toBeCloseTo(0.2255, 4)
    expect(interval?.high).toBeCloseTo(0.3443, 4)
  })

  it('has no interval over nothing', () => expect(wilson(0, 0)).toBeNull())
})

describe('bootstrap', () => {
  const mean = (sample: ReadonlyArray<readonly number[]>) => {
    const means = sample.map(cluster => cluster.reduce((sum, value) => sum + value, 0) / cluster.length)
    return means.reduce((sum, value) => sum + value, 0) / means.length
  }
  const clusters = Array.from({ length: 20 }, (_, task) => [task % 2, task % 2, task % 3 === 0 ? 1 : 0])

  it('is the same for the same seed and another for another', () => {
    expect(bootstrap(clusters, mean, { seed: 7 })).toEqual(bootstrap(clusters, mean, { seed: 7 }))
    expect(bootstrap(clusters, mean, { seed: 7 })).not.toEqual(bootstrap(clusters, mean, { seed: 8 }))
  })

  it('covers the value and is wider than if turns were independent', () => {
    const interval = bootstrap(clusters, mean)
    const value = mean(clusters)
    expect(interval?.low).toBeLessThan(value)
    expect(interval?.high).toBeGreaterThan(value)
    const rows = bootstrap(
      clusters.flat().map(row => [row]),
      mean,
    )
    expect((interval?.high ?? 0) - (interval?.low ?? 0)).toBeGreaterThan((rows?.high ?? 0) - (rows?.low ?? 0))
  })

  it('covers the true mean about 95 times in 100', () => {
    // 200 seeded data sets of 15 tasks, task rate uniform in {0.2, 0.5, 0.8}: true mean 0.5.
    let state = 12345
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    let covered = 0
    for (let set = 0; set < 200; set += 1) {
      const data = Array.from({ length: 15 }, () => {
        const rate = [0.2, 0.5, 0.8][Math.floor(next() * 3)] ?? 0.5
        return Array.from({ length: 4 }, () => (next() < rate ? 1 : 0))
      })
      const interval = bootstrap(data, mean, { draws: 300, seed: set })
      if (interval !== null && interval.low <= 0.5 && interval.high >= 0.5) covered += 1
    }
    expect(covered).toBeGreaterThan(180)
    expect(covered).toBeLessThanOrEqual(200)
  })

  it('has no interval for one task', () => expect(bootstrap([[1, 0]], mean)).toBeNull())
})

describe('studentT', () => {
  it('equals the hand example: 0.2, 0.4, 0.9 has mean 0.5 and half width 4.303 x 0.2082', () => {
    const interval = studentT([0.2, 0.4, 0.9])
    expect(interval?.low).toBeCloseTo(0.5 - 4.30265273 * Math.sqrt(0.13 / 3), 6)
    expect(interval?.high).toBeCloseTo(0.5 + 4.30265273 * Math.sqrt(0.13 / 3), 6)
  })
  it('is not for one value, nor for ten', () => {
    expect(studentT([1])).toBeNull()
    expect(studentT(Array.from({ length: 10 }, () => 1))).toBeNull()
  })
})

it('percentile interpolates between order statistics', () => {
  expect(percentile([0, 10], 0.25)).toBe(2.5)
  expect(percentile([3], 0.9)).toBe(3)
})
