// The simplest task format: JSON Lines, one task a line, `#` comments and blank lines allowed. docs/tasks.md documents it.
// Reads text only; unknown keys are warnings, wrong values are errors that name file, line and key.

import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { verifierTimeoutMs } from '../../core/limits.ts'
import type { Task, TaskTurn, Verifier } from '../../core/task.ts'
import type { LoadedTasks, LoadOptions, TaskFormat } from './_adapter.ts'
import { createReader, type Fields, type Reader, readOn } from './_fields.ts'

const isTaskFile = (name: string): boolean => /\.(jsonl|ndjson)$/.test(name)

export default {
  id: 'jsonl',
  title: 'JSON Lines, one task a line',
  detect: async (path, kind) => (kind === 'file' ? isTaskFile(path) : (await readdir(path)).some(isTaskFile)),
  load: async (path, { onWrong }) => {
    const files = isTaskFile(basename(path))
      ? [path]
      : (await readdir(path))
          .filter(isTaskFile)
          .sort()
          .map(name => join(path, name))
    const tasks: Task[] = []
    const warnings: string[] = []
    for (const file of files) {
      const loaded = parseTasks(await readText(file), file, onWrong)
      tasks.push(...loaded.tasks)
      warnings.push(...loaded.warnings)
    }
    return { tasks, warnings }
  },
} satisfies TaskFormat

/** The tasks of one file's text. */
export function parseTasks(text: string, file: string, onWrong?: LoadOptions['onWrong']): LoadedTasks {
  const tasks: Task[] = []
  const warnings: string[] = []
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const source = { file, line: index + 1 }
    const reader = createReader(`${file}:${source.line}`, message => warnings.push(message))
    readOn(() => tasks.push({ ...readTask(reader, parseLine(line, reader)), source }), onWrong)
  }
  return { tasks, warnings }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read ${file}`, { cause: error })
  }
}

function parseLine(line: string, reader: Reader): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return reader.refuse('', `is not valid JSON: ${reason} (a task stands on one line; newlines inside texts are written \\n)`)
  }
}

function readTask(reader: Reader, value: unknown): Omit<Task, 'source'> {
  const task = reader.object(value, '', ['id', 'title', 'files', 'turns'])
  const id = reader.text(task['id'], 'id')
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) {
    reader.refuse('id', `is ${JSON.stringify(id)}; use letters, digits, - and _ (it becomes part of names and folders)`)
  }
  const turns = reader.list(task['turns'], 'turns')
  if (turns.length === 0) reader.refuse('turns', 'is empty; a task has at least one turn')
  return {
    id,
    title: task['title'] === undefined ? id : reader.text(task['title'], 'title'),
    files: task['files'] === undefined ? {} : reader.files(task['files'], 'files'),
    turns: turns.map((turn, index) => readTurn(reader, turn, index)),
  }
}

function readTurn(reader: Reader, value: unknown, index: number): TaskTurn {
  const at = `turns[${index}]`
  const turn = reader.object(value, at, ['instruction', 'verifier', 'solution', 'timeout_ms'])
  const instruction = reader.text(turn['instruction'], `${at}.instruction`)
  if (instruction.trim() === '') reader.refuse(`${at}.instruction`, 'is empty; the agent would have nothing to do')
  return {
    index: index + 1,
    instruction,
    verifier: readVerifier(reader, turn, `${at}.verifier`),
    solution:
      turn['solution'] === undefined || turn['solution'] === null ? null : reader.argv(turn['solution'], `${at}.solution`),
    timeoutMs:
      turn['timeout_ms'] === undefined || turn['timeout_ms'] === null
        ? null
        : reader.milliseconds(turn['timeout_ms'], `${at}.timeout_ms`),
  }
}

function readVerifier(reader: Reader, turn: Fields, at: string): Verifier {
  const verifier = reader.object(turn['verifier'], at, ['files', 'command', 'timeout_ms'])
  return {
    files: verifier['files'] === undefined ? {} : reader.files(verifier['files'], `${at}.files`),
    command: reader.argv(verifier['command'], `${at}.command`),
    timeoutMs:
      verifier['timeout_ms'] === undefined ? verifierTimeoutMs : reader.milliseconds(verifier['timeout_ms'], `${at}.timeout_ms`),
  }
}
