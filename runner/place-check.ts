// Whether an environment can give what the tasks and agents of a run ask for, before anything is started: what is missing on this machine is
// nobody's failure, and must not become a run of zeros. Looks only.

import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { AgentAdapter, AgentSpec } from './agents/_adapter.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import { isOnPath } from './file-access.ts'

/** Throws E_ENVIRONMENT_FAILED where the environment does not work on this machine. */
export async function checkReady(environment: EnvironmentAdapter): Promise<void> {
  const trouble = await environment.probe()
  if (trouble !== null) throw new TurnpikeError('E_ENVIRONMENT_FAILED', trouble.what, { hint: trouble.hint })
}

interface Programs {
  readonly cells: ReadonlyArray<{ readonly agent: AgentAdapter; readonly spec: AgentSpec }>
  readonly environment: EnvironmentAdapter
  /** Where programs are looked for; null = not known here. */
  readonly path: string | null
}

/** Throws E_USAGE for a program that its user installs and that is not there. Of an image nothing is known before it runs. */
export function checkPrograms({ cells, environment, path }: Programs): void {
  if (environment.gives.images || path === null) return
  for (const { agent, spec } of cells) {
    const program = agent.ownProgram?.name ?? (agent.id === 'command' ? spec.command?.first[0] : undefined)
    if (program === undefined || program.includes('/') || program.includes('{') || isOnPath(program, path)) continue
    throw new TurnpikeError('E_USAGE', `agent ${agent.id}: there is no program ${program} on the path`, {
      hint:
        agent.ownProgram === undefined ? 'install it, or name it with its whole path' : `install it: ${agent.ownProgram.install}`,
    })
  }
}

/** Throws E_USAGE for the first task that the environment has no place for. */
export function checkPlaces(tasks: readonly Task[], environment: EnvironmentAdapter): void {
  for (const task of tasks) {
    const missing = findMissing(task, environment)
    if (missing === null) continue
    const where = `${task.source.file}:${task.source.line}`
    throw new TurnpikeError(
      'E_USAGE',
      `${where}: task ${task.id} ${missing}, which the environment ${environment.id} does not have`,
      {
        hint: 'run it with --env docker',
      },
    )
  }
}

function findMissing(task: Task, { gives }: EnvironmentAdapter): string | null {
  const { environment } = task
  if (environment?.image && !gives.images) return 'needs an image'
  const networks = [
    environment?.network,
    ...task.turns.flatMap(turn => [turn.agentNetwork, turn.verifier.network, turn.verifier.separate?.network]),
  ]
  const refused = networks.find(network => network !== undefined && !gives.networks.includes(network.mode))
  return refused === undefined ? null : `limits the network (${refused.mode})`
}
