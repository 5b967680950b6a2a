// What a directory of tasks holds and what is wrong with it, without running anything: for authors, before somebody else finds out. Reads
// every task by itself, so that one mistake does not hide the others.

import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import { loadTasks } from '../runner/tasks/_all.ts'
import { findTasks } from '../runner/tasks/harbor.ts'

export interface TaskFinding {
  /** `error`: cannot be run as it is. `warning`: can, and somebody should look. */
  readonly level: 'error' | 'warning'
  readonly task: string | null
  readonly message: string
}

export interface TasksCheck {
  readonly tasks: number
  readonly turns: number
  /** Turns that no verifier judges, and that no solution solves. */
  readonly turns_without_tests: number
  readonly turns_without_solution: number
  readonly by_task: ReadonlyArray<{ readonly id: string; readonly turns: number; readonly file: string }>
  readonly findings: readonly TaskFinding[]
}

export async function checkTasks(path: string): Promise<TasksCheck> {
  const places = existsSync(path) && !/\.(jsonl|ndjson|toml)$/.test(path) ? await findTasks(path).catch(() => []) : []
  const tasks: Task[] = []
  const findings: TaskFinding[] = []
  for (const place of places.length === 0 ? [path] : places) {
    try {
      const loaded = await loadTasks(place, { environment: null, harborCompat: false })
      tasks.push(...loaded.tasks)
      for (const message of loaded.warnings) findings.push({ level: 'warning', task: loaded.tasks[0]?.id ?? null, message })
    } catch (error) {
      if (!isTurnpikeError(error) || places.length === 0) throw error
      findings.push({ level: 'error', task: null, message: error.message })
    }
  }
  findings.push(...findTwins(tasks), ...findStrays(tasks), ...(await findBuildTroubles(tasks)))
  const turns = tasks.flatMap(task => task.turns)
  return {
    tasks: tasks.length,
    turns: turns.length,
    turns_without_tests: turns.filter(turn => turn.verifier.command.length === 0).length,
    turns_without_solution: turns.filter(turn => turn.solution === null).length,
    by_task: tasks.map(task => ({ id: task.id, turns: task.turns.length, file: task.source.file })),
    findings,
  }
}

function findTwins(tasks: readonly Task[]): TaskFinding[] {
  const seen = new Map<string, string>()
  return tasks.flatMap((task): TaskFinding[] => {
    const first = seen.get(task.id)
    seen.set(task.id, first ?? task.source.file)
    if (first === undefined || first === task.source.file) return []
    return [{ level: 'error', task: task.id, message: `${task.source.file}: id "${task.id}" is already used in ${first}` }]
  })
}

/** Folders under steps/ that no step names: a step was renamed or forgotten, and would never be played. */
function findStrays(tasks: readonly Task[]): TaskFinding[] {
  return tasks.flatMap(({ id, turns, source }): TaskFinding[] => {
    const root = join(dirname(source.file), 'steps')
    if (basename(source.file) !== 'task.toml' || !existsSync(root)) return []
    const named = new Set(turns.map(turn => turn.name))
    const folders = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory())
    const strays = folders.map(entry => entry.name).filter(name => !named.has(name))
    return strays.sort().map(name => ({
      level: 'warning',
      task: id,
      message: `${join(root, name)}: no [[steps]] entry of ${source.file} names it: it is not played`,
    }))
  })
}

/** What a build would stumble over that can be seen without one. */
async function findBuildTroubles(tasks: readonly Task[]): Promise<TaskFinding[]> {
  const findings: TaskFinding[] = []
  for (const task of tasks) {
    const image = task.environment?.image
    if (image?.kind !== 'build') continue
    const file = join(image.context, image.dockerfile)
    const lines = (await readFile(file, 'utf8')).replaceAll(/\\\r?\n/g, ' ').split('\n')
    if (!lines.some(line => /^\s*FROM\s+\S/i.test(line)))
      findings.push({ level: 'error', task: task.id, message: `${file}: has no FROM line, so no image can be built from it` })
    for (const source of lines.flatMap(readCopied)) {
      if (existsSync(join(image.context, source))) continue
      findings.push({ level: 'error', task: task.id, message: `${file}: copies ${source}, which is not in ${image.context}` })
    }
  }
  return findings
}

/** Sources of COPY and ADD that are plain paths of the context: no stage, no URL, no pattern, no variable. */
function readCopied(line: string): string[] {
  const words = /^\s*(?:COPY|ADD)\s+([^[<].*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? []
  if (words.some(word => word.startsWith('--from'))) return []
  return words
    .filter(word => !word.startsWith('--'))
    .slice(0, -1)
    .filter(word => !/[*?[\]$]|:\/\//.test(word))
}
