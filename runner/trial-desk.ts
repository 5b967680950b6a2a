// Parts of a trial that only some task formats need: where verifiers work, when a chain of turns breaks off, and what is told of the task
// so that its results can be written without it.

import type { Task, TaskTurn } from '../core/task.ts'
import type { JsonObject, Trial } from '../core/types.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Policy } from './policy.ts'
import type { TurnResult } from './turn.ts'
import type { VerificationDesk } from './verification.ts'

interface DeskInput {
  readonly task: Task
  readonly environment: EnvironmentAdapter
  readonly policy: Policy
  readonly proxyUrl: string
  readonly path: string | null
  readonly directory: string
  readonly signal: AbortSignal
}

export function deskOf(input: DeskInput, trial: Trial): VerificationDesk {
  return {
    directory: input.directory,
    network: input.task.environment?.network ?? null,
    harborCompat: input.policy.harborCompat === true,
    openSeparate: place =>
      input.environment.open(
        { trialId: trial.id, runId: trial.runId, path: input.path, place, layer: null, proxyUrl: input.proxyUrl },
        input.signal,
      ),
  }
}

/** A missed minimum ends the trial, and under Harbor's rules a verifier without a result as well; later turns are not reached. */
export function closesTrial(turn: TaskTurn, result: TurnResult, policy: Policy): boolean {
  if (result.state === 'skipped') return false
  const missed = Object.entries(turn.rewardMin ?? {}).some(
    ([key, least]) => (result.rewards?.[key] ?? Number.NEGATIVE_INFINITY) < least,
  )
  return missed || (policy.harborCompat === true && result.rewards === null)
}

/** Names of turns and the way rewards become one: the rows of a trial do not have them. */
export function describeTask(task: Task): JsonObject {
  const named = task.turns.some(turn => turn.name !== undefined)
  if (!named && task.metadata === undefined) return {}
  return {
    taskFile: task.source.file,
    ...(named ? { turnNames: task.turns.map(turn => turn.name ?? `turn-${turn.index}`) } : {}),
    rewardOf: task.rewardOf ?? 'mean',
  }
}
