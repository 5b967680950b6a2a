// What can be seen in the files of tasks before anything is built or run: links that a run refuses, scripts that cannot do what they are for,
// Dockerfiles that copy what is not there. Reads only.

import { existsSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { FileTree, Task } from '../core/task.ts'
import { readIgnored } from '../runner/environments/_docker-images.ts'

export interface TaskFinding {
  /** `error`: cannot be run as it is. `warning`: can, and somebody should look. */
  readonly level: 'error' | 'warning'
  readonly task: string | null
  readonly message: string
}

/** Each directory is looked at once per task, however many turns have it. */
export async function findFileTroubles(tasks: readonly Task[]): Promise<TaskFinding[]> {
  const findings: TaskFinding[] = []
  for (const task of tasks) {
    for (const directory of listDirectories(task)) {
      for (const message of await listLinksOut(directory)) findings.push({ level: 'error', task: task.id, message })
      findings.push(...(await checkScripts(task.id, directory)))
    }
  }
  return findings
}

function listDirectories({ trees = [], turns }: Task): string[] {
  const all: FileTree[] = [...trees]
  for (const { verifier, solutionFiles, setup } of turns)
    all.push(...(verifier.trees ?? []), ...(solutionFiles?.trees ?? []), ...(setup?.trees ?? []))
  return [...new Set(all.map(tree => tree.directory))]
}

async function listLinksOut(root: string, directory = root, isIgnored = (_: string) => false): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (isIgnored(relative(root, path))) continue
    if (entry.isDirectory()) found.push(...(await listLinksOut(root, path, isIgnored)))
    if (!entry.isSymbolicLink()) continue
    const target = resolve(directory, await readlink(path))
    if (target !== root && !target.startsWith(root + sep))
      found.push(`${path}: is a link that leads out of ${root}; copy the file instead`)
  }
  return found
}

/** What runs by name: tests, solution, set-up. */
const scripts = ['test.sh', 'solve.sh', 'setup.sh']

async function checkScripts(task: string, directory: string): Promise<TaskFinding[]> {
  const findings: TaskFinding[] = []
  for (const file of scripts.map(name => join(directory, name)).filter(path => existsSync(path))) {
    const tell = (level: TaskFinding['level'], what: string): void =>
      void findings.push({ level, task, message: `${file}: ${what}` })
    if (!(await stat(file)).isFile()) {
      tell('error', 'is no file')
      continue
    }
    const text = await readFile(file, 'utf8')
    if (text.trim() === '') tell(file.endsWith('test.sh') ? 'error' : 'warning', 'is empty, so it does nothing')
    if (text.includes('\r\n'))
      tell('error', 'has lines that end with a carriage return (CRLF), which no shell takes; save it with LF')
  }
  return findings
}

/** What a build would stumble over that can be seen without one. */
export async function findBuildTroubles(tasks: readonly Task[]): Promise<TaskFinding[]> {
  const findings: TaskFinding[] = []
  for (const task of tasks) {
    findings.push(...(await findLinksOfBuilds(task)))
    const image = task.environment?.image
    if (image?.kind !== 'build') continue
    const file = join(image.context, image.dockerfile)
    const lines = readInstructions(await readFile(file, 'utf8'))
    if (!lines.some(line => /^\s*FROM\s+\S/i.test(line)))
      findings.push({ level: 'error', task: task.id, message: `${file}: has no FROM line, so no image can be built from it` })
    for (const source of lines.flatMap(readCopied)) {
      if (existsSync(join(image.context, source))) continue
      findings.push({ level: 'error', task: task.id, message: `${file}: copies ${source}, which is not in ${dirname(file)}` })
    }
  }
  return findings
}

/** What is sent to a build holds no link that leads out of it: the task's own, and those of separate verifiers. */
async function findLinksOfBuilds({ id, environment, turns }: Task): Promise<TaskFinding[]> {
  const images = [environment, ...turns.map(turn => turn.verifier.separate)].map(place => place?.image)
  const contexts = new Set(images.flatMap(image => (image?.kind === 'build' ? [image.context] : [])))
  const findings: TaskFinding[] = []
  for (const context of contexts) {
    const isIgnored = await readIgnored(context)
    for (const message of await listLinksOut(context, context, isIgnored)) findings.push({ level: 'error', task: id, message })
  }
  return findings
}

/** Lines that end with a backslash joined to the next, without the texts of here-documents. */
function readInstructions(text: string): string[] {
  const found: string[] = []
  const open: string[] = []
  for (const line of text.replaceAll(/\\[ \t]*\r?\n/g, ' ').split(/\r?\n/)) {
    if (open[0] !== undefined) {
      if (line.replace(/^\t+/, '') === open[0]) open.shift()
      continue
    }
    found.push(line)
    if (/^\s*(RUN|COPY|ADD)\b/i.test(line)) for (const mark of line.matchAll(/<<-?\s*["']?(\w+)["']?/g)) open.push(mark[1] ?? '')
  }
  return found
}

/** Sources of COPY and ADD that are plain paths of the context: no stage, no URL, no pattern, no variable. */
function readCopied(line: string): string[] {
  const words = /^\s*(?:COPY|ADD)\s+([^[<].*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? []
  if (words.some(word => word.startsWith('--from')) || line.includes('<<')) return []
  return words
    .filter(word => !word.startsWith('--'))
    .slice(0, -1)
    .filter(word => !/[*?[\]$]|:\/\//.test(word))
}
