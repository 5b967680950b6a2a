// The copy of a workspace that verifiers of a sandboxed trial work on, kept from turn to turn: what is still exactly as it was copied stays, all else
// is copied anew, so that a verification costs what has changed. Whatever cannot be told for certain is copied whole. The agent never sees it.

import { rename } from 'node:fs/promises'
import { copyTree, orBroken, removeTree } from './_local-files.ts'
import {
  copyPaths,
  type Entry,
  isCopy,
  isSame,
  listTree,
  lookAgain,
  matchDirectories,
  removePaths,
  replaceDirectories,
  type Tree,
  waitForLaterTime,
} from './_local-tree.ts'

export interface CopyPlaces {
  readonly workspace: string
  /** Where the workspace stands while a copy has its place. */
  readonly original: string
  /** Where the copy stands between verifications, out of the agent's view. */
  readonly copy: string
  /** Makes the workspace a directory again, whatever its agent has made of it. */
  readonly ensure: () => Promise<void>
}

type WorkOnCopy = <T>(work: () => Promise<T>) => Promise<T>

/** A workspace and the copy made of it, both as they were when nothing of the trial ran. */
interface Known {
  readonly source: Tree
  readonly copy: Tree
}

/** More are copied whole: one program is faster at it than we are at naming them. */
const changesMax = 2_000

/** A whole copy each time, where the agent could reach one that stays. */
export function createCopying({ workspace, original, ensure }: CopyPlaces): WorkOnCopy {
  const aside = createAside({ workspace, original, ensure })
  return async work => {
    await aside.take()
    try {
      await orBroken('cannot copy the workspace', () => copyTree(original, workspace))
      return await work()
    } finally {
      await aside.restore(() => removeTree(workspace))
    }
  }
}

/** The agent's own workspace, out of the way of a copy. */
function createAside({ workspace, original, ensure }: Omit<CopyPlaces, 'copy'>) {
  let isAside = false
  const restore = (makeRoom: () => Promise<void>): Promise<void> =>
    orBroken('cannot restore the workspace', async () => {
      await makeRoom()
      await rename(original, workspace)
      isAside = false
    })
  const take = async (): Promise<void> => {
    // Where restoring has failed before, the agent's work still stands aside.
    if (isAside) await restore(() => removeTree(workspace))
    await ensure()
    await orBroken('cannot set the workspace aside', async () => {
      // Whatever an agent has put there is none of ours.
      await removeTree(original)
      await rename(workspace, original)
      isAside = true
    })
  }
  return { take, restore }
}

export function createKeptCopy({ workspace, original, copy, ensure }: CopyPlaces): WorkOnCopy {
  const aside = createAside({ workspace, original, ensure })
  let known: Known | null = null
  return async work => {
    const before = known
    known = null
    let made: Known | null = null
    await aside.take()
    try {
      made = await orBroken('cannot copy the workspace', async () => {
        const ready = (before && (await update(original, copy, before))) ?? (await copyWhole(original, copy))
        await rename(copy, workspace)
        return ready
      })
      return await work()
    } finally {
      // Where no copy came to stand there is none to put away.
      await aside.restore(() => rename(workspace, copy).catch(() => undefined))
      await orBroken('cannot put the copy away', async () => {
        known = made === null ? null : await clean(copy, made)
        if (known === null) await removeTree(copy)
      })
    }
  }
}

/** Null when it cannot be kept. */
async function copyWhole(original: string, copy: string): Promise<Known | null> {
  const source = await listTree(original)
  await removeTree(copy)
  await copyTree(original, copy)
  return source === null ? null : look(copy, source).catch(() => null)
}

/** Resolves when nothing that is written from now on can look as what is seen here. Null when it is not a copy. */
async function look(copy: string, source: Tree): Promise<Known | null> {
  const found = await listTree(copy)
  if (found === null) return null
  const changed = matchDirectories(copy, source, found)
  const tree = lookAgain(copy, found, changed)
  return isCopy(source, tree) && (await waitForLaterTime([source, tree], `${copy}-clock`)) ? { source, copy: tree } : null
}

/** Null when it has to be copied whole. */
async function update(original: string, copy: string, known: Known): Promise<Known | null> {
  const source = await listTree(original)
  if (source === null) return null
  const isKept = (path: string, entry: Entry | undefined): boolean => {
    const there = known.copy.get(path)
    if (there === undefined || entry === undefined) return false
    return entry.kind === 'directory' ? there.kind === 'directory' : isSame(entry, known.source.get(path))
  }
  const gone = [...known.copy.keys()].filter(path => !isKept(path, source.get(path)))
  const come = [...source].filter(([path, entry]) => !isKept(path, entry)).map(([path]) => path)
  if (gone.length + come.length > changesMax) return null
  try {
    await removePaths(copy, gone)
    await copyPaths(original, copy, come)
    const made = await look(copy, source)
    return made !== null && isTrue(made.copy, known, source) ? made : null
  } catch {
    return null
  }

  /** What was not copied now is what was copied then. */
  function isTrue(tree: Tree, { copy: then }: Known, now: Tree): boolean {
    return [...tree].every(
      ([path, entry]) => entry.kind === 'directory' || !isKept(path, now.get(path)) || isSame(entry, then.get(path)),
    )
  }
}

/** Takes away all that is not as it was before the verifier came; null when that is not certain. */
async function clean(copy: string, { source, copy: before }: Known): Promise<Known | null> {
  const now = await listTree(copy)
  if (now === null) return null
  const isUntouched = (path: string, entry: Entry): boolean => {
    const then = before.get(path)
    return entry.kind === 'directory' ? then?.kind === 'directory' : isSame(entry, then)
  }
  const left = new Map([...now].filter(([path, entry]) => isUntouched(path, entry)))
  const touched = [...now.keys()].filter(path => !left.has(path))
  if (touched.length > changesMax) return null
  try {
    await removePaths(copy, touched)
    // What can be hung on a directory unseen goes with it.
    const written = [...left].filter(([path, entry]) => entry.kind === 'directory' && !isSame(entry, before.get(path)))
    const moved = replaceDirectories(
      copy,
      written.map(([path]) => path),
    )
    return { source, copy: lookAgain(copy, left, moved) }
  } catch {
    return null
  }
}
