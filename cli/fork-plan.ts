// `turnpike run --fork TRIAL@TURN`: finds the trial, its task among those that were read, and what was recorded after that turn. Refuses what
// was not recorded.

import { dirname } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { Run, Trial } from '../core/types.ts'
import { findKept, isThere, type Origin } from '../runner/continuation.ts'
import { findTurn, type TurnName } from '../runner/turn-range.ts'
import type { Store } from '../store/_adapter.ts'

/** The trial that is forked, before its task is read: names of turns are the task's. */
export interface ForkedTrial {
  /** As it was asked for; kept with the run. */
  readonly name: string
  readonly trial: Trial
  readonly run: Run
  readonly turn: TurnName
}

export interface Fork extends ForkedTrial {
  readonly task: Task
  readonly origin: Origin
}

/** `trial.name@3`, `trial.name@round-2`; names of trials may hold an @ themselves. */
export function splitFork(name: string): { readonly trial: string; readonly turn: string } {
  const at = name.lastIndexOf('@')
  if (at > 0 && at < name.length - 1) return { trial: name.slice(0, at), turn: name.slice(at + 1) }
  throw new TurnpikeError('E_USAGE', `--fork ${name}: expected TRIAL@TURN with the number or name of a turn`, {
    hint: 'such as ledger.mini.1@3; turnpike trials lists the names of trials',
  })
}

/** `recorded`: the name is one that a run has kept, and its turn a number. */
export async function findForked(store: Store, name: string, recorded: boolean): Promise<ForkedTrial> {
  const { trial: wanted, turn } = splitFork(name)
  const trial = await findTrial(store, wanted)
  const [run] = await store.list('runs', { id: trial.runId })
  if (!run) throw new TurnpikeError('E_REF_UNKNOWN', `--fork ${name}: the run of ${trial.name} is not in the store`)
  return { name, trial, run, turn: recorded ? Number(turn) : turn }
}

/** What was recorded after the turn; the task among those that were read. */
export async function placeFork(store: Store, forked: ForkedTrial, tasks: readonly Task[]): Promise<Fork> {
  const { name, trial } = forked
  const task = pickTask(tasks, forked)
  const turn = findTurn(task, forked.turn, `--fork ${name}`)
  const kept = await findKept(store, trial.id, turn)
  if (kept === null) {
    const turns = (await store.list('events', { trialId: trial.id, type: 'turn-kept' })).map(event => readTurn(event.data))
    throw new TurnpikeError('E_USAGE', `--fork ${name}: nothing was recorded after turn ${turn} of ${trial.name}`, {
      hint:
        turns.length === 0
          ? 'no turn of it has ended, or git was missing: it records workspaces'
          : `recorded turns: ${turns.join(', ')}`,
    })
  }
  if (!isThere(kept))
    throw new TurnpikeError('E_USAGE', `--fork ${name}: what was recorded after turn ${turn} is gone: ${dirname(kept.snapshots)}`)
  if (kept.turn >= trial.plannedTurns)
    throw new TurnpikeError('E_USAGE', `--fork ${name}: turn ${turn} is the last of ${trial.name}, nothing is left to play`)
  return { ...forked, task, origin: { kind: 'forked', trialId: trial.id, kept } }
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
function pickTask(tasks: readonly Task[], { trial, name }: ForkedTrial): Task {
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
  return task
}
