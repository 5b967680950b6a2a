// Harbor's task format (task.toml and the folders beside it), single-step and [[steps]], schema 1.0 to 1.4: EvoCode-Bench and
// Terminal-Bench. docs/tasks.md documents what is taken from it. Reads files only; never judges what a test script says.

import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import type { Task } from '../../core/task.ts'
import type { Json, JsonObject } from '../../core/types.ts'
import type { LoadedTasks, LoadOptions, TaskFormat } from './_adapter.ts'
import { type HarborReader, listLooseFiles, readEnvironment } from './_harbor-environment.ts'
import { readTurns, treeOf } from './_harbor-turns.ts'
import { isTable, readToml } from './_toml.ts'

const rootKeys = [
  ...['schema_version', 'version', 'source', 'multi_step_reward_strategy', 'artifacts', 'task', 'metadata'],
  ...['agent', 'verifier', 'environment', 'solution', 'steps'],
]
/** How far below the path a task may lie: dataset/group/task. */
const depthMax = 3

export default {
  id: 'harbor',
  title: 'Harbor: a directory with task.toml, or a directory of them',
  detect: async (path, kind) => (kind === 'file' ? basename(path) === 'task.toml' : (await findTasks(path)).length > 0),
  load: async (path, options) => {
    const directories = basename(path) === 'task.toml' ? [dirname(path)] : await findTasks(path)
    const tasks: Task[] = []
    const warnings: string[] = []
    for (const directory of directories) {
      const loaded = await readHarborTask(directory, options)
      tasks.push(...loaded.tasks)
      warnings.push(...loaded.warnings)
    }
    return { tasks, warnings }
  },
} satisfies TaskFormat

/** Directories with a task.toml, in the order of their names; a task is not searched for tasks. */
export async function findTasks(path: string, depth = 0): Promise<string[]> {
  if (existsSync(join(path, 'task.toml'))) return [path]
  if (depth >= depthMax) return []
  const entries = await readdir(path, { withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const inside = join(path, entry.name)
    // A task may be a link to where it lies; what is no task is not searched through a link, which may lead in a circle.
    if (entry.isDirectory()) found.push(...(await findTasks(inside, depth + 1)))
    else if (entry.isSymbolicLink() && existsSync(join(inside, 'task.toml'))) found.push(inside)
  }
  return found
}

export async function readHarborTask(directory: string, options: LoadOptions): Promise<LoadedTasks> {
  const file = join(directory, 'task.toml')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read ${file}`, { cause })
  })
  const warnings: string[] = []
  const toml = readToml(text, file, warning => warnings.push(warning))
  const reader: HarborReader = { ...toml, directory: resolve(directory), options }
  const task = readTask(reader, file)
  for (const [index, turn] of task.turns.entries()) {
    if (turn.verifier.command.length > 0) continue
    const line = turn.name === undefined ? 1 : reader.lineOf(`steps[${index}].name`)
    warnings.push(`${file}:${line}: ${turn.name ?? 'the task'} has no tests/test.sh: it is played and not scored`)
  }
  return { tasks: [task], warnings }
}

function readTask(reader: HarborReader, file: string): Task {
  const { root, directory } = reader
  reader.asTable(root, '', rootKeys)
  const version = readVersion(reader)
  const identity = readIdentity(reader)
  const metadata = reader.has(root, 'metadata') ? root['metadata'] : {}
  if (!isTable(metadata)) reader.refuse('metadata', 'must be a table')
  const context = join(directory, 'environment')
  const environment = readEnvironment(reader, root, 'environment', context)
  const strategy = reader.choice(root, 'multi_step_reward_strategy', ['mean', 'final'])
  const folder = basename(directory)
  return {
    id: folder.replaceAll(/[^A-Za-z0-9._-]+/g, '-'),
    title: identity ?? folder,
    files: {},
    turns: readTurns(reader, environment),
    source: { file, line: 1 },
    environment,
    trees: listLooseFiles(reader, environment, context) ? [treeOf(context)] : [],
    ...(strategy === null ? {} : { rewardOf: strategy }),
    metadata: {
      ...(asJson(metadata) as JsonObject),
      harbor: { schema_version: version, name: identity, source: reader.text(root, 'source') },
    },
  }
}

/** It tells of the file and changes nothing, so a number written without quotes is no mistake worth a refusal. */
function readVersion(reader: HarborReader): string | null {
  const read = (name: string): string | null => {
    const value = reader.root[name]
    return typeof value === 'number' ? String(value) : reader.text(reader.root, name)
  }
  return read('schema_version') ?? read('version')
}

const taskKeys = ['name', 'version', 'description', 'authors', 'keywords']

function readIdentity(reader: HarborReader): string | null {
  if (!reader.has(reader.root, 'task')) return null
  const table = reader.table(reader.root, 'task', taskKeys)
  const name = reader.text(table, 'task.name')
  if (name === null) return reader.refuse('task.name', 'is missing; it must look like org/name')
  const part = '[A-Za-z0-9][A-Za-z0-9._-]*'
  return new RegExp(`^${part}/${part}$`).test(name)
    ? name
    : reader.refuse('task.name', `must look like org/name, not ${JSON.stringify(name)}`)
}

/** Dates become their text: results are JSON. */
function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part))) as Json
}
