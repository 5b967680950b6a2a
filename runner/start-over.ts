// A trial that broke off gets a successor: a row and an id of its own, which takes its name and its cell (docs/decisions/0005) and goes
// on after the last turn that was kept whole, or from the beginning. Never touches what the first try has measured.

import { asideSuffix, nameOfCell } from '../core/cells.ts'
import type { Trial, TurnRecord } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { findContinuation, type Origin, writeBeginning, writeOrigin } from './continuation.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Cell } from './grid.ts'
import { type Job, planTrial } from './job.ts'

/** What broke outside the agent gets another chance; what the agent did, stands. */
export function isFinal(trial: Trial): boolean {
  const kind = trial.outcome?.kind
  return trial.state === 'ended' && kind !== 'interrupted' && kind !== 'environment-failed'
}

/** The successor of a trial, its row in the store. The trial must have been set aside. */
export async function planSuccessor(
  store: Store,
  trial: Trial,
  place: { readonly cell: Cell; readonly environment: EnvironmentAdapter },
): Promise<Job> {
  const { cell, environment } = place
  const { origin, lost } = await findContinuation(store, trial, { ...cell, environment })
  const job = await planJob(store, trial.runId, cell, origin)
  if (lost !== null) await writeBeginning(store, job.trial, trial.id, lost)
  return job
}

/** A new trial of a cell, its row in the store. */
export async function planJob(store: Store, runId: string, cell: Cell, origin: Origin | null): Promise<Job> {
  const trial = planTrial(runId, cell)
  if (origin !== null) await writeOrigin(store, trial, origin)
  await store.put('trials', [trial])
  return { cell, trial }
}

/** The first try keeps its rows under another name; a trial of a killed process gets the end it could not write. */
export async function setAside(store: Store, trial: Trial): Promise<void> {
  await store.revokeTokens(trial.id)
  const outcome = trial.outcome ?? { kind: 'interrupted' as const, reason: 'the process that ran it was killed' }
  const known = new Set((await store.list('turns', { trialId: trial.id })).map(turn => turn.turn))
  const missing: TurnRecord[] = []
  for (let turn = 1; turn <= trial.plannedTurns; turn++) {
    if (known.has(turn)) continue
    const attempts = trial.turn === turn ? (trial.attempt ?? 0) : 0
    missing.push({ trialId: trial.id, turn, state: 'missing', attempts, instruction: '', startedAt: null, endedAt: null })
  }
  await store.put('turns', missing)
  const name = nameOfCell(trial) + asideSuffix(trial)
  await store.put('trials', [{ ...trial, name, state: 'ended', outcome, endedAt: trial.endedAt ?? Date.now() }])
}
