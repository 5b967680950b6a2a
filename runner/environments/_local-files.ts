// Files of the local environment: read, copied and removed so that links and odd permissions an agent left do no harm. Beside _local-trees.ts, which
// writes below a trial's directory. Knows nothing of trials or processes.

import { constants, lstatSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { runApart } from '../launcher.ts'
import { createBreather } from '../workspace-files.ts'
import type { FileRead } from './_adapter.ts'

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
  unlocking([from, to], async () => {
    const found = await lstat(from)
    await mkdir(found.isDirectory() ? to : dirname(to), { recursive: true })
    await runProgram(['cp', '-a', '--remove-destination', '--', found.isDirectory() ? `${from}/.` : from, to])
  })

export const removeTree = (path: string): Promise<void> => unlocking([path], () => remove(path), dirname(path))

async function remove(path: string): Promise<void> {
  try {
    if (await removeAtOnce(path, createBreather()).catch(() => false)) return
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  } catch (error) {
    // Deeper than a path can be: `rm` walks.
    if (codeOf(error) !== 'ENAMETOOLONG') throw error
    await runProgram(['rm', '-rf', '--', path])
  }
}

/** False for whatever is not plainly there and can be taken away: then `rm` tells what is the matter. Never follows a link. */
async function removeAtOnce(path: string, breathe: () => Promise<void> | null): Promise<boolean> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return true
  if (!found.isDirectory()) {
    unlinkSync(path)
    return true
  }
  for (const name of readdirSync(path)) {
    const breath = breathe()
    if (breath !== null) await breath
    if (!(await removeAtOnce(join(path, name), breathe))) return false
  }
  rmdirSync(path)
  return true
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null)

/** What the program cannot do is a state that whoever wrote the files has brought about. */
export async function runProgram(argv: readonly string[], cwd = '/'): Promise<void> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' }
  const { signal } = new AbortController()
  const result = await runApart({ argv, cwd, env, timeoutMs: null, signal, outputCharsMax: 4_000 })
  if (result.exit === 0) return
  const message = `${argv[0]}: ${(result.startFailure ?? result.stderr).trim().slice(0, 300)}`
  const blame = /File name too long|Too many levels/.test(result.stderr) ? { blame: 'workspace' } : {}
  const isDenied = /Permission denied|not permitted/.test(result.stderr)
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', message, { details: { ...blame, isDenied } })
}

/**
 * Package caches hold read-only directories, which cannot be emptied, and files without read permission cannot be copied; what stands in a locked
 * directory cannot even be looked at, and a copy that has begun is locked as its source was. Root notices none of it.
 */
export async function unlocking<T>(paths: readonly string[], work: () => Promise<T>, parent?: string): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isDenied = isTurnpikeError(error) && error.details['isDenied'] === true
    if (!isDenied && codeOf(error) !== 'EACCES' && codeOf(error) !== 'EPERM') throw error
    if (parent !== undefined) await openDirectory(parent)
    for (const path of paths) await unlock(path)
    return work()
  }
}

/** Lets its owner list, enter and change it. */
export async function openDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  // What is not ours to open is not ours to change.
  if (found?.isDirectory() && (found.mode & 0o700) !== 0o700) await chmod(path, found.mode | 0o700).catch(() => undefined)
}

async function unlock(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null || found.isSymbolicLink()) return
  await chmod(path, found.mode | (found.isDirectory() ? 0o700 : 0o600))
  if (!found.isDirectory()) return
  for (const name of await readdir(path)) await unlock(join(path, name))
}

/** The date that a file gets that is written now. */
export function dateNow(directory: string): number {
  const made = mkdtempSync(join(directory, 'date-'))
  const { mtimeMs } = lstatSync(made)
  rmdirSync(made)
  return mtimeMs
}

/** Trouble with the place is the place's, whatever the system called it. */
export async function orBroken<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TurnpikeError ? error : new TurnpikeError('E_ENVIRONMENT_FAILED', what, { cause: error })
  }
}
