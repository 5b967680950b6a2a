// A turn's reference solution with the files it needs beside it: they come in, the work is done, they are gone again. Used by whoever
// runs solutions; never leaves one where an agent could read it.

import { isAbsolute, join } from 'node:path'
import type { TaskTurn } from '../core/task.ts'
import type { Environment } from './environments/_adapter.ts'

export interface SolutionOptions {
  readonly env: Readonly<Record<string, string>>
}

export async function withSolution<T>(
  environment: Environment,
  turn: TaskTurn,
  work: (options: SolutionOptions) => Promise<T>,
): Promise<T> {
  const { trees = [], env = {} } = turn.solutionFiles ?? {}
  const places = [...new Set(trees.map(tree => (isAbsolute(tree.to) ? tree.to : join(environment.workspace, tree.to))))].filter(
    path => path !== environment.workspace,
  )
  await environment.empty(places, turn.agentUser)
  await environment.copyIn(trees, turn.agentUser)
  try {
    return await work({ env })
  } finally {
    await environment.empty(places, turn.agentUser)
  }
}
