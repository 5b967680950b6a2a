import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyInput, createLiveState, trialOf } from '../../report/live-state.ts'
import { foldTotals } from '../../report/live-totals.ts'
import { anyInputs, begun, eventAt, figuresAt, figuresOf, fold, plan, start, trialBegun, turnOf } from './live-story.ts'

describe('the state of a run', () => {
  it('follows a trial from its start to its end', () => {
    const events = [
      begun(2, 6),
      trialBegun(1, 't1', 'ledger.mini.1'),
      eventAt(2, 'environment-opened', { name: 'ledger.mini.1' }),
    ]
    const state = fold([...events, ...turnOf(3, 't1', 1, [false, true]), eventAt(24, 'attempt-started', { turn: 2, attempt: 1 })])
    const trial = trialOf(state, 't1')
    expect(trial).toMatchObject({ phase: 'running', turn: 2, attempt: 1, tests: { passed: 8, total: 8 }, playedTurns: 1 })
    // From the trial's start: what it takes to get a place is part of a turn's time.
    expect(trial?.playedMs).toBe(22_000)
    expect(trial?.activity).toMatchObject({ kind: 'working', since: start + 24_000 })
    const over = applyInput(state, { event: eventAt(30, 'trial-ended', { outcome: 'agent-failed', reason: 'exit 3' }) })
    expect(trialOf(over, 't1')).toMatchObject({
      phase: 'failed',
      outcome: 'agent-failed',
      reason: 'exit 3',
      endedAt: start + 30_000,
    })
  })

  it('gives a trial that is tried again one place, and the figures of its successor', () => {
    const first = [begun(1, 3), trialBegun(0, 't1', 'ledger.mini.1'), ...turnOf(1, 't1', 1, [true])]
    const broken = [
      eventAt(20, 'trial-ended', { outcome: 'environment-failed', reason: '529' }),
      eventAt(20, 'trial-retried', { retry: 1, retriesMax: 3, pauseMs: 4000 }),
    ]
    const waiting = fold([...first, ...broken])
    expect(foldTotals(waiting, start + 20_000)).toMatchObject({ trials: 1, waiting: 1, failed: 0, running: 0 })
    const again = [trialBegun(25, 't2', 'ledger.mini.1'), eventAt(25, 'turns-copied', { states: { 1: 'passed' } }, 't2')]
    const resumed = [eventAt(26, 'trial-continued', { turn: 1, from: 't1' }, 't2'), figuresAt(27, 't2', 3)]
    // Late words of the first one change nothing.
    const late = [eventAt(28, 'trial-ended', { outcome: 'environment-failed' }, 't1'), figuresAt(28, 't1', 99)]
    const state = fold([...first, ...broken, ...again, ...resumed, ...late])
    expect(foldTotals(state, start + 28_000)).toMatchObject({ trials: 1, running: 1, failed: 0, doneTurns: 1, passedTurns: 1 })
    expect(trialOf(state, 't2')).toMatchObject({ trialId: 't2', resumedAfter: 1, playedTurns: 1, figures: { calls: 3 } })
  })

  it('knows since when a model is asked, and which provider holds the call', () => {
    const events = [
      begun(1, 3),
      trialBegun(0, 't1', 'a'),
      figuresAt(5, 't1', 1, { inFlight: 1 }),
      figuresAt(8, 't1', 1, { inFlight: 2, heldBy: 'openai' }),
    ]
    expect(trialOf(fold(events), 't1')).toMatchObject({ callSince: start + 5000, heldBy: 'openai' })
    expect(trialOf(fold([...events, figuresAt(9, 't1', 2)]), 't1')).toMatchObject({ callSince: null, heldBy: null })
  })

  it('takes the sums of the run where they are told, also before the trial is known', () => {
    const figures = { trialId: 'unknown', at: start, trial: figuresOf(1), run: figuresOf(7), inFlight: 0, heldBy: null }
    expect(fold([begun(1, 3), { figures }]).run?.calls).toBe(7)
  })

  it('keeps trials of an earlier stretch apart', () => {
    const more = { kept: 3, keptFailed: 1, keptTurns: 9, keptPassed: 7 }
    const totals = foldTotals(fold([begun(1, 12, more), trialBegun(1, 't1', 'a')]), start)
    expect(totals).toMatchObject({
      trials: 4,
      finished: 2,
      failed: 1,
      running: 1,
      waiting: 0,
      doneTurns: 9,
      passedTurns: 7,
      plannedTurns: 12,
    })
  })
})

describe('any order of any events', () => {
  it('never throws, and each trial is counted once', () => {
    fc.assert(
      fc.property(anyInputs, fc.integer({ min: -10_000, max: 200_000 }), (inputs, after) => {
        const state = inputs.reduce(applyInput, createLiveState(plan))
        const totals = foldTotals(state, start + after)
        expect(totals.finished + totals.failed + totals.running + totals.waiting).toBe(totals.trials)
        expect(Math.min(totals.finished, totals.failed, totals.running, totals.waiting)).toBeGreaterThanOrEqual(0)
        expect(totals.trials).toBeGreaterThanOrEqual(state.trials.size)
        expect(totals.doneTurns).toBeLessThanOrEqual(totals.plannedTurns)
      }),
      { numRuns: 300 },
    )
  })

  it('leaves the state before it as it was', () => {
    const before = fold([begun(1, 3), trialBegun(0, 't1', 'a')])
    const copy = structuredClone(before)
    applyInput(before, { event: eventAt(3, 'turn-ended', { turn: 1, state: 'passed' }) })
    applyInput(before, figuresAt(4, 't1', 2, { inFlight: 1 }))
    expect(before).toEqual(copy)
  })
})
