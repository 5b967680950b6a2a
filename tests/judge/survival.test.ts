import { describe, expect, it } from 'vitest'
import type { TurnState } from '../../core/types.ts'
import type { GridTrial } from '../../judge/grid.ts'
import { kaplanMeier, medianTurn, observeTrial, restrictedMean, survivalAt } from '../../judge/survival.ts'

// Eight trials: events at 2, 3, 5, 7; censored at 4, 6 and two that outlive the last event.
const observations = [
  { turn: 2, event: true },
  { turn: 3, event: true },
  { turn: 4, event: false },
  { turn: 5, event: true },
  { turn: 6, event: false },
  { turn: 7, event: true },
  { turn: 9, event: false },
  { turn: 9, event: false },
]

describe('kaplanMeier', () => {
  it('equals the hand example, at-risk row and Greenwood errors included', () => {
    const steps = kaplanMeier(observations)
    expect(steps.map(step => [step.turn, step.atRisk])).toEqual([
      [2, 8],
      [3, 7],
      [5, 5],
      [7, 3],
    ])
    const expected = [0.875, 0.75, 0.6, 0.4]
    const errors = [0.117, 0.153, 0.182, 0.203]
    for (const [index, step] of steps.entries()) {
      expect(step.survival).toBeCloseTo(expected[index] ?? 0, 10)
      expect(step.standardError).toBeCloseTo(errors[index] ?? 0, 3)
    }
  })

  it('does not depend on the order of trials', () => {
    expect(kaplanMeier([...observations].reverse())).toEqual(kaplanMeier(observations))
  })

  it('is the plain share when nothing is censored', () => {
    const steps = kaplanMeier([1, 2, 2, 5].map(turn => ({ turn, event: true })))
    expect(survivalAt(steps, 1)).toBeCloseTo(0.75)
    expect(survivalAt(steps, 2)).toBeCloseTo(0.25)
    expect(survivalAt(steps, 4)).toBeCloseTo(0.25)
    expect(survivalAt(steps, 5)).toBe(0)
  })

  it('gives turns survived as the sum of S(t), not of turns begun', () => {
    const steps = kaplanMeier([1, 3].map(turn => ({ turn, event: true })))
    // S(1) = S(2) = .5, S(3) = 0: one of two trials survived two turns.
    expect(restrictedMean(steps, 3)).toBeCloseTo(1)
    expect(medianTurn(steps)).toBe(1)
    expect(medianTurn(kaplanMeier([{ turn: 4, event: false }]))).toBeNull()
  })
})

describe('observeTrial', () => {
  function trial(states: readonly TurnState[], overBudget = false): GridTrial {
    return {
      id: 't',
      overBudget,
      cells: states.map((state, index) => ({ turn: index + 1, state, attempts: 1, testsPassed: 0, testsTotal: 0 })),
    }
  }

  it.each([
    [trial(['passed', 'failed', 'not-reached']), { turn: 2, event: true }],
    [trial(['passed', 'passed']), { turn: 2, event: false }],
    [trial(['passed', 'infra-error', 'missing']), { turn: 1, event: false }],
    [trial(['passed', 'failed', 'not-reached'], true), { turn: 1, event: false }],
    [trial(['agent-error']), { turn: 1, event: true }],
    [trial(['infra-error']), null],
  ])('reads %o', (given, expected) => expect(observeTrial(given)).toEqual(expected))
})
