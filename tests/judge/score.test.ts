import { describe, expect, it } from 'vitest'
import { formatCost, readUsd } from '../../core/money.ts'
import type { AttemptRecord, Call, Trial, TrialOutcomeKind, TurnRecord, TurnState, Usage } from '../../core/types.ts'
import { foldCosts, foldTotals } from '../../judge/cost.ts'
import { computeScores, type RunRows, writeScoreJson } from '../../judge/score.ts'
import { makeTrial, makeUsage } from '../rows.ts'

const usage: Usage = makeUsage({ input: 100, cachedRead: 1000, cachedWrite5m: 10, output: 50, reasoning: 20 })

let calls = 0
function call(trialId: string, turn: number, fields: Partial<Call> = {}): Call {
  calls += 1
  return {
    exchangeId: `x${calls}`,
    scopeId: trialId,
    turn,
    attempt: 1,
    protocol: 'test',
    modelAsked: 'm',
    modelAnswered: 'm-1',
    answerId: null,
    stopReason: null,
    usage,
    toolCalls: [],
    complete: true,
    error: null,
    costNanoUsd: 1_000_000,
    priceVersion: 'prices-1',
    decoder: 1,
    ...fields,
  }
}

function trial(
  id: string,
  agent: string,
  taskId: string,
  kind: TrialOutcomeKind | null = 'finished',
  model: string | null = 'm',
): Trial {
  return makeTrial({
    id,
    name: `${taskId}.${agent}.1`,
    taskId,
    agent,
    model,
    plannedTurns: 3,
    state: kind === null ? 'running' : 'ended',
    outcome: kind === null ? null : { kind, reason: null },
    startedAt: 0,
    endedAt: 1,
  })
}

function turn(trialId: string, index: number, state: TurnState, attempts = 1): TurnRecord {
  return { trialId, turn: index, state, attempts, instruction: '', startedAt: 0, endedAt: 1 }
}

function attempt(trialId: string, index: number, number: number, testsPassed: number): AttemptRecord {
  return {
    trialId,
    turn: index,
    attempt: number,
    passed: testsPassed === 5,
    testsPassed,
    testsTotal: 5,
    agentOutcome: 'exited',
    agentExit: 0,
    agentMs: 1,
    verifyMs: 1,
    feedback: null,
    snapshot: null,
    agentOutput: '',
    verifierOutput: '',
    startedAt: 0,
    endedAt: 1,
  }
}

function rows(): RunRows {
  return {
    run: { id: 'r', name: 'run', simulated: false, plannedTurns: 15 },
    trials: [
      trial('t1', 'mini', 'a'),
      trial('t2', 'mini', 'b', 'over-budget'),
      trial('t3', 'other', 'a', 'environment-failed'),
      trial('t4', 'other', 'b', null),
    ],
    turns: [
      turn('t1', 1, 'passed'),
      turn('t1', 2, 'failed', 3),
      turn('t1', 3, 'passed', 2),
      turn('t2', 1, 'passed'),
      turn('t2', 2, 'failed'),
      turn('t3', 1, 'passed'),
      turn('t4', 1, 'passed'),
    ],
    attempts: [attempt('t1', 2, 1, 1), attempt('t1', 2, 3, 4), attempt('t1', 2, 2, 2), attempt('t2', 2, 1, 0)],
    calls: [call('t1', 1), call('t1', 2), call('t1', 3), call('t2', 1), call('t2', 2, { costNanoUsd: 3_000_000 }), call('t3', 1)],
  }
}

function flat(report: ReturnType<typeof computeScores>, agent: string): Record<string, unknown> {
  const json = writeScoreJson(report) as { agents: Array<Record<string, unknown>> }
  return json.agents.find(row => row['agent'] === agent) ?? {}
}

describe('computeScores', () => {
  it('reads states that have no row from how the trial ended, never as zeros for infrastructure', () => {
    const report = computeScores(rows())
    expect(report.agents[0]?.cells).toMatchObject({ passed: 3, failed: 2, 'not-reached': 1 })
    expect(report.agents[1]?.cells).toMatchObject({ passed: 2, 'infra-error': 2, missing: 2 })
    expect(flat(report, 'other')['mean_turn_pass']).toBe(1)
    expect(report.unassignedTurns).toBe(3)
  })

  it('counts a trial that was interrupted and played again once, and its cost both times', () => {
    const once = computeScores(rows())
    const again: RunRows = {
      ...rows(),
      // An id before t1: the older row of the same cell.
      trials: [trial('t0', 'mini', 'a', 'interrupted'), ...rows().trials],
      turns: [turn('t0', 1, 'failed'), turn('t0', 2, 'missing'), ...rows().turns],
      calls: [call('t0', 1, { costNanoUsd: 5_000_000 }), ...rows().calls],
    }
    const twice = computeScores(again)
    expect(twice.cells).toEqual(once.cells)
    expect(twice.unassignedTurns).toBe(once.unassignedTurns)
    expect(flat(twice, 'mini')['mean_turn_pass']).toBe(flat(once, 'mini')['mean_turn_pass'])
    expect(flat(twice, 'mini')['n_trials']).toBe(2)
    expect(flat(twice, 'mini')['cost_usd']).toBeCloseTo(Number(flat(once, 'mini')['cost_usd']) + 0.005, 12)
    const solved = Number(flat(once, 'mini')['cost_usd']) / Number(flat(once, 'mini')['cost_per_solved_turn_usd'])
    expect(flat(twice, 'mini')['cost_per_solved_turn_usd']).toBeCloseTo(Number(flat(twice, 'mini')['cost_usd']) / solved, 12)
  })

  it('prints each number by its own name, computed by hand', () => {
    const mini = flat(computeScores(rows()), 'mini')
    // t1: 2 of 3; t2: 1 of 3 (the budget stop is a failed cell, the turn after it not reached).
    expect(mini['mean_turn_pass']).toBeCloseTo(0.5, 12)
    expect(mini['dataset_score']).toBeCloseTo(50, 12)
    // t1 turn 2: the last attempt passed 4 of 5 cases. (1 + .8 + 1)/3 and (1 + 0 + 0)/3.
    expect(mini['case_score']).toBeCloseTo((100 * (2.8 / 3 + 1 / 3)) / 2, 10)
    expect(mini).toMatchObject({ perfect_tasks: 0, perfect_at_1: 0, final_at_1: 0.5, stamina: 1, n_tasks: 2, n_trials: 2 })
    expect(mini['recovery']).toBe(1)
    expect(mini['attempts_per_solved_turn']).toBeCloseTo(8 / 3, 12)
    // 3 x $0.001 + $0.001 + $0.003 over three solved turns: failed turns are paid for by solved ones.
    expect(mini['cost_per_solved_turn_usd']).toBeCloseTo(0.007 / 3, 12)
    expect(mini['cost_usd']).toBeCloseTo(0.007, 12)
    expect(mini['tokens']).toEqual({ input: 500, cached_read: 5000, cached_write: 50, output: 250 })
  })

  it('does not depend on the order of rows', () => {
    const given = rows()
    const reversed: RunRows = {
      run: given.run,
      trials: [...given.trials].reverse(),
      turns: [...given.turns].reverse(),
      attempts: [...given.attempts].reverse(),
      calls: [...given.calls].reverse(),
    }
    expect(computeScores(reversed)).toEqual(computeScores(given))
  })

  it('keeps models of one agent apart', () => {
    const given = rows()
    const report = computeScores({
      ...given,
      trials: [trial('t1', 'mini', 'a', 'finished', 'm'), trial('t2', 'mini', 'a', 'finished', 'n')],
    })
    expect(report.agents.map(agent => agent.subject)).toEqual(['agent:mini/m', 'agent:mini/n'])
  })

  it('says unscored with the lower bound when a call has no price', () => {
    const given = rows()
    const report = computeScores({ ...given, calls: [...given.calls, call('t1', 1, { costNanoUsd: null, priceVersion: null })] })
    const metric = report.agents[0]?.metrics.find(metric => metric.name === 'cost_per_solved_turn_usd')
    expect(metric?.score).toEqual({ kind: 'unscored', reason: '1 of 6 calls unpriced; at least $0.0023' })
    expect(flat(report, 'mini')).toMatchObject({ cost_usd: null, cost_usd_at_least: 0.007, unpriced_calls: 1 })
  })
})

describe('the cost fold', () => {
  const given = rows()
  const many = [
    ...given.calls,
    call('t9', 1, { costNanoUsd: null, priceVersion: null, modelAnswered: 'local' }),
    call('t1', 2, { usage: null, costNanoUsd: null, priceVersion: null, error: { type: 'overloaded', message: '' } }),
    call('t1', 2, { usage: null, costNanoUsd: null, priceVersion: null, complete: false }),
  ]

  it.each([[['agent']], [['model']], [['trial', 'turn']], [['turn', 'agent', 'model']], [['session']]] as const)(
    'conserves calls, tokens and cost over groups by %j',
    by => {
      const total = foldTotals(many)
      const groups = foldCosts(many, given.trials, by)
      const sum = (read: (totals: typeof total) => number) => groups.reduce((all, group) => all + read(group.totals), 0)
      for (const read of [
        (totals: typeof total) => totals.calls,
        (totals: typeof total) => totals.nanoUsd,
        (totals: typeof total) => totals.unpricedCalls,
        (totals: typeof total) => totals.failedCalls,
        (totals: typeof total) => totals.tokens.input,
        (totals: typeof total) => totals.tokens.cachedRead,
        (totals: typeof total) => totals.tokens.output,
        (totals: typeof total) => totals.tokens.unknown,
      ])
        expect(sum(read)).toBe(read(total))
    },
  )

  it('counts a cut call as unpriced and an error answer as free', () => {
    const total = foldTotals(many)
    expect(total).toMatchObject({ calls: 9, failedCalls: 1, pricedCalls: 6, unpricedCalls: 2, unpricedModels: ['local', 'm-1'] })
    expect(total.tokens.unknown).toBe(1)
    expect(formatCost(total)).toBe('≥ $0.0080 (2 calls unpriced)')
    expect(readUsd(total)).toBeNull()
  })

  it('prints no dollar sign when nothing is known', () => {
    expect(formatCost(foldTotals([]))).toBe('–')
    expect(formatCost(foldTotals([call('t1', 1, { costNanoUsd: null })]))).toBe('unknown (1 call unpriced)')
  })

  it('sorts turns as numbers', () => {
    const turns = foldCosts(
      [10, 9, 2, 1].map(turn => call('t1', turn)),
      given.trials,
      ['turn'],
    ).map(group => group.key['turn'])
    expect(turns).toEqual(['1', '2', '9', '10'])
  })
})
