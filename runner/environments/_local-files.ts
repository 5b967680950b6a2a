// Files of the local environment: written, read, copied and removed so that links and odd permissions an agent left do no harm.
// Knows nothing of trials or processes.

import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, sep } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { FileTree } from '../../core/task.ts'
import { runGroup } from '../processes.ts'
import type { FileRead } from './_adapter.ts'

export async function writeTree(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/')
    let at = directory
    for (const part of parts.slice(0, -1)) {
      at = join(at, part)
      if (!(await isRealDirectory(at))) {
        await removeTree(at)
        await mkdir(at)
      }
    }
    const target = join(directory, path)
    await removeTree(target)
    await writeFile(target, text, { flag: 'wx', mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
}

async function isRealDirectory(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  return found?.isDirectory() ?? false
}

export async function readRegularFile(path: string, bytesMax: number): Promise<FileRead | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => null)
  if (file === null) return null
  try {
    const found = await file.stat()
    if (!found.isFile()) return null
    const bytes = Buffer.alloc(Math.min(found.size, bytesMax))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    return { text: bytes.toString('utf8', 0, bytesRead), modifiedAtMs: found.mtimeMs }
  } finally {
    await file.close()
  }
}

/** By the system's own program: it keeps holes and hard links, and takes names that are no text. */
export const copyTree = (from: string, to: string): Promise<void> =>
  unlocking(from, async () => {
    const found = await lstat(from)
    await mkdir(found.isDirectory() ? to : dirname(to), { recursive: true })
    await runProgram(['cp', '-a', '--', found.isDirectory() ? `${from}/.` : from, to])
  })

export const removeTree = (path: string): Promise<void> =>
  unlocking(path, async () => {
    try {
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
    } catch (error) {
      // Deeper than a path can be: `rm` walks.
      if (codeOf(error) !== 'ENAMETOOLONG') throw error
      await runProgram(['rm', '-rf', '--', path])
    }
  })

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null)

/** What the program cannot do is a state that whoever wrote the files has brought about. */
export async function runProgram(argv: readonly string[], cwd = '/'): Promise<void> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' }
  const { signal } = new AbortController()
  const result = await runGroup({ argv, cwd, env, timeoutMs: null, signal, outputCharsMax: 4_000 })
  if (result.exit === 0) return
  const message = `${argv[0]}: ${(result.startFailure ?? result.stderr).trim().slice(0, 300)}`
  const blame = /File name too long|Too many levels/.test(result.stderr) ? { blame: 'workspace' } : {}
  const isDenied = /Permission denied|not permitted/.test(result.stderr)
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', message, { details: { ...blame, isDenied } })
}

/** Package caches hold read-only directories, which cannot be emptied, and files without read permission cannot be copied. */
async function unlocking(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const isDenied = isTurnpikeError(error) && error.details['isDenied'] === true
    if (!isDenied && codeOf(error) !== 'EACCES' && codeOf(error) !== 'EPERM') throw error
    await unlock(path)
    await work()
  }
}

async function unlock(path: string): Promise<void> {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return
  await chmod(path, found.mode | (found.isDirectory() ? 0o700 : 0o600))
  if (!found.isDirectory()) return
  for (const name of await readdir(path)) await unlock(join(path, name))
}

/** A path that lies inside the trial's directory, or E_ENVIRONMENT_FAILED: this environment has no root of its own. */
export function insideOf(root: string, path: string): string {
  if (path === root || path.startsWith(root + sep)) return path
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the environment local has no ${path}: it is a directory, not a machine`, {
    hint: 'use --env docker for tasks that name absolute paths',
  })
}

export async function copyTreesIn(
  trees: readonly FileTree[],
  place: { readonly root: string; readonly workspace: string },
): Promise<void> {
  for (const { directory, to } of trees) {
    const target = insideOf(place.root, isAbsolute(to) ? to : join(place.workspace, to))
    await refuseLinksOut(directory, await realpath(directory))
    await copyTree(directory, target)
  }
}

async function refuseLinksOut(directory: string, root: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await refuseLinksOut(path, root)
    if (!entry.isSymbolicLink()) continue
    const target = await realpath(path).catch(() => null)
    if (target === null || !target.startsWith(root + sep))
      throw new TurnpikeError('E_TASK_INVALID', `${path} is a link that leads out of ${root}`, { hint: 'copy the file instead' })
  }
}

/** False when there is nothing at the path. */
export async function copyTreeOut(
  path: string,
  directory: string,
  limits: { readonly bytesMax: number; readonly exclude: readonly string[] },
): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (found === null || !(found.isFile() || found.isDirectory())) return false
  const bytes = await sumBytes(path)
  if (bytes > limits.bytesMax)
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${path} holds ${bytes} bytes, more than ${limits.bytesMax}`)
  await mkdir(directory, { recursive: true })
  await copyTree(path, join(directory, basename(path)))
  return true
}

async function sumBytes(path: string): Promise<number> {
  const found = await lstat(path)
  if (!found.isDirectory()) return found.size
  const sizes = await Promise.all((await readdir(path)).map(name => sumBytes(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Trouble with the place is the place's, whatever the system called it. */
export async function orBroken<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TurnpikeError ? error : new TurnpikeError('E_ENVIRONMENT_FAILED', what, { cause: error })
  }
}
