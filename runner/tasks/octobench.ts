// OctoBench's JSON Lines (OctoBench, OctoCodingBench, conflicts): one instance a line, its user queries are the turns. There are no
// tests: what the agent did is judged afterwards by a checklist, which stays in the task's metadata as it came.

import { open, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Task, TaskTurn } from '../../core/task.ts'
import type { JsonObject } from '../../core/types.ts'
import type { LoadedTasks, LoadOptions, TaskFormat } from './_adapter.ts'
import { createReader, type Fields, type Reader, readOn } from './_fields.ts'

const isLinesFile = (name: string): boolean => /\.(jsonl|ndjson)$/.test(name)
const known = [
  ...['instance_id', 'user_query', 'system_prompt', 'category', 'image', 'workspace_abs_path', 'scaffold', 'checklist'],
  ...['expected_skill', 'conflict_type'],
]

export default {
  id: 'octobench',
  title: 'OctoBench JSON Lines, one instance a line',
  detect: async (path, kind) => (await findFiles(path, kind)).length > 0,
  load: async (path, { onWrong }) => {
    const files = await findFiles(path, isLinesFile(basename(path)) ? 'file' : 'directory')
    const tasks: Task[] = []
    const warnings: string[] = []
    for (const file of files) {
      const loaded = parseInstances(await readFile(file, 'utf8'), file, onWrong)
      tasks.push(...loaded.tasks)
      warnings.push(...loaded.warnings)
    }
    return { tasks, warnings }
  },
} satisfies TaskFormat

async function findFiles(path: string, kind: 'file' | 'directory'): Promise<string[]> {
  const names = kind === 'file' ? [path] : (await readdir(path)).sort().map(name => join(path, name))
  const found: string[] = []
  for (const name of names.filter(isLinesFile)) if (looksRight(await readHead(name))) found.push(name)
  return found
}

/** Checklists are long, but their keys come early or late: both names stand in the first records in any case. */
const headBytes = 1024 * 1024

async function readHead(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

function looksRight(head: string): boolean {
  // Not the first line alone: it may be the broken one.
  return head.split('\n').some(line => line.includes('"instance_id"') && line.includes('"user_query"'))
}

export function parseInstances(text: string, file: string, onWrong?: LoadOptions['onWrong']): LoadedTasks {
  const tasks: Task[] = []
  const warnings: string[] = []
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue
    const source = { file, line: index + 1 }
    const reader = createReader(`${file}:${source.line}`, message => warnings.push(message))
    readOn(() => tasks.push({ ...readInstance(reader, parseLine(line, reader)), source }), onWrong)
  }
  return { tasks, warnings }
}

function parseLine(line: string, reader: Reader): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    return reader.refuse('', `is no valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readInstance(reader: Reader, value: unknown): Omit<Task, 'source'> {
  const fields = reader.object(value, '', known)
  const id = reader.text(fields['instance_id'], 'instance_id')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id))
    reader.refuse('instance_id', `must be letters, digits, ".", "_" and "-", not ${JSON.stringify(id)}`)
  const queries = reader.list(fields['user_query'], 'user_query')
  if (queries.length === 0) reader.refuse('user_query', 'is empty; an instance has at least one query')
  const optional = (key: string): string | null =>
    fields[key] === undefined || fields[key] === null ? null : reader.text(fields[key], key)
  const image = optional('image')
  const systemPrompt = optional('system_prompt') ?? ''
  return {
    id,
    title: id,
    files: {},
    turns: queries.map((query, index) => readTurn(reader, query, index)),
    environment: {
      image: image === null || image === '' ? null : { kind: 'name', name: image },
      cpus: null,
      memoryMb: null,
      storageMb: null,
      network: { mode: 'public', hosts: [] },
      env: {},
      workdir: readWorkdir(reader, optional('workspace_abs_path')),
      healthcheck: null,
      buildTimeoutMs: 600_000,
    },
    metadata: { octobench: { ...readLabels(reader, fields), system_prompt: systemPrompt } },
  }
}

function readWorkdir(reader: Reader, path: string | null): string | null {
  if (path === null || path === '') return null
  return path.startsWith('/')
    ? path
    : reader.refuse('workspace_abs_path', `must be an absolute path, not ${JSON.stringify(path)}`)
}

function readTurn(reader: Reader, query: unknown, index: number): TaskTurn {
  const instruction = reader.text(query, `user_query[${index}]`)
  if (instruction.trim() === '') reader.refuse(`user_query[${index}]`, 'is empty')
  return { index: index + 1, instruction, verifier: { files: {}, command: [], timeoutMs: 1 }, solution: null, timeoutMs: null }
}

/** The checklist comes as an object, or as the text of one; unknown fields are kept for whoever judges. */
function readLabels(reader: Reader, fields: Fields): JsonObject {
  const { instance_id: _id, user_query: _query, system_prompt: _prompt, checklist, ...labels } = fields
  const list = typeof checklist === 'string' ? parseChecklist(checklist, reader) : (checklist ?? null)
  if (list !== null && (typeof list !== 'object' || Array.isArray(list)))
    reader.refuse('checklist', 'must be an object of categories')
  return { ...labels, checklist: list } as JsonObject
}

function parseChecklist(text: string, reader: Reader): unknown {
  try {
    return text.trim() === '' ? null : JSON.parse(text)
  } catch {
    return reader.refuse('checklist', 'is a text that is no valid JSON')
  }
}
