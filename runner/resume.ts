// Opens a run that was interrupted or killed: decides which trials stand and which get a successor (start-over.ts). Sweeps away what
// the dead ones left on this machine before anything starts.

import { currentTrials, nameOfCell } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { Run, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import type { Origin } from './continuation.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Cell } from './grid.ts'
import type { Job } from './job.ts'
import type { Ledger } from './ledger.ts'
import { isFinal, planJob, planSuccessor, setAside } from './start-over.ts'

export interface ResumeOptions {
  readonly store: Store
  readonly runId: string
  readonly cells: readonly Cell[]
  readonly plannedTurns: number
  readonly environment: EnvironmentAdapter
  /** Where trials of a forked run begin; null for others. */
  readonly origin: Origin | null
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
  const all = await store.list('trials', { runId })
  const found = new Map(currentTrials(all).map(trial => [nameOfCell(trial), trial]))
  refuseStrays(run, [...found.keys()], cells)
  const stale = [...found.values()].filter(isBroken)
  // A trial that went on stood in the directory of the one before it.
  await options.environment.sweep(stale.length === 0 ? [] : all.filter(isBroken).map(trial => trial.id))
  for (const trial of stale) await setAside(store, trial)
  const kept = cells.flatMap(cell => found.get(cell.name) ?? []).filter(isFinal)
  const jobs: Job[] = []
  for (const cell of cells) {
    const trial = found.get(cell.name)
    if (trial === undefined) jobs.push(await planJob(store, runId, cell, options.origin))
    else if (trial.state === 'pending') jobs.push({ cell, trial })
    else if (!isFinal(trial)) jobs.push(await planSuccessor(store, trial, { cell, environment: options.environment }))
  }
  const reopened: Run = { ...run, state: 'running', endedAt: null }
  await store.put('runs', [reopened])
  return { run: reopened, jobs, kept }
}

/** Trials of other tasks or agents would be played beside those that are there, and the run would count more than was planned. */
function refuseStrays(run: Run, found: readonly string[], cells: readonly Cell[]): void {
  const planned = new Set(cells.map(cell => cell.name))
  const stray = found.find(name => !planned.has(name))
  if (stray === undefined) return
  throw new TurnpikeError('E_USAGE', `run ${run.name} has a trial ${stray}, which these tasks, agents and trials do not make`, {
    hint: 'resume a run with the same tasks, agents and trials; start a new run for others',
  })
}

/** What a daemon was still making for a process that was killed, or could not remove while it was away or in trouble itself. */
export async function sweepLate(ledger: Ledger, environment: EnvironmentAdapter, isResumed: boolean): Promise<void> {
  const types = ['place-lost', 'environment-retried'] as const
  const lost = (await Promise.all(types.map(type => ledger.store.list('events', { runId: ledger.runId, type })))).flat()
  if (!isResumed && lost.length === 0) return
  await environment.sweep([...new Set(lost.flatMap(event => event.trialId ?? []))]).catch(async (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    await ledger.emit('run-warned', null, { message: `what killed trials left could not be swept away: ${reason}` })
  })
}

const isBroken = (trial: Trial): boolean => trial.state !== 'pending' && !isFinal(trial)
