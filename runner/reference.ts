// The reference solutions at work besides the oracle: turns before the first one played, and the policies that set the workspace
// back after a failed turn. A reference solution that fails is a broken task, never the agent's fault.

import { TurnpikeError } from '../core/errors.ts'
import type { Task, TaskTurn } from '../core/task.ts'
import type { Trial } from '../core/types.ts'
import type { Workbench } from './attempt.ts'
import type { Policy } from './policy.ts'
import { prepareTurn } from './preparation.ts'
import { withSolution } from './solutions.ts'

/** Brings a fresh workspace to where the agent starts. */
export async function fastForward(bench: Workbench, trial: Trial, task: Task, policy: Policy): Promise<void> {
  const done = policy.fromTurn - 1
  await runSolutions(bench, task, done)
  if (done > 0) await recordReset(bench, trial, { to: 'reference', turn: done })
  if (policy.onFailure === 'rollback') await bench.environment.keep('passed')
}

export interface TurnOutcome {
  readonly task: Task
  readonly turn: TaskTurn
  readonly passed: boolean
  readonly policy: Policy
}

/** Sets the workspace as the policy wants it before the next turn; returns what the agent must be told about it. */
export async function applyFailurePolicy(bench: Workbench, trial: Trial, outcome: TurnOutcome): Promise<string | null> {
  const { task, turn, passed, policy } = outcome
  const { environment } = bench
  if (turn.index >= (policy.toTurn ?? task.turns.length)) return null
  if (passed) {
    if (policy.onFailure === 'rollback') await environment.keep('passed')
    return null
  }
  if (policy.onFailure === 'rollback') {
    await environment.rollBack('passed')
    await recordReset(bench, trial, { to: 'last-passed', turn: turn.index })
    return notices.rollback
  }
  if (policy.onFailure === 'reset-to-reference') {
    await environment.rollBack('start')
    await runSolutions(bench, task, turn.index)
    await recordReset(bench, trial, { to: 'reference', turn: turn.index })
    return notices.reference
  }
  return null
}

/** Without these an agent would go on from files that are no longer what it remembers. */
const notices = {
  rollback:
    'Note: the last request was not fulfilled. The working directory has been set back to what it was before that request; files may differ from what you remember.',
  reference:
    'Note: the last request was not fulfilled. The working directory now holds a correct implementation of everything asked for so far; files may differ from what you remember.',
}

async function runSolutions(bench: Workbench, task: Task, lastTurn: number): Promise<void> {
  for (const turn of task.turns.slice(0, lastTurn)) {
    const argv = turn.solution
    if (argv === null)
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `task ${task.id}: turn ${turn.index} has no reference solution`)
    const timeoutMs = turn.timeoutMs ?? bench.agentTimeoutMs
    const { environment, signal } = bench
    const user = turn.agentUser === undefined ? {} : { user: turn.agentUser }
    await prepareTurn(environment, turn, signal)
    const result = await withSolution(environment, turn, options =>
      environment.exec(argv, { ...options, ...user, timeoutMs, signal }),
    )
    if (result.ended === 'exited' && result.exit === 0) continue
    const why = result.startFailure ?? `${result.ended}, exit status ${result.exit}: ${result.stderr.slice(-500)}`
    throw new TurnpikeError(
      'E_ENVIRONMENT_FAILED',
      `task ${task.id}: the reference solution of turn ${turn.index} failed: ${why}`,
    )
  }
}

async function recordReset(bench: Workbench, trial: Trial, reset: { to: string; turn: number }): Promise<void> {
  if (bench.snapshots !== null) {
    await bench.snapshots.take(
      await bench.environment.exportWorkspace(),
      `after turn ${reset.turn}: reset to ${reset.to}`,
      Date.now(),
    )
  }
  await bench.ledger.emit('workspace-reset', trial, reset)
}
