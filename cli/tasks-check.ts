// What a directory of tasks holds and what is wrong with it, without running anything: for authors, before somebody else finds out. Reads
// every task by itself, so that one mistake does not hide the others.

import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isTurnpikeError } from '../core/errors.ts'
import type { Task, TaskTurn } from '../core/task.ts'
import { listPassedOver, loadTasks } from '../runner/tasks/_all.ts'
import { findTasks } from '../runner/tasks/harbor.ts'
import { findBuildTroubles, findFileTroubles, type TaskFinding } from './tasks-scan.ts'

export interface CheckedTask {
  readonly id: string
  readonly turns: number
  readonly file: string
  /** Names of turns. */
  readonly without_tests: readonly string[]
  readonly without_solution: readonly string[]
}

export interface TasksCheck {
  /** Those that could be read. */
  readonly tasks: number
  readonly unreadable: number
  readonly turns: number
  /** Turns that no verifier judges, and that no solution solves. */
  readonly turns_without_tests: number
  readonly turns_without_solution: number
  readonly by_task: readonly CheckedTask[]
  readonly findings: readonly TaskFinding[]
}

export async function checkTasks(path: string): Promise<TasksCheck> {
  const places = existsSync(path) && !/\.(jsonl|ndjson|toml)$/.test(path) ? await findTasks(path).catch(() => []) : []
  const tasks: Task[] = []
  const findings: TaskFinding[] = []
  const onWrong = ({ message }: Error): void => void findings.push({ level: 'error', task: null, message })
  for (const place of places.length === 0 ? [path] : places) {
    try {
      const loaded = await loadTasks(place, { environment: null, harborCompat: false, onWrong })
      tasks.push(...loaded.tasks)
      const only = loaded.tasks.length === 1 ? (loaded.tasks[0]?.id ?? null) : null
      for (const message of loaded.warnings) findings.push({ level: 'warning', task: only, message })
    } catch (error) {
      if (!isTurnpikeError(error) || places.length === 0) throw error
      onWrong(error)
    }
  }
  const unreadable = findings.filter(finding => finding.level === 'error').length
  if (places.length > 0 && !places.includes(path)) findings.push(...(await findNeighbours(path, tasks)))
  findings.push(
    ...findTwins(tasks),
    ...findStrays(tasks),
    ...(await findFileTroubles(tasks)),
    ...(await findBuildTroubles(tasks)),
  )
  const turns = tasks.flatMap(task => task.turns)
  return {
    tasks: tasks.length,
    unreadable,
    turns: turns.length,
    turns_without_tests: turns.filter(turn => turn.verifier.command.length === 0).length,
    turns_without_solution: turns.filter(turn => turn.solution === null).length,
    by_task: tasks.map(task => ({
      id: task.id,
      turns: task.turns.length,
      file: task.source.file,
      without_tests: nameTurns(task, turn => turn.verifier.command.length === 0),
      without_solution: nameTurns(task, turn => turn.solution === null),
    })),
    findings,
  }
}

const nameTurns = (task: Task, lacks: (turn: TaskTurn) => boolean): string[] =>
  task.turns.filter(lacks).map(turn => turn.name ?? `turn-${turn.index}`)

/** What lies beside tasks and looks as if it were meant to be one. */
async function findNeighbours(path: string, tasks: readonly Task[]): Promise<TaskFinding[]> {
  const files = await listPassedOver(path, { id: 'harbor' }, tasks)
  const folders = readdirSync(path, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const lost = folders.map(entry => join(path, entry.name)).filter(looksLikeTask)
  const told = lost.map(folder => `${folder}: has no task.toml, so it is no task and is not played`)
  return [...files, ...told].map(message => ({ level: 'warning', task: null, message }))
}

const looksLikeTask = (folder: string): boolean =>
  !existsSync(join(folder, 'task.toml')) &&
  ['steps', 'instruction.md', 'environment'].some(name => existsSync(join(folder, name)))

function findTwins(tasks: readonly Task[]): TaskFinding[] {
  const seen = new Map<string, Task>()
  const placeOf = ({ source }: Task): string =>
    basename(source.file) === 'task.toml' ? source.file : `${source.file}:${source.line}`
  return tasks.flatMap((task): TaskFinding[] => {
    const first = seen.get(task.id)
    if (first === undefined) seen.set(task.id, task)
    if (first === undefined) return []
    const message = `${placeOf(task)}: id "${task.id}" is already used in ${placeOf(first)}`
    return [{ level: 'error', task: task.id, message }]
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
