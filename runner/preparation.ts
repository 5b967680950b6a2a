// What a task and a turn need before the agent may begin: files, set-up commands, and whatever must be up. All of it is the task's
// own; when it fails the environment is broken, and nobody's work is judged by it.

import { TurnpikeError } from '../core/errors.ts'
import { setupTimeoutMs } from '../core/limits.ts'
import type { Healthcheck, Task, TaskTurn } from '../core/task.ts'
import type { Environment } from './environments/_adapter.ts'
import { pauseUnlessAborted } from './pause.ts'
import type { ExecResult } from './processes.ts'

/** Directories that programs of such tasks find ready, as they would under Harbor. */
const artifactsPath = '/logs/artifacts'
const logDirectories = ['/logs/agent', artifactsPath]

const hasLogs = ({ verifier }: TaskTurn): boolean => verifier.reward?.directory.startsWith('/') === true

/** Brings a fresh environment to where turn 1 begins. */
export async function prepareTask(environment: Environment, task: Task, signal: AbortSignal): Promise<void> {
  await environment.copyIn(task.trees ?? [])
  if (task.turns.some(hasLogs)) await environment.empty(logDirectories)
  await waitUntilHealthy(environment, task.environment?.healthcheck ?? null, `task ${task.id}`, signal)
}

export async function prepareTurn(environment: Environment, turn: TaskTurn, signal: AbortSignal): Promise<void> {
  const where = `turn ${turn.name ?? turn.index}`
  const user = turn.agentUser === undefined ? {} : { user: turn.agentUser }
  if (hasLogs(turn)) await prepareLogs(environment, turn, signal)
  if (turn.setup !== undefined) {
    await environment.copyIn(turn.setup.trees, turn.agentUser)
    const { command } = turn.setup
    if (command !== null) {
      const result = await environment.exec(command, { timeoutMs: setupTimeoutMs, signal, ...user })
      if (!isFine(result)) throw broken(`the set-up of ${where} failed: ${describe(result)}`, signal)
    }
  }
  await waitUntilHealthy(environment, turn.healthcheck ?? null, where, signal)
}

/** Each turn has artifacts of its own, and whoever is named may write there. */
async function prepareLogs(environment: Environment, turn: TaskTurn, signal: AbortSignal): Promise<void> {
  if (turn.index > 1) await environment.empty([artifactsPath])
  const users = [turn.agentUser, ...(turn.verifier.collect ?? []).map(({ user }) => user)]
  if (users.every(user => user === undefined)) return
  await environment.exec(['chmod', '777', ...logDirectories], { timeoutMs: setupTimeoutMs, signal })
}

/** As Docker's: failures within the start period do not count, after it so many in a row are too many. */
export async function waitUntilHealthy(
  environment: Environment,
  check: Healthcheck | null,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  if (check === null) return
  const startedAt = performance.now()
  for (let failures = 0; ; ) {
    const result = await environment.exec(check.command, { timeoutMs: check.timeoutMs, signal })
    if (isFine(result)) return
    const starting = performance.now() - startedAt < check.startPeriodMs
    if (!starting) failures++
    if (signal.aborted || (failures > 0 && failures >= check.retries))
      throw broken(`the health check of ${where} failed ${failures} times: ${describe(result)}`, signal)
    await pauseUnlessAborted(starting ? check.startIntervalMs : check.intervalMs, signal)
  }
}

const isFine = (result: ExecResult): boolean => result.ended === 'exited' && result.exit === 0

function broken(what: string, signal: AbortSignal): TurnpikeError {
  return new TurnpikeError(signal.aborted ? 'E_INTERRUPTED' : 'E_ENVIRONMENT_FAILED', what, {
    hint: 'this is the task, not the agent: try it with --agent oracle',
  })
}

function describe(result: ExecResult): string {
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-500)
  const how = result.startFailure ?? (result.exit === null ? result.ended : `exit status ${result.exit}`)
  return said === '' ? how : `${how}: ${said}`
}
