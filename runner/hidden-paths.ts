// Which paths of this machine hold what a trial's agent must not see: the record, the run's own files, and where its task keeps verifiers and
// solutions. Names them only; hiding is the environment's part.

import { dirname, resolve } from 'node:path'
import type { Task } from '../core/task.ts'

export function listHiddenPaths(task: Task, own: readonly string[]): string[] {
  const trees = task.turns.flatMap(turn => [...(turn.verifier.trees ?? []), ...(turn.solutionFiles?.trees ?? [])])
  const source = resolve(task.source.file)
  // A task with trees has a directory to itself; one without may lie among the files of its author.
  const places = trees.length === 0 ? [source] : [dirname(source), ...trees.map(tree => resolve(tree.directory))]
  return [...new Set([...own.map(path => resolve(path)), ...places])].filter(path => path !== '/')
}
