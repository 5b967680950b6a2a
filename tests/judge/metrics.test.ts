import { describe, expect, it } from 'vitest'
import type { Metric } from '../../core/report.ts'
import type { TurnState } from '../../core/types.ts'
import type { Cell, Grid, GridTrial } from '../../judge/grid.ts'
import { computeMetrics, trialsPerTask } from '../../judge/metrics.ts'
import { passAtK, passHatK } from '../../judge/outcomes.ts'

const letters: Record<string, TurnState> = {
  p: 'passed',
  f: 'failed',
  n: 'not-reached',
  a: 'agent-error',
  i: 'infra-error',
  m: 'missing',
  s: 'skipped',
}

/** `ppf` is a trial of three turns; each turn has 10 cases, a failed turn passes 4 of them. */
function trial(word: string): GridTrial {
  const cells = [...word].map((letter, index): Cell => {
    const state = letters[letter] ?? 'missing'
    return {
      turn: index + 1,
      state,
      attempts: state === 'failed' ? 2 : 1,
      testsPassed: state === 'passed' ? 10 : 4,
      testsTotal: 10,
    }
  })
  return { id: word, cells, overBudget: false }
}

function grid(tasks: Record<string, readonly string[]>): Grid {
  return Object.entries(tasks).map(([id, words]) => ({ id, trials: words.map(trial) }))
}

function read(metrics: readonly Metric[], name: string): Metric {
  const found = metrics.find(metric => metric.name === name)
  if (found === undefined) throw new Error(`no metric ${name}`)
  return found
}

function value(metrics: readonly Metric[], name: string): number | string {
  const { score } = read(metrics, name)
  return score.kind === 'scored' ? score.value : score.reason
}

describe('turn metrics, computed by hand', () => {
  // Task a: ppp and pff; task b: pfpp and pppp. Rates 1, 1/3, 3/4, 1.
  const metrics = computeMetrics(grid({ a: ['ppp', 'pff'], b: ['pfpp', 'pppp'] }))

  it('averages turns, then trials, then tasks, never pooling turns', () => {
    expect(value(metrics, 'mean_turn_pass')).toBeCloseTo(((1 + 1 / 3) / 2 + (0.75 + 1) / 2) / 2, 12)
    expect(value(metrics, 'dataset_score')).toBeCloseTo(77.0833333333, 8)
  })

  it('counts test cases of failed turns in the Case score', () => {
    // a: 1 and (1 + .4 + .4)/3 = .6; b: (3 + .4)/4 = .85 and 1
    expect(value(metrics, 'case_score')).toBeCloseTo((100 * (0.8 + 0.925)) / 2, 10)
  })

  it('tells a perfect trial from a perfect task', () => {
    expect(value(metrics, 'perfect_at_1')).toBe(0.5)
    expect(value(metrics, 'perfect_at_n')).toBe(1)
    expect(value(metrics, 'perfect_tasks')).toBe(2)
  })

  it('lets the final turn pass after a failure', () => {
    expect(value(metrics, 'final_at_1')).toBe(0.75)
    expect(value(metrics, 'final_at_n')).toBe(1)
  })

  it('labels MT@k as best of k per turn', () => {
    // Every turn passed in one of the two trials.
    expect(value(metrics, 'mt_at_k')).toBe(1)
    expect(read(metrics, 'mt_at_k').label).toBe('MT@2')
    expect(read(metrics, 'mt_at_k').note).toContain('best of k=2 per turn')
  })

  it('prints pass^k beside pass@k', () => {
    // One of two trials perfect in each task.
    expect(value(metrics, 'pass_at_1')).toBe(0.5)
    expect(value(metrics, 'pass_at_2')).toBe(1)
    expect(value(metrics, 'pass_hat_1')).toBe(0.5)
    expect(value(metrics, 'pass_hat_2')).toBe(0)
  })

  it('counts turns survived before the first failure', () => {
    // 3, 1 and 1, 4
    expect(value(metrics, 'stamina')).toBe((2 + 2.5) / 2)
  })

  it('measures recovery over the turns begun after a failure', () => {
    // pff: failed after failed; pfpp: passed after failed.
    expect(value(metrics, 'recovery')).toBe(0.5)
    expect(read(metrics, 'recovery').score).toEqual({ kind: 'scored', value: 0.5, denominator: 2 })
  })

  it('charges attempts of failed turns to the solved ones', () => {
    // 14 turns, 3 failed with two attempts each: 17 attempts over 11 solved turns.
    expect(value(metrics, 'attempts_per_solved_turn')).toBeCloseTo(17 / 11, 12)
  })
})

describe('excluded cells', () => {
  it('are no zeros: an infrastructure stop leaves the rate of the scored turns, with bounds beside it', () => {
    const metric = read(computeMetrics(grid({ a: ['ppii'] })), 'mean_turn_pass')
    expect(metric.score).toEqual({ kind: 'scored', value: 1, denominator: 1 })
    expect(metric.bounds).toEqual({ allFail: 0.5, allPass: 1 })
  })

  it('count agent errors and turns never reached as not passed', () => {
    expect(value(computeMetrics(grid({ a: ['pann'] })), 'mean_turn_pass')).toBe(0.25)
  })

  it('leave a trial open that no scored turn decides, and settle it once a turn failed', () => {
    const open = computeMetrics(grid({ a: ['ppi'] }))
    expect(value(open, 'perfect_at_1')).toMatch(/could be scored/)
    expect(read(open, 'perfect_tasks').bounds).toEqual({ allFail: 0, allPass: 1 })
    expect(value(computeMetrics(grid({ a: ['pfi'] })), 'perfect_at_1')).toBe(0)
  })

  it('censor stamina: unscored with bounds, and estimated with the stop censored', () => {
    const metrics = computeMetrics(grid({ a: ['ppi', 'pfp'] }))
    expect(value(metrics, 'stamina')).toBe('1 of 2 trials were stopped before they failed or ended')
    expect(read(metrics, 'stamina').bounds).toEqual({ allFail: 1.5, allPass: 2 })
    // S(1) = 1, S(2) = 1/2, S(3) = 1/2.
    expect(value(metrics, 'stamina_km')).toBe(2)
  })

  it('never give an interval of no width, nor print all-passed bare', () => {
    for (const words of [
      { a: ['ppp'], b: ['ppp'] },
      { a: ['pfp'], b: ['pfp'] },
    ])
      for (const metric of computeMetrics(grid(words)))
        if (metric.interval !== null) expect(metric.interval.high - metric.interval.low).toBeGreaterThan(0.01)
    expect(read(computeMetrics(grid({ a: ['ppp'], b: ['ppp'] })), 'mean_turn_pass').interval).toMatchObject({
      method: 'wilson',
      high: 1,
    })
  })

  it('make everything unscored when nothing was scored, never NaN', () => {
    for (const metric of computeMetrics(grid({ a: ['mmm'] }))) {
      if (metric.name === 'perfect_tasks') continue
      expect([metric.name, metric.score.kind]).toEqual([metric.name, 'unscored'])
    }
  })

  it('keep every value inside its bounds', () => {
    for (const metric of computeMetrics(grid({ a: ['ppi', 'fpm', 'sfp'], b: ['ip', 'pf', 'pp'], c: ['mm', 'pp', 'ff'] }))) {
      if (metric.score.kind !== 'scored' || metric.bounds === null) continue
      expect(metric.bounds.allFail).toBeLessThanOrEqual(metric.score.value + 1e-12)
      expect(metric.bounds.allPass).toBeGreaterThanOrEqual(metric.score.value - 1e-12)
    }
  })
})

describe('pass@k and pass^k', () => {
  function choose(n: number, k: number): number {
    let product = 1
    for (let i = 0; i < k; i += 1) product = (product * (n - i)) / (i + 1)
    return product
  }

  it('equal the combinatorial form for every n below 30', () => {
    for (let n = 1; n < 30; n += 1)
      for (let c = 0; c <= n; c += 1)
        for (let k = 1; k <= n; k += 1) {
          expect(passAtK(n, c, k)).toBeCloseTo(1 - choose(n - c, k) / choose(n, k), 9)
          expect(passHatK(n, c, k)).toBeCloseTo(choose(c, k) / choose(n, k), 9)
        }
  })

  it('are both the mean at k = 1', () => {
    expect(passAtK(8, 6, 1)).toBeCloseTo(0.75, 12)
    expect(passHatK(8, 6, 1)).toBeCloseTo(0.75, 12)
  })

  it('show what a user feels: 3 of 5 is pass@2 .90 but pass^2 .30', () => {
    expect(passAtK(5, 3, 2)).toBeCloseTo(0.9, 10)
    expect(passHatK(5, 3, 2)).toBeCloseTo(0.3, 10)
    expect(passHatK(8, 6, 4)).toBeCloseTo(0.214, 3)
  })

  it('use no k above the smallest number of trials', () => {
    const uneven = grid({ a: ['p', 'p', 'f'], b: ['p', 'f'] })
    expect(trialsPerTask(uneven)).toBe(2)
    expect(computeMetrics(uneven).some(metric => metric.name === 'pass_at_3')).toBe(false)
  })
})
