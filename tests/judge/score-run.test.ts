// scoreRun on a real store, with calls that were recorded and decoded.
import { expect, it } from 'vitest'
import { decodeExchanges } from '../../convert/decode.ts'
import type { Run, Trial } from '../../core/types.ts'
import { foldCosts, foldTotals } from '../../judge/cost.ts'
import { scoreRun } from '../../judge/score.ts'
import { readReport } from '../../report/report.ts'
import { renderTerminal } from '../../report/terminal.ts'
import { assistant, record, text, usage, user } from '../convert/script.ts'
import { withStore } from '../convert/temporary-store.ts'
import { makeRun, makeTrial } from '../rows.ts'

const run: Run = makeRun({ id: '01RUN', name: 'demo', config: { attempts: 1 } })
const trial: Trial = makeTrial({
  id: '01TRIAL',
  runId: run.id,
  model: 'model-a',
  plannedTurns: 2,
  outcome: { kind: 'finished', reason: null },
})

it('scores a recorded run, writes its rows once, and the report shows the same cost as the calls', () =>
  withStore(async store => {
    await store.put('runs', [run])
    await store.put('trials', [trial])
    await store.put(
      'turns',
      [1, 2].map(turn => ({
        trialId: trial.id,
        turn,
        state: turn === 1 ? ('passed' as const) : ('failed' as const),
        attempts: 1,
        instruction: '',
        startedAt: 1,
        endedAt: 2,
      })),
    )
    for (const id of ['a', 'b'])
      await record(
        store,
        { id, at: 1, messages: [user(id)], answer: assistant(text('ok')), usage: usage(10, 2) },
        { kind: 'trial', id: trial.id },
      )
    await decodeExchanges(store, { runId: run.id }, { price: () => ({ nanoUsd: 1_500_000, version: 'prices-test' }) })

    const report = await scoreRun(store, run.id)
    expect(await scoreRun(store, run.id)).toEqual(report)
    const rows = await store.list('scores', { runId: run.id })
    expect(rows).toHaveLength(report.agents[0]?.metrics.length ?? -1)
    expect(rows.find(row => row.metric === 'mean_turn_pass')).toEqual({
      runId: run.id,
      metric: 'mean_turn_pass',
      subject: 'agent:mini',
      score: { kind: 'scored', value: 0.5, denominator: 1 },
      denominatorName: 'tasks',
    })
    expect(rows.find(row => row.metric === 'cost_per_solved_turn_usd')?.score).toEqual({
      kind: 'scored',
      value: 0.003,
      denominator: 1,
    })

    const calls = await store.list('calls', { scopeId: trial.id })
    const fold = (key: 'agent' | 'model' | 'turn') => foldCosts(calls, [trial], [key])
    const costs = { byAgent: fold('agent'), byModel: fold('model'), byTurn: fold('turn'), total: foldTotals(calls) }
    const shown = renderTerminal(await readReport(store, run.id, { score: report, costs }), { width: 100, color: false })
    expect(shown).toContain('$0.0030')
    expect(shown).toContain('task.mini.1')
  }))

it('names a run that is not there', () =>
  withStore(async store => {
    await expect(scoreRun(store, 'nope')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  }))
