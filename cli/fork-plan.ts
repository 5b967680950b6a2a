// `turnpike run --fork TRIAL@TURN`: finds what was recorded after that turn and the task it belongs to. Refuses what was not recorded.

import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { Run, Trial } from '../core/types.ts'
import { findKept, type Origin } from '../runner/continuation.ts'
import type { Store } from '../store/_adapter.ts'

export interface Fork {
  /** As it was asked for; kept with the run. */
  readonly name: string
  readonly origin: Origin
  readonly trial: Trial
  readonly run: Run
}

/** `trial.name@3`; names of trials may hold an @ themselves. */
export function splitFork(name: string): { readonly trial: string; readonly turn: string } {
  const at = name.lastIndexOf('@')
  const [trial, turn] = [name.slice(0, at), name.slice(at + 1)]
  if (at > 0 && /^\d+$/.test(turn)) return { trial, turn }
  throw new TurnpikeError('E_USAGE', `--fork ${name}: expected TRIAL@TURN with the number of a turn, such as ledger.mini.1@3`)
}

export async function findFork(store: Store, name: string): Promise<Fork> {
  const { trial: wanted, turn } = splitFork(name)
  const trial = await findTrial(store, wanted)
  const [run] = await store.list('runs', { id: trial.runId })
  const kept = await findKept(store, trial.id, Number(turn))
  if (!run || kept === null) {
    const turns = (await store.list('events', { trialId: trial.id, type: 'turn-kept' })).map(event => readTurn(event.data))
    throw new TurnpikeError('E_USAGE', `--fork ${name}: nothing was recorded after turn ${turn} of ${trial.name}`, {
      hint: turns.length === 0 ? 'workspaces are recorded when git is installed' : `recorded turns: ${turns.join(', ')}`,
    })
  }
  if (kept.turn >= trial.plannedTurns)
    throw new TurnpikeError('E_USAGE', `--fork ${name}: turn ${turn} is the last of ${trial.name}, nothing is left to play`)
  return { name, origin: { kind: 'forked', trialId: trial.id, kept }, trial, run }
}

/** Names of trials are unique in their run only: `run/trial` says which. */
async function findTrial(store: Store, wanted: string): Promise<Trial> {
  const slash = wanted.indexOf('/')
  if (slash > 0) {
    const run = await store.resolveRef(wanted.slice(0, slash))
    const [named] = await store.list('trials', { runId: run.id, name: wanted.slice(slash + 1) })
    if (named) return named
  }
  const ref = await store.resolveRef(wanted)
  const [trial] = ref.kind === 'trial' ? await store.list('trials', { id: ref.id }) : []
  if (trial) return trial
  throw new TurnpikeError('E_REF_UNKNOWN', `"${wanted}" is a ${ref.kind}, not a trial`)
}

const readTurn = (data: unknown): string => String((data as { readonly turn?: unknown }).turn)

/** The forked trial's own task among those that were read. */
export function pickTask(tasks: readonly Task[], { trial, name }: Fork): Task[] {
  const task = tasks.find(candidate => candidate.id === trial.taskId)
  if (task === undefined)
    throw new TurnpikeError('E_USAGE', `--fork ${name}: the tasks have no ${trial.taskId}`, {
      hint: 'name the tasks the trial was run with: --tasks PATH',
    })
  if (task.turns.length !== trial.plannedTurns)
    throw new TurnpikeError(
      'E_USAGE',
      `--fork ${name}: the task ${task.id} has ${task.turns.length} turns now, and the trial was planned with ${trial.plannedTurns}`,
    )
  return [task]
}
