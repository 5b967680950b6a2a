// Opens a run that was interrupted or killed: decides which trials stand and which start again. A trial that starts again gets a
// row and an id of its own, so that the record of its first try stays whole; docs/decisions/0005 says why.

import { currentTrials } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { Run, Trial, TurnRecord } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Cell } from './grid.ts'
import { type Job, planTrial } from './job.ts'

export interface ResumeOptions {
  readonly store: Store
  readonly runId: string
  readonly cells: readonly Cell[]
  readonly plannedTurns: number
  readonly environment: EnvironmentAdapter
}

export interface ReopenedRun {
  readonly run: Run
  readonly jobs: readonly Job[]
  /** Trials that have ended and are not run again. */
  readonly kept: readonly Trial[]
}

export async function reopenRun(options: ResumeOptions): Promise<ReopenedRun> {
  const { store, runId, cells } = options
  const [run] = await store.list('runs', { id: runId })
  if (!run) throw new TurnpikeError('E_REF_UNKNOWN', `no run ${runId} in ${store.directory}`)
  if (run.plannedTurns !== options.plannedTurns) {
    throw new TurnpikeError(
      'E_USAGE',
      `run ${run.name} was planned with ${run.plannedTurns} turns, and these tasks, agents and trials make ${options.plannedTurns}`,
      { hint: 'resume a run with the same tasks, agents and trials; start a new run for others' },
    )
  }
  const found = new Map(currentTrials(await store.list('trials', { runId })).map(trial => [trial.name, trial]))
  const stale = [...found.values()].filter(trial => trial.state !== 'pending' && !isFinal(trial))
  await options.environment.sweep(stale.map(trial => trial.id))
  for (const trial of stale) await setAside(store, trial)
  const kept = cells.flatMap(cell => found.get(cell.name) ?? []).filter(isFinal)
  const jobs = cells.flatMap(cell => planJob(runId, cell, found.get(cell.name)))
  await store.put(
    'trials',
    jobs.map(job => job.trial),
  )
  const reopened: Run = { ...run, state: 'running', endedAt: null }
  await store.put('runs', [reopened])
  return { run: reopened, jobs, kept }
}

/** What broke outside the agent gets another chance; what the agent did, stands. */
function isFinal(trial: Trial): boolean {
  const kind = trial.outcome?.kind
  return trial.state === 'ended' && kind !== 'interrupted' && kind !== 'environment-failed'
}

function planJob(runId: string, cell: Cell, found: Trial | undefined): Job[] {
  if (found && isFinal(found)) return []
  if (found?.state === 'pending') return [{ cell, trial: found }]
  return [{ cell, trial: planTrial(runId, cell) }]
}

/** The first try keeps its rows under another name; a trial of a killed process gets the end it could not write. */
async function setAside(store: Store, trial: Trial): Promise<void> {
  await store.revokeTokens(trial.id)
  const outcome = trial.outcome ?? { kind: 'interrupted' as const, reason: 'the process that ran it was killed' }
  const name = `${trial.name}~${trial.id.slice(-6).toLowerCase()}`
  const known = new Set((await store.list('turns', { trialId: trial.id })).map(turn => turn.turn))
  const missing: TurnRecord[] = []
  for (let turn = 1; turn <= trial.plannedTurns; turn++) {
    if (known.has(turn)) continue
    const attempts = trial.turn === turn ? (trial.attempt ?? 0) : 0
    missing.push({ trialId: trial.id, turn, state: 'missing', attempts, instruction: '', startedAt: null, endedAt: null })
  }
  await store.put('turns', missing)
  await store.put('trials', [{ ...trial, name, state: 'ended', outcome, endedAt: trial.endedAt ?? Date.now() }])
}
