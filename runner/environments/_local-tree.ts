// What the system notes about a tree of files, so that two looks at it tell whether anything has been written in between, and the few changes that
// make one tree what another is. Beside _local-copy.ts; knows nothing of trials.

import {
  type BigIntStats,
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../processes.ts'
import { createBreather } from '../workspace-files.ts'
import { removeTree, runProgram } from './_local-files.ts'

export interface Entry {
  readonly kind: 'file' | 'link' | 'directory'
  /** The same: the same content. No program can write and leave the time of the last change, which is part of it, as it was. */
  readonly mark: string
  readonly mode: number
  readonly owner: string
  /** 0 for a directory. */
  readonly bytes: number
  /** Microseconds: what can be set again. */
  readonly modifiedUs: number
  /** The time of the last change of anything, by the file system's clock. */
  readonly changedNs: bigint
}

/** By relative path; the root is the empty one. */
export type Tree = ReadonlyMap<string, Entry>

const entriesMax = 100_000

/** A clock that stands longer has been set back. */
const looksMax = 500

/** Null where looks could not tell: unreadable or odd entries, files with two names, names that are no text, a clock of whole milliseconds. */
export async function listTree(root: string): Promise<Tree | null> {
  const tree = new Map<string, Entry>()
  const breathe = createBreather()
  let isClockFine = false
  const add = async (path: string): Promise<boolean> => {
    const breath = breathe()
    if (breath !== null) await breath
    const found = lstatSync(join(root, path), { bigint: true })
    const entry = describe(found)
    if (entry === null || path.includes('\uFFFD') || tree.size >= entriesMax) return false
    isClockFine ||= found.ctimeNs % 1_000_000n !== 0n
    tree.set(path, entry)
    if (entry.kind !== 'directory') return true
    for (const name of readdirSync(join(root, path))) if (!(await add(path === '' ? name : `${path}/${name}`))) return false
    return true
  }
  try {
    const isWhole = await add('')
    return isWhole && isClockFine && tree.get('')?.kind === 'directory' ? tree : null
  } catch {
    return null
  }
}

function describe(found: BigIntStats): Entry | null {
  const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs, nlink } = found
  const kind = found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : found.isFile() ? 'file' : null
  if (kind === null || (kind !== 'directory' && nlink > 1n)) return null
  return {
    kind,
    mark: [dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs].join(':'),
    mode: Number(mode) & 0o7777,
    owner: `${uid}:${gid}`,
    bytes: kind === 'directory' ? 0 : Number(size),
    modifiedUs: Number(mtimeNs / 1000n),
    changedNs: ctimeNs,
  }
}

export const isSame = (one: Entry | undefined, other: Entry | undefined): boolean => one !== undefined && one.mark === other?.mark

/** As a copy is like what it was made from. */
function isLike(one: Entry, other: Entry | undefined): boolean {
  return (
    one.kind === other?.kind &&
    one.mode === other.mode &&
    one.owner === other.owner &&
    one.bytes === other.bytes &&
    // Times are set as fractions of seconds, which do not hold every microsecond.
    (one.kind === 'link' || Math.abs(one.modifiedUs - other.modifiedUs) <= 2)
  )
}

export function isCopy(source: Tree, copy: Tree): boolean {
  return source.size === copy.size && [...source].every(([path, entry]) => isLike(entry, copy.get(path)))
}

/**
 * Resolves when whatever is written from now on gets a later time than all that is in the trees: clocks of file systems move in ticks of up to ten
 * milliseconds. Asks the clock itself, by a file beside the trees. False when it does not go on.
 */
export async function waitForLaterTime(trees: readonly Tree[], clock: string): Promise<boolean> {
  let newest = 0n
  for (const tree of trees) for (const { changedNs } of tree.values()) if (changedNs > newest) newest = changedNs
  writeFileSync(clock, '')
  for (let look = 0; look < looksMax; look++) {
    utimesSync(clock, look, look)
    if (lstatSync(clock, { bigint: true }).ctimeNs > newest) return true
    await waitFor(1)
  }
  return false
}

export async function removePaths(root: string, paths: readonly string[]): Promise<void> {
  for (const path of topmost(paths)) await removeTree(join(root, path))
}

/** With all that is below them, and links, rights, times and holes as they are. */
export async function copyPaths(from: string, to: string, paths: readonly string[]): Promise<void> {
  const named = topmost(paths).map(path => `./${path}`)
  for (let at = 0; at < named.length; at += 500)
    await runProgram(['cp', '-a', '--parents', '-t', to, '--', ...named.slice(at, at + 500)], from)
}

/** The tree with these entries looked at again, without those that have become odd. Throws when one is gone. */
export function lookAgain(root: string, tree: Tree, paths: Iterable<string>): Tree {
  const again = new Map(tree)
  for (const path of paths) {
    const entry = describe(lstatSync(join(root, path), { bigint: true }))
    if (entry === null) again.delete(path)
    else again.set(path, entry)
  }
  return again
}

/** Makes directories have the rights and times of others; those that had to be changed. */
export function matchDirectories(root: string, wanted: Tree, present: Tree): string[] {
  const changed: string[] = []
  for (const [path, entry] of wanted) {
    if (entry.kind !== 'directory' || isLike(entry, present.get(path))) continue
    const [uid = 0, gid = 0] = entry.owner.split(':').map(Number)
    lchownSync(join(root, path), uid, gid)
    chmodSync(join(root, path), entry.mode)
    utimesSync(join(root, path), entry.modifiedUs / 1e6, entry.modifiedUs / 1e6)
    changed.push(path)
  }
  return changed
}

/** Makes each anew with the same entries in it: rights, times and whatever else hung on it are gone. What has moved by that: they and their entries. */
export function replaceDirectories(root: string, paths: readonly string[]): Set<string> {
  const fresh = `${root}-fresh`
  const moved = new Set<string>(paths)
  for (const path of [...paths].sort((one, other) => other.length - one.length)) {
    const old = join(root, path)
    mkdirSync(fresh, { mode: 0o700 })
    for (const name of readdirSync(old)) {
      renameSync(join(old, name), join(fresh, name))
      moved.add(path === '' ? name : `${path}/${name}`)
    }
    rmdirSync(old)
    renameSync(fresh, old)
  }
  return moved
}

/** Without those below others of them. */
function topmost(paths: readonly string[]): string[] {
  const all = new Set(paths)
  const isBelow = (path: string): boolean => {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      if (all.has(path.slice(0, end))) return true
    return false
  }
  return paths.filter(path => !isBelow(path))
}
