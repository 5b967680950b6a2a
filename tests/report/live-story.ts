// Events of a run as the runner writes them, at times of one's choosing; for tests of the live view.
import fc from 'fast-check'
import type { Json, RunEvent } from '../../core/types.ts'
import { applyInput, createLiveState, type LiveInput, type LivePlan, type LiveState } from '../../report/live-state.ts'
import type { LiveFigures } from '../../report/live-words.ts'

/** When every story begins. */
export const start = Date.parse('2026-03-01T10:00:00Z')

export const plan: LivePlan = {
  concurrency: 4,
  attempts: 2,
  budget: { costUsd: 5, tokens: null, calls: null },
  turnNames: new Map([['ledger', ['Add accounts', 'Add a report', 'Read CSV files']]]),
}

export function eventAt(seconds: number, type: string, data: Json, trialId: string | null = 't1'): RunEvent {
  return { id: `${seconds}.${type}`, runId: 'r1', trialId, type, at: start + seconds * 1000, data }
}

export function figuresOf(calls: number, change: Partial<LiveFigures> = {}): LiveFigures {
  return {
    calls,
    tokens: { input: 300 * calls, cachedRead: 1200 * calls, cachedWrite: 100 * calls, output: 90 * calls },
    nanoUsd: 4_200_000 * calls,
    pricedCalls: calls,
    unpricedCalls: 0,
    ...change,
  }
}

export function figuresAt(
  seconds: number,
  trialId: string,
  calls: number,
  more: { inFlight?: number; heldBy?: string } = {},
): LiveInput {
  const { inFlight = 0, heldBy = null } = more
  return { figures: { trialId, at: start + seconds * 1000, trial: figuresOf(calls), run: null, inFlight, heldBy } }
}

export function fold(inputs: ReadonlyArray<LiveInput | RunEvent>, by: LivePlan = plan): LiveState {
  return inputs.reduce<LiveState>(
    (state, input) => applyInput(state, 'type' in input ? { event: input } : input),
    createLiveState(by),
  )
}

export const begun = (trials: number, turns: number, more: Record<string, Json> = {}): RunEvent =>
  eventAt(0, 'run-started', { name: 'nightly', trials, kept: 0, plannedTurns: turns, turnsToPlay: turns, ...more }, null)

export const trialBegun = (seconds: number, trialId: string, name: string, turns = 3, task = 'ledger'): RunEvent =>
  eventAt(seconds, 'trial-started', { name, task, plannedTurns: turns, firstTurn: 1, lastTurn: turns }, trialId)

/** One turn, an attempt for each verdict, `ms` apart. */
export function turnOf(from: number, trialId: string, turn: number, verdicts: readonly boolean[], each = 10): RunEvent[] {
  const attempts = verdicts.flatMap((passed, index) => {
    const at = { turn, attempt: index + 1 }
    const since = from + index * each
    return [
      eventAt(since, 'attempt-started', at, trialId),
      eventAt(since + each - 2, 'agent-ended', at, trialId),
      eventAt(since + each, 'attempt-verified', { ...at, passed, testsPassed: passed ? 8 : 5, testsTotal: 8 }, trialId),
    ]
  })
  const state = verdicts.at(-1) === true ? 'passed' : 'failed'
  return [...attempts, eventAt(from + each * verdicts.length, 'turn-ended', { turn, state, attempts: verdicts.length }, trialId)]
}

const types = [
  'run-started',
  'run-ended',
  'run-warned',
  'trial-started',
  'environment-opened',
  'environment-retried',
  'attempt-started',
  'agent-ended',
  'attempt-verified',
  'turn-ended',
  'turns-settled',
  'turns-copied',
  'trial-continued',
  'trial-retried',
  'trial-held',
  'trial-ended',
  'something-new',
] as const

const wild = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer({ min: -3, max: 40 }),
  fc.constantFrom('passed', 'failed', 'finished', 'environment-failed', '日本語のなまえ', 'a\u001b[31mb\nc'),
  fc.constantFrom(null, true, Number.NaN, Number.POSITIVE_INFINITY),
  fc.constant({ 1: 'passed', 2: 'failed' }),
)
const keys = [
  'name',
  'task',
  'turn',
  'attempt',
  'state',
  'states',
  'outcome',
  'reason',
  'trials',
  'kept',
  'keptFailed',
  'keptTurns',
] as const
const moreKeys = [
  'plannedTurns',
  'turnsToPlay',
  'firstTurn',
  'lastTurn',
  'testsPassed',
  'testsTotal',
  'passed',
  'ms',
  'pauseMs',
  'retry',
] as const

const anyEvent = fc
  .record({
    type: fc.constantFrom(...types),
    at: fc.integer({ min: 0, max: 100_000 }),
    trialId: fc.option(fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6'), { freq: 6 }),
    data: fc.oneof(fc.dictionary(fc.constantFrom(...keys, ...moreKeys), wild, { maxKeys: 8 }), fc.constantFrom(null, 7, [1])),
  })
  .map(
    ({ type, at, trialId, data }): LiveInput => ({
      event: {
        id: 'e',
        runId: 'r1',
        trialId: type.startsWith('run-') ? null : trialId,
        type,
        at: start + at,
        data: data as Json,
      },
    }),
  )

const anyFigures = fc
  .record({
    trialId: fc.constantFrom('t1', 't2', 'tx'),
    calls: fc.nat(5000),
    unpricedCalls: fc.nat(2),
    inFlight: fc.nat(2),
    heldBy: fc.option(fc.constantFrom('anthropic', 'openai')),
    whole: fc.boolean(),
  })
  .map(
    ({ trialId, calls, unpricedCalls, inFlight, heldBy, whole }): LiveInput => ({
      figures: {
        trialId,
        at: start,
        trial: figuresOf(calls, { unpricedCalls }),
        run: whole ? figuresOf(calls) : null,
        inFlight,
        heldBy,
      },
    }),
  )

/** Inputs in any order and of any shape. */
export const anyInputs = fc.array(fc.oneof({ weight: 6, arbitrary: anyEvent }, { weight: 1, arbitrary: anyFigures }), {
  maxLength: 40,
})
