// The container that a trial's commands and files go to at this moment, and its files. Beside docker.ts, which opens and closes it.

import { randomBytes } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import type { Environment, Scratch } from './_adapter.ts'
import { emptyScript, findOwner, makeScript, runScript, scratchPath } from './_docker-container.ts'
import type { Copies } from './_docker-copies.ts'
import { type Owner, putDirectories, putTexts, putTree, readText, statPath } from './_docker-files.ts'
import { getTree } from './_docker-tree-out.ts'

export interface Live {
  /** The trial's own container, or while a verifier works, the copy. */
  container: Docker.Container
  /** True while a verifier works in the copy: no conversation is in there. */
  isCopy: boolean
  /** Conversations that are open: killing everything would end them as well. */
  talks: number
  isFrozen: boolean
  /** Ids of processes of the trial's own container that stand still. */
  frozen: readonly string[]
  /** How often something was started or changed, and how often it had been when everything was ended: when equal, nothing runs. */
  touches: number
  stillAt: number | null
  readonly copies: Copies
  /** Of the copy, as long as nobody has asked for one. */
  scratch: Scratch | null
}

/** To be said before anything is done to the trial's own container that a copy of it would have to show. */
export function touch(live: Live): void {
  if (live.isCopy) return
  live.touches++
  live.copies.forget()
}

/** Runs a script as root and gives back what it printed. */
export async function runRoot(
  live: Pick<Live, 'container'>,
  what: string,
  script: string,
  paths: readonly string[],
): Promise<string> {
  const { exit, stdout, stderr } = await runScript(live.container, script, paths)
  if (exit === 0) return stdout
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${what}: ${stderr.trim() || `exit status ${exit}`}`)
}

export function createFiles(live: Live, owner: Owner, workspace: string) {
  const ownerOf = (name: string | undefined): Promise<Owner> | Owner =>
    name === undefined ? owner : findOwner(live.container, name)
  return {
    writeFiles: async (directory, files) => {
      if (Object.keys(files).length === 0) return
      touch(live)
      await ensureDirectory(live, owner, directory)
      await putTexts(live.container, directory, files, owner)
    },
    readFile: (path, bytesMax) => readText(live.container, path, bytesMax),
    copyIn: async (trees, name) => {
      if (trees.length === 0) return
      touch(live)
      const to = await ownerOf(name)
      for (const tree of trees) {
        const target = isAbsolute(tree.to) ? tree.to : join(workspace, tree.to)
        await ensureDirectory(live, to, target)
        await putTree(live.container, tree.directory, target, to)
      }
    },
    copyOut: (path, directory, limits) => getTree(live.container, path, directory, limits),
    empty: async (paths, name) => {
      if (paths.length === 0) return
      touch(live)
      const to = nameOwner(await ownerOf(name))
      await runRoot(live, `${paths.join(', ')} cannot be emptied`, emptyScript, [to, ...paths])
    },
    makeScratch: async () => {
      const ready = live.scratch
      live.scratch = null
      return ready ?? makeScratch(live.container, owner)
    },
    removeScratch: async ({ path }) => {
      if (live.isCopy) return
      await runRoot(live, `${path} cannot be removed`, 'rm -rf -- "$1"', [path])
    },
  } satisfies Partial<Environment>
}

export const nameOwner = ({ uid, gid }: Owner): string => `${uid}:${gid}`

/** Docker makes room for everything that comes in, but not for the directory it comes to. */
async function ensureDirectory(live: Live, owner: Owner, directory: string): Promise<void> {
  const found = await statPath(live.container, directory)
  if (found?.isDirectory) return
  await runRoot(live, `${directory} cannot be made`, makeScript, [nameOwner(owner), directory])
}

export async function makeScratch(container: Docker.Container, owner: Owner): Promise<Scratch> {
  const name = randomBytes(16).toString('hex')
  await putDirectories(container, scratchPath, [name, `${name}/home`, `${name}/tmp`], owner)
  // A directory that came in has the time it was sent with; the one that took it in has the time of its disk.
  const parent = await statPath(container, scratchPath)
  const path = `${scratchPath}/${name}`
  return { path, home: `${path}/home`, temporary: `${path}/tmp`, madeAtMs: parent?.modifiedAtMs ?? Date.now() }
}
