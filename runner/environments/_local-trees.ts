// What is written below a trial's directory from outside its sandbox, and what is taken out of it: no link that an agent has left on the way is ever
// followed, because it would lead us, with our own rights, to files of this machine.

import { lstatSync, mkdirSync, type Stats, writeFileSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import type { FileTree } from '../../core/task.ts'
import { createBreather } from '../workspace-files.ts'
import { copyTree, openDirectory, removeTree, unlocking } from './_local-files.ts'

/** Makes every directory from the root down to the path a real one: links and files in the way make room. */
export async function makeRealDirectory(root: string, path: string): Promise<void> {
  let at = root
  for (const part of insideOf(root, resolve(path)).slice(root.length).split(sep)) {
    if (part === '') continue
    at = join(at, part)
    const found = lookAt(at)
    if (found?.isDirectory()) {
      if ((found.mode & 0o700) !== 0o700) await openDirectory(at)
    } else {
      if (found !== null) await removeTree(at)
      mkdirSync(at)
    }
  }
}

/** At once: for the few files of a verifier, waiting costs more than they do. Null when nothing is there. */
const lookAt = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null

/** True when no link stands between the root and the directory that holds the path. */
export async function isReachedPlainly(root: string, path: string): Promise<boolean> {
  const parent = dirname(path)
  return (await realpath(parent).catch(() => null)) === parent && (parent === root || parent.startsWith(root + sep))
}

/** A workspace that its agent has removed, replaced by something else or locked is an empty or an open one: its work counts as what is left of it. */
export async function ensureWorkspace(root: string, workspace: string): Promise<void> {
  await makeRealDirectory(root, workspace)
}

export async function writeTree(root: string, directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  await makeRealDirectory(root, directory)
  const breathe = createBreather()
  for (const [path, text] of Object.entries(files)) {
    await makeRealDirectory(root, join(directory, dirname(path)))
    const breath = breathe()
    if (breath !== null) await breath
    const target = join(directory, path)
    if (lookAt(target) !== null) await removeTree(target)
    writeFileSync(target, text, { flag: 'wx', mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
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
  for (const { directory, to, keepsLinks = false } of trees) {
    const target = insideOf(place.root, isAbsolute(to) ? to : join(place.workspace, to))
    if (!keepsLinks) await refuseLinksOut(directory, await realpath(directory))
    await makeRealDirectory(place.root, target)
    await clearWay(directory, target)
    await copyTree(directory, target)
  }
}

async function refuseLinksOut(directory: string, root: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await refuseLinksOut(path, root)
    if (!entry.isSymbolicLink()) continue
    // One that leads nowhere is judged by where it points.
    const target = await realpath(path).catch(async () => resolve(await realpath(directory), await readlink(path)))
    if (!target.startsWith(root + sep))
      throw new TurnpikeError('E_TASK_INVALID', `${path} is a link that leads out of ${root}`, { hint: 'copy the file instead' })
  }
}

/** What stands where a directory or a file of another kind is coming makes room; directories that both have are joined. */
async function clearWay(source: string, target: string): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const place = join(target, entry.name)
    if (!entry.isDirectory()) await removeTree(place)
    else if (lookAt(place)?.isDirectory()) await clearWay(join(source, entry.name), place)
    else await removeTree(place)
  }
}

/** False when there is nothing at the path, or a link leads there. */
export async function copyTreeOut(
  root: string,
  path: string,
  directory: string,
  limits: { readonly bytesMax: number; readonly exclude: readonly string[] },
): Promise<boolean> {
  if (!(await isReachedPlainly(root, path))) return false
  const found = await lstat(path).catch(() => null)
  if (found === null || !(found.isFile() || found.isDirectory())) return false
  const bytes = await unlocking([path], () => sumBytes(path))
  if (bytes > limits.bytesMax)
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${path} holds ${bytes} bytes, more than ${limits.bytesMax}`, {
      details: { blame: 'size' },
    })
  await mkdir(directory, { recursive: true })
  const kept = join(directory, basename(path))
  await removeTree(kept)
  await copyTree(path, kept)
  await makePlain(kept)
  return true
}

/** Pipes, sockets and devices hold no content, and whoever reads a pipe waits for ever; what its maker has locked can be read and removed. */
async function makePlain(path: string): Promise<void> {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return
  if (found.isFile()) return chmod(path, found.mode | 0o600)
  if (!found.isDirectory()) return removeTree(path)
  await chmod(path, found.mode | 0o700)
  for (const name of await readdir(path)) await makePlain(join(path, name))
}

async function sumBytes(path: string): Promise<number> {
  const found = await lstat(path)
  if (!found.isDirectory()) return found.size
  const sizes = await Promise.all((await readdir(path)).map(name => sumBytes(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
