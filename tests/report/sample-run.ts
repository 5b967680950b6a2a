// One small run as store rows: two agents, two tasks, an infrastructure stop, an unpriced call and a hostile test name.
import type { ReportData } from '../../core/report.ts'
import type { AttemptRecord, Call, Run, TestResult, Trial, TrialOutcomeKind, TurnRecord, TurnState } from '../../core/types.ts'
import { foldCosts, foldTotals } from '../../judge/cost.ts'
import { computeScores } from '../../judge/score.ts'
import { buildReport } from '../../report/report.ts'
import { makeRun, makeTrial, makeUsage } from '../rows.ts'

const start = Date.parse('2026-03-01T10:00:00Z')
const states: Record<string, TurnState> = { p: 'passed', f: 'failed', n: 'not-reached', i: 'infra-error' }

interface Sketch {
  readonly id: string
  readonly agent: string
  readonly task: string
  readonly model: string
  readonly word: string
  readonly kind: TrialOutcomeKind
  readonly reason: string | null
}

const sketches: readonly Sketch[] = [
  { id: 't1', agent: 'mini', task: 'ledger', model: 'model-a', word: 'ppfp', kind: 'finished', reason: null },
  { id: 't2', agent: 'mini', task: 'parser', model: 'model-a', word: 'pppp', kind: 'finished', reason: null },
  { id: 't3', agent: 'other', task: 'ledger', model: 'model-b', word: 'pfnn', kind: 'agent-failed', reason: 'exit 3' },
  { id: 't4', agent: 'other', task: 'parser', model: 'model-b', word: 'ppii', kind: 'environment-failed', reason: 'disk full' },
]

export const run: Run = makeRun({
  id: '01RUN',
  name: 'nightly',
  config: { attempts: 2, feedback: 'minimal', onFailure: 'continue', store: '/somewhere', tasks: ['ledger', 'parser'] },
  plannedTurns: 16,
  startedAt: start,
  endedAt: start + 600_000,
})

const trials: Trial[] = sketches.map(sketch =>
  makeTrial({
    id: sketch.id,
    runId: run.id,
    name: `${sketch.task}.${sketch.agent}.1`,
    taskId: sketch.task,
    agent: sketch.agent,
    model: sketch.model,
    plannedTurns: 4,
    outcome: { kind: sketch.kind, reason: sketch.reason },
    startedAt: start,
    endedAt: start + 1000,
  }),
)

const turns: TurnRecord[] = sketches.flatMap(sketch =>
  [...sketch.word].map((letter, index) => ({
    trialId: sketch.id,
    turn: index + 1,
    state: states[letter] ?? 'missing',
    attempts: letter === 'f' ? 2 : letter === 'p' ? 1 : 0,
    instruction: '',
    startedAt: start,
    endedAt: start,
  })),
)

const attempts: AttemptRecord[] = turns
  .filter(turn => turn.attempts > 0)
  .map(turn => ({
    trialId: turn.trialId,
    turn: turn.turn,
    attempt: turn.attempts,
    passed: turn.state === 'passed',
    testsPassed: turn.state === 'passed' ? 8 : 6,
    testsTotal: 8,
    agentOutcome: 'exited',
    agentExit: 0,
    agentMs: 10,
    verifyMs: 10,
    feedback: null,
    snapshot: null,
    agentOutput: '',
    verifierOutput: '',
    startedAt: start,
    endedAt: start,
  }))

const tests: TestResult[] = [
  { trialId: 't1', turn: 3, attempt: 1, name: 'an older attempt', status: 'failed', message: 'not shown' },
  { trialId: 't1', turn: 3, attempt: 2, name: 'rounds cents', status: 'failed', message: 'expected 10 | got 11\nat line 3' },
  { trialId: 't1', turn: 3, attempt: 2, name: 'adds', status: 'passed', message: '' },
  { trialId: 't3', turn: 2, attempt: 2, name: '<script>\u001b[2Jevil\u202e', status: 'error', message: '' },
]

let calls = 0
function call(scopeId: string, turn: number, model: string, costNanoUsd: number | null): Call {
  calls += 1
  return {
    exchangeId: `x${calls}`,
    scopeId,
    turn,
    attempt: 1,
    protocol: 'anthropic-messages',
    modelAsked: model,
    modelAnswered: `${model}-20260101`,
    answerId: null,
    stopReason: 'end_turn',
    usage: makeUsage({ input: 1200, cachedRead: 34_000, cachedWrite5m: 900, output: 410, reasoning: 30 }),
    toolCalls: [],
    complete: true,
    error: null,
    costNanoUsd,
    priceVersion: costNanoUsd === null ? null : 'prices-0123456789ab',
    decoder: 1,
  }
}

const allCalls: Call[] = [
  ...sketches.slice(0, 2).flatMap(sketch => [1, 2, 3, 4].map(turn => call(sketch.id, turn, sketch.model, 12_345_678))),
  ...sketches.slice(2).flatMap(sketch => [1, 2].map(turn => call(sketch.id, turn, sketch.model, turn === 2 ? null : 2_000_000))),
]

export function buildSample(overrides: Partial<Run> = {}): ReportData {
  const rows = { run: { ...run, ...overrides }, trials, turns, attempts, tests, calls: allCalls }
  const score = computeScores(rows, { draws: 200 })
  const fold = (key: 'agent' | 'model' | 'turn') => foldCosts(allCalls, trials, [key])
  const costs = { byAgent: fold('agent'), byModel: fold('model'), byTurn: fold('turn'), total: foldTotals(allCalls) }
  return buildReport(rows, { score, costs })
}
