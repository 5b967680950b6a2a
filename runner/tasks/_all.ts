// Every task format, and the one way to load tasks from a path. Sits before a run; never runs anything.

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
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
    let wrong = 0
    const { onWrong } = options
    const tell = (error: TurnpikeError): void => {
      wrong++
      onWrong?.(error)
    }
    const loaded = await format.load(path, onWrong === undefined ? options : { ...options, onWrong: tell })
    if (loaded.tasks.length === 0 && wrong === 0) throw new TurnpikeError('E_TASK_INVALID', `${path}: holds no task`)
    // Who wants all that is wrong looks for twins beyond one file.
    if (onWrong === undefined) refuseTwins(loaded.tasks)
    const passedOver = kind === 'directory' ? await listPassedOver(path, format, loaded.tasks) : []
    return { tasks: loaded.tasks, warnings: [...loaded.warnings, ...passedOver] }
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

/** A directory is read in one format: whoever put another file there must not believe that it is played. */
export async function listPassedOver(path: string, format: Pick<TaskFormat, 'id'>, tasks: readonly Task[]): Promise<string[]> {
  if (format.id === jsonl.id) return []
  const read = new Set(tasks.map(task => task.source.file))
  const files = (await readdir(path)).filter(name => /\.(jsonl|ndjson)$/.test(name)).map(name => join(path, name))
  return files
    .filter(file => !read.has(file))
    .sort()
    .map(file => `${file}: is passed over, because ${path} is read as ${format.id}; name the file itself to play it`)
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
