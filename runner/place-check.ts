// Whether an environment can give what the tasks of a run ask for, before anything is started. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'

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
