import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listFacts } from '../../report/live-facts.ts'
import { applyInput, createLiveState } from '../../report/live-state.ts'
import { estimateLeft, foldTotals } from '../../report/live-totals.ts'
import { anyInputs, begun, eventAt, figuresAt, fold, plan, start, trialBegun, turnOf } from './live-story.ts'

const at = (seconds: number): number => start + seconds * 1000

describe('how long it will take', () => {
  it('says nothing before two turns were played', () => {
    const one = [begun(1, 3), trialBegun(0, 't1', 'a'), ...turnOf(0, 't1', 1, [true])]
    expect(estimateLeft(fold(one), at(10))).toBeNull()
    expect(estimateLeft(fold([...one, ...turnOf(10, 't1', 2, [true])]), at(20))).toBe(10_000)
  })

  it('takes off what the turn at hand has taken, but never more than a turn', () => {
    const state = fold([begun(1, 4), trialBegun(0, 't1', 'a', 4), ...turnOf(0, 't1', 1, [true]), ...turnOf(10, 't1', 2, [true])])
    expect(estimateLeft(state, at(20))).toBe(20_000)
    expect(estimateLeft(state, at(26))).toBe(14_000)
    expect(estimateLeft(state, at(500))).toBe(10_000)
  })

  it('gives trials that wait the place that is free first', () => {
    const by = { ...plan, concurrency: 2 }
    const turns = (id: string) => [...turnOf(0, id, 1, [true]), ...turnOf(10, id, 2, [true])]
    // Two at work with one turn left each, three of three turns wait: 10 s, then 30 s, and the third after one of them.
    const state = fold([begun(5, 15), trialBegun(0, 't1', 'a'), trialBegun(0, 't2', 'b'), ...turns('t1'), ...turns('t2')], by)
    expect(estimateLeft(state, at(20))).toBe(70_000)
    expect(estimateLeft({ ...state, plan: { ...by, concurrency: 5 } }, at(20))).toBe(30_000)
  })

  it('follows a trial that is slower than the others', () => {
    const fast = [...turnOf(0, 't1', 1, [true], 10), ...turnOf(10, 't1', 2, [true], 10)]
    const slow = [...turnOf(0, 't2', 1, [true], 90), ...turnOf(90, 't2', 2, [true], 90)]
    const state = fold([begun(2, 6), trialBegun(0, 't1', 'a'), trialBegun(0, 't2', 'b'), ...fast, ...slow])
    // Mean of the run 50 s, of the slow one 90 s: between them, not the run's mean.
    expect(estimateLeft(state, at(180))).toBe(70_000)
  })

  it('adds the pause of a trial that is tried again', () => {
    const played = [begun(1, 3), trialBegun(0, 't1', 'a'), ...turnOf(0, 't1', 1, [true]), ...turnOf(10, 't1', 2, [true])]
    const broken = [
      eventAt(20, 'trial-ended', { outcome: 'environment-failed' }),
      eventAt(20, 'trial-retried', { pauseMs: 60_000 }),
    ]
    expect(estimateLeft(fold([...played, ...broken]), at(20))).toBe(70_000)
  })

  it('tells what was interrupted from what has failed, and its turns are not done', () => {
    const state = fold([
      ...[begun(2, 6), trialBegun(0, 't1', 'a'), ...turnOf(0, 't1', 1, [true])],
      eventAt(12, 'turns-settled', { states: { 2: 'missing', 3: 'missing' } }),
      eventAt(12, 'trial-ended', { outcome: 'interrupted' }),
    ])
    expect(foldTotals(state, at(12))).toMatchObject({
      ...{ trials: 2, finished: 0, failed: 0, interrupted: 1, running: 0, waiting: 1 },
      ...{ plannedTurns: 6, doneTurns: 1, passedTurns: 1 },
    })
    expect(listFacts(foldTotals(state, at(12)), plan)).toEqual(['0/2 trials done', '1 interrupted', '1 waiting'])
  })

  it('is not asked any more when nothing is left', () => {
    const all = [begun(1, 2), trialBegun(0, 't1', 'a', 2), ...turnOf(0, 't1', 1, [true]), ...turnOf(10, 't1', 2, [true])]
    expect(estimateLeft(fold([...all, eventAt(21, 'trial-ended', { outcome: 'finished' })]), at(21))).toBeNull()
    expect(estimateLeft(fold([...all, eventAt(21, 'run-ended', {}, null)]), at(21))).toBeNull()
  })

  it('is never negative and always a number, whatever was told', () => {
    fc.assert(
      fc.property(anyInputs, fc.integer({ min: -50_000, max: 500_000 }), (inputs, after) => {
        const left = estimateLeft(inputs.reduce(applyInput, createLiveState(plan)), start + after)
        if (left === null) return
        expect(left).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(left)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('does not grow with more places', () => {
    const some = fc.record({ trials: fc.integer({ min: 1, max: 30 }), concurrency: fc.integer({ min: 1, max: 12 }) })
    fc.assert(
      fc.property(some, ({ trials, concurrency }) => {
        const state = fold([
          begun(trials, trials * 3),
          trialBegun(0, 't1', 'a'),
          ...turnOf(0, 't1', 1, [true]),
          ...turnOf(10, 't1', 2, [true]),
        ])
        const with_ = (places: number) => estimateLeft({ ...state, plan: { ...plan, concurrency: places } }, at(20)) ?? 0
        expect(with_(concurrency + 1)).toBeLessThanOrEqual(with_(concurrency) + 1e-6)
      }),
    )
  })
})

describe('sums', () => {
  it('adds up the trials where nobody counts the run', () => {
    const state = fold([
      begun(2, 6),
      trialBegun(0, 't1', 'a'),
      trialBegun(0, 't2', 'b'),
      figuresAt(1, 't1', 2),
      figuresAt(1, 't2', 3),
    ])
    expect(foldTotals(state, at(1)).figures).toMatchObject({ calls: 5, tokens: { output: 450 }, pricedCalls: 5 })
    expect(foldTotals(fold([begun(2, 6)]), at(1)).figures).toBeNull()
  })

  it('counts only turns that are played', () => {
    const window = eventAt(0, 'trial-started', { name: 'a', plannedTurns: 10, firstTurn: 4, lastTurn: 6 })
    const settled = eventAt(9, 'turns-settled', { states: { 1: 'skipped', 2: 'skipped', 3: 'skipped', 7: 'skipped' } })
    const state = fold([begun(1, 3), window, ...turnOf(0, 't1', 4, [true]), settled])
    expect(foldTotals(state, at(9))).toMatchObject({ doneTurns: 1, passedTurns: 1, plannedTurns: 3 })
  })
})
