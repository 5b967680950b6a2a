// The quick start's tasks as they are shipped, and one of them solved step by step in an environment as bare as a trial's.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'

export const file = fileURLToPath(new URL('../../configs/quickstart/tasks.jsonl', import.meta.url))

interface TurnText {
  readonly instruction: string
  readonly verifier: { readonly files: Record<string, string>; readonly command: string[]; readonly timeout_ms: number }
  readonly solution: string[]
}
export interface TaskText {
  readonly id: string
  readonly files: Record<string, string>
  readonly turns: TurnText[]
}

export const tasks = readFileSync(file, 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => JSON.parse(line) as TaskText)

/** Hundreds of processes are started, perhaps on a busy machine. */
export const timeoutMs = 240_000

function openWorkspace(task: TaskText): string {
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFiles(folder, task.files)
  return folder
}

function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

/** In an environment as bare as a trial's. */
function execute(folder: string, [program, ...args]: string[]): { status: number | null; stdout: string } {
  const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: tmpdir() }
  const result = spawnSync(program ?? '', args, { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
  return { status: result.status, stdout: result.stdout + result.stderr }
}

function verify(folder: string, turn: TurnText) {
  writeFiles(folder, turn.verifier.files)
  const { status, stdout } = execute(folder, turn.verifier.command)
  rmSync(join(folder, 'hidden-tests'), { recursive: true })
  const names = (pattern: RegExp) => [...stdout.matchAll(pattern)].map(match => match[1] ?? '')
  return { status, stdout, passed: names(/^ok \d+ - (.*)$/gm), failed: names(/^not ok \d+ - (.*)$/gm) }
}

/** Each solution passes its tests; on the one before it the same tests run, the new ones fail, the carried ones pass. */
export function expectSolved(task: TaskText): void {
  const folder = openWorkspace(task)
  const carried: string[] = []
  for (const turn of task.turns) {
    const before = verify(folder, turn)
    execute(folder, turn.solution)
    const after = verify(folder, turn)
    expect(after.status, after.stdout).toBe(0)
    expect(after.failed).toEqual([])
    expect(before.status).not.toBe(0)
    expect([...before.passed, ...before.failed].sort()).toEqual([...after.passed].sort())
    expect(before.passed).toEqual(expect.arrayContaining(carried))
    expect(before.failed.length).toBeGreaterThanOrEqual(4)
    carried.push(...after.passed.filter(name => !carried.includes(name)))
  }
}
