// Every task format, and the one way to load tasks from a path. Sits before a run; never runs anything.

import { stat } from 'node:fs/promises'
import { TurnpikeError } from '../../core/errors.ts'
import type { Task } from '../../core/task.ts'
import type { LoadedTasks, LoadOptions, TaskFormat } from './_adapter.ts'
import harbor from './harbor.ts'
import jsonl from './jsonl.ts'
import octobench from './octobench.ts'

/** The first that fits reads the path: those with the clearest marks come first. */
export const taskFormats: readonly TaskFormat[] = [harbor, octobench, jsonl]

const plainly: LoadOptions = { environment: {}, harborCompat: false }

/** Tasks of a file or directory. E_FILE_UNREADABLE when there is nothing to read, E_TASK_INVALID when it is wrong. */
export async function loadTasks(path: string, options: LoadOptions = plainly): Promise<LoadedTasks> {
  const kind = await readKind(path)
  for (const format of taskFormats) {
    if (!(await format.detect(path, kind))) continue
    const loaded = await format.load(path, options)
    if (loaded.tasks.length === 0) throw new TurnpikeError('E_TASK_INVALID', `${path}: holds no task`)
    refuseTwins(loaded.tasks)
    return loaded
  }
  const known = taskFormats.map(format => `${format.id} (${format.title})`).join(', ')
  throw new TurnpikeError('E_TASK_INVALID', `${path}: no task format fits this ${kind}; known formats: ${known}`)
}

async function readKind(path: string): Promise<'file' | 'directory'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file'
  } catch (error) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read tasks from ${path}`, { cause: error })
  }
}

function refuseTwins(tasks: readonly Task[]): void {
  const seen = new Map<string, Task>()
  for (const task of tasks) {
    const twin = seen.get(task.id)
    if (twin) {
      const first = `${twin.source.file}:${twin.source.line}`
      throw new TurnpikeError(
        'E_TASK_INVALID',
        `${task.source.file}:${task.source.line}: id "${task.id}" is already used at ${first}`,
      )
    }
    seen.set(task.id, task)
  }
}
