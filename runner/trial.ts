// One agent on one task, once: open the environment, write the task's files, play the turns, close. Whatever happens, the trial
// ends in exactly one outcome and each of its turns in exactly one state, all in the store.

import { randomUUID } from 'node:crypto'
import { isTurnpikeError } from '../core/errors.ts'
import type { TaskTurn } from '../core/task.ts'
import type { Trial, TrialOutcomeKind, TurnRecord, TurnState } from '../core/types.ts'
import { type Workbench, warnOfRetry } from './attempt.ts'
import { copyMeasured, isContinuable, readOrigin } from './continuation.ts'
import { openDialogue } from './drivers/_all.ts'
import { createKeeper } from './keeper.ts'
import { findPlayedTurns } from './outlook.ts'
import { prepareTurn } from './preparation.ts'
import { applyFailurePolicy } from './reference.ts'
import { isPlaceLost, retryEnvironment } from './retry.ts'
import { reachStart, recordStart } from './starting-point.ts'
import { closesTrial, describeTask } from './trial-desk.ts'
import { closePlace, type Live, openPlace, prepareBench, type TrialInput, writeAgentFiles } from './trial-place.ts'
import { playTurn, type TurnResult } from './turn.ts'

export type TrialEnd = { readonly kind: TrialOutcomeKind; readonly reason: string | null }

export async function runTrial(input: TrialInput): Promise<Trial> {
  const { ledger, policy, task } = input
  const started = await ledger.changeTrial(input.trial, { state: 'running', startedAt: Date.now() })
  await ledger.emit('trial-started', started, {
    name: started.name,
    plannedTurns: started.plannedTurns,
    task: task.id,
    agent: input.spec.id,
    model: input.spec.model,
    session: policy.freshSession ? 'fresh' : 'continuous',
    ...findPlayedTurns(task, policy),
    ...describeTask(task),
  })
  const origin = await readOrigin(ledger.store, started.id)
  const cells: Map<number, TurnState> =
    origin === null ? new Map() : await copyMeasured({ store: ledger.store, directory: input.directory }, started, origin)
  if (cells.size > 0) await ledger.emit('turns-copied', started, { states: Object.fromEntries(cells) })
  const live: Live = { trial: started, origin }
  let end: TrialEnd
  try {
    end = input.refusal === null ? await playTrial(input, live, cells) : { kind: 'over-budget', reason: input.refusal }
  } catch (error) {
    end = readTrouble(error, input.signal)
    if (isPlaceLost(error)) await ledger.emit('place-lost', live.trial, { reason: end.reason })
  } finally {
    await ledger.store.revokeTokens(started.id)
  }
  await settleTurns(input, live.trial, cells, end)
  const ended = await ledger.changeTrial(live.trial, { state: 'ended', outcome: end, endedAt: Date.now() })
  const turnsPassed = [...cells.values()].filter(state => state === 'passed').length
  await ledger.emit('trial-ended', ended, {
    outcome: end.kind,
    reason: end.reason,
    turnsPassed,
    plannedTurns: started.plannedTurns,
  })
  return ended
}

/** A broken environment and an interruption are outcomes; anything else (a store that cannot be written, our bug) ends the run. */
function readTrouble(error: unknown, signal: AbortSignal): TrialEnd {
  if (signal.aborted) return { kind: 'interrupted', reason: null }
  // One task whose files are wrong must not end the run of all the others.
  if (!isTurnpikeError(error) || !['E_ENVIRONMENT_FAILED', 'E_TASK_INVALID'].includes(error.code)) throw error
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return { kind: 'environment-failed', reason: error.message + cause }
}

async function playTrial(input: TrialInput, live: Live, cells: Map<number, TurnState>): Promise<TrialEnd> {
  const { ledger, signal } = input
  const token = await ledger.store.mintToken(live.trial.id)
  const onRetry = (error: Error, retry: number): Promise<void> => warnOfRetry(ledger, live.trial, error, retry)
  const environment = await retryEnvironment(() => openPlace(input, live, token), { signal, onRetry })
  try {
    await ledger.emit('environment-opened', live.trial, { environment: input.environment.id, isolation: environment.isolation })
    const bench = await prepareBench(input, live, environment, token)
    const dialogue = openDialogue(bench)
    try {
      return await playTurns(input, live, cells, { ...bench, dialogue })
    } finally {
      await dialogue.close()
    }
  } finally {
    await closePlace(input, live.trial, environment)
  }
}

async function playTurns(input: TrialInput, live: Live, cells: Map<number, TurnState>, bench: Workbench): Promise<TrialEnd> {
  const { policy, task, git } = input
  const again = (): Promise<void> => writeAgentFiles(input, bench.environment, bench.context.token)
  const start = await reachStart(bench, { ...live, task, policy, git, writeAgentFiles: again })
  let { conversation, notice, trouble } = start
  const withHome = isContinuable(input)
  const keeper = git === null ? null : createKeeper({ git, directory: input.directory, bench, withHome })
  for (const turn of task.turns.slice(start.firstTurn - 1, policy.toTurn ?? undefined)) {
    if (input.signal.aborted) return { kind: 'interrupted', reason: null }
    if (policy.freshSession) conversation = { session: randomUUID(), started: false }
    const startedAt = Date.now()
    await prepareTurn(bench.environment, turn, input.signal)
    if (turn.setup !== undefined) await bench.tampering?.inspect()
    await recordStart(bench, live.trial, turn)
    const result = await playTurn(bench, { trial: live.trial, turn, policy, conversation, newSession: randomUUID, notice })
    live.trial = result.trial
    conversation = result.conversation
    await writeTurn(input, live.trial, { turn, state: result.state, attempts: result.attempts, startedAt })
    cells.set(turn.index, result.state)
    if (result.ends !== null) return { kind: result.ends, reason: result.reason }
    if (trouble.kind === 'finished') trouble = nameTrouble(result)
    const fine = result.state === 'passed' || result.state === 'skipped'
    if ((!fine && policy.onFailure === 'stop') || closesTrial(turn, result, policy)) return trouble
    notice = await applyFailurePolicy(bench, live.trial, { task, turn, passed: fine, policy })
    await keeper?.keep(live.trial, { turn: turn.index, conversation, notice, trouble })
  }
  return trouble
}

/** The first turn that ended badly names the outcome; a wrong solution alone is no trouble of the trial. */
function nameTrouble(result: TurnResult): TrialEnd {
  if (result.state === 'agent-error') return { kind: 'agent-failed', reason: result.reason }
  if (result.state === 'failed' && result.reason !== null) return { kind: 'timed-out', reason: result.reason }
  return { kind: 'finished', reason: null }
}

interface TurnEnd {
  readonly turn: TaskTurn
  readonly state: TurnState
  readonly attempts: number
  readonly startedAt: number | null
}

async function writeTurn(input: TrialInput, trial: Trial, end: TurnEnd): Promise<void> {
  await Promise.all([
    input.ledger.store.put('turns', [recordTurn(trial, end)]),
    input.ledger.emit('turn-ended', trial, { turn: end.turn.index, state: end.state, attempts: end.attempts }),
  ])
}

function recordTurn(trial: Trial, end: TurnEnd): TurnRecord {
  const { turn, state, attempts, startedAt } = end
  const endedAt = startedAt === null ? null : Date.now()
  return { trialId: trial.id, turn: turn.index, state, attempts, instruction: turn.instruction, startedAt, endedAt }
}

/** Every planned turn that was not played gets its state from how the trial ended. */
async function settleTurns(input: TrialInput, trial: Trial, cells: Map<number, TurnState>, end: TrialEnd): Promise<void> {
  const { policy, task } = input
  const unplayed = task.turns.filter(turn => !cells.has(turn.index))
  if (unplayed.length === 0) return
  const records = unplayed.map(turn => {
    const outside = turn.index < policy.fromTurn || turn.index > (policy.toTurn ?? task.turns.length)
    const state = outside ? 'skipped' : nameUnplayed(end.kind)
    // A turn that broke off in the middle has used attempts, but no end of its own.
    const attempts = trial.turn === turn.index ? (trial.attempt ?? 0) : 0
    return recordTurn(trial, { turn, state, attempts, startedAt: null })
  })
  await input.ledger.store.put('turns', records)
  for (const record of records) cells.set(record.turn, record.state)
  await input.ledger.emit('turns-settled', trial, {
    states: Object.fromEntries(records.map(record => [record.turn, record.state])),
  })
}

function nameUnplayed(kind: TrialOutcomeKind): TurnState {
  if (kind === 'environment-failed') return 'infra-error'
  if (kind === 'interrupted') return 'missing'
  return 'not-reached'
}
