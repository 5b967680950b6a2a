// The container that a trial's commands and files go to at this moment, and its files. Beside docker.ts, which opens and closes it.

import { randomBytes } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { askDocker, isOutageWord } from './_docker-client.ts'
import { emptyScript, findOwner, makeScript, runScript, scratchPath } from './_docker-container.ts'
import type { Copies } from './_docker-copies.ts'
import { listDirectories, type Owner, putEntries, readText, statPath } from './_docker-files.ts'
import { putTree } from './_docker-tree-in.ts'
import { getTree } from './_docker-tree-out.ts'
import { clearWay, listComing } from './_docker-way.ts'

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
  /** Name of a scratch directory that comes with the next files, or before the next command. */
  unmade: string | null
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
  const said = stderr.trim() || stdout.trim().slice(0, 300)
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${what}: ${said || `exit status ${exit}`}`, {
    details: isOutageWord(said) ? { outage: true } : {},
  })
}

export function createFiles(live: Live, owner: Owner, workspace: string) {
  const ownerOf = (name: string | undefined): Promise<Owner> | Owner =>
    name === undefined ? owner : findOwner(live.container, name)
  return {
    writeFiles: async (directory, files) => {
      if (Object.keys(files).length === 0) return
      touch(live)
      const found = await statPath(live.container, directory)
      if (!found?.isDirectory) await makeDirectory(live, owner, directory)
      const paths = Object.keys(files)
      await clearWay(live.container, directory, { directories: listDirectories(paths), files: paths })
      if (found?.isDirectory && live.unmade !== null) return putWithScratch(live, owner, directory, files)
      await putEntries(live.container, directory, { directories: listDirectories(paths), files }, owner)
    },
    readFile: (path, bytesMax) => readText(live.container, path, bytesMax),
    copyIn: async (trees, name) => {
      if (trees.length === 0) return
      touch(live)
      const to = await ownerOf(name)
      for (const tree of trees) {
        const target = isAbsolute(tree.to) ? tree.to : join(workspace, tree.to)
        // Whoever is named is to own the directory as well, also one that is there.
        if (name !== undefined || !(await statPath(live.container, target))?.isDirectory) await makeDirectory(live, to, target)
        await clearWay(live.container, target, () => listComing(tree.directory))
        await putTree(live.container, tree, target, to)
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
      await makeScratches(live, owner)
      const name = randomBytes(16).toString('hex')
      live.unmade = name
      const path = `${scratchPath}/${name}`
      return { path, home: `${path}/home`, temporary: `${path}/tmp` }
    },
    tellTime: async () => {
      await makeScratches(live, owner)
      return tellTime(live)
    },
    removeScratch: async ({ path }) => {
      if (live.isCopy) return
      await runRoot(live, `${path} cannot be removed`, 'rm -rf -- "$1"', [path])
    },
  } satisfies Partial<Environment>
}

export const nameOwner = ({ uid, gid }: Owner): string => `${uid}:${gid}`

/** Docker makes room for everything that comes in, but not for the directory it comes to. */
async function makeDirectory(live: Live, owner: Owner, directory: string): Promise<void> {
  await runRoot(live, `${directory} cannot be made`, makeScript, [nameOwner(owner), directory])
}

const listScratch = (name: string): string[] => [name, `${name}/home`, `${name}/tmp`]

export async function makeScratches(live: Live, owner: Owner): Promise<void> {
  const { container, unmade } = live
  if (unmade === null) return
  live.unmade = null
  await putEntries(container, scratchPath, { directories: listScratch(unmade), files: {} }, owner)
}

type Texts = Readonly<Record<string, string>>

/** Every archive that goes in costs the daemon a process: one for both. */
async function putWithScratch(live: Live, owner: Owner, directory: string, files: Texts): Promise<void> {
  const scratches = live.unmade === null ? [] : listScratch(live.unmade).map(path => `${scratchPath}/${path}`)
  live.unmade = null
  const paths = Object.keys(files)
  const made = [...scratches, ...listDirectories(paths).map(path => `${directory}/${path}`)]
  const entries = {
    directories: made.map(path => path.slice(1)),
    files: Object.fromEntries(paths.map(path => [`${directory}/${path}`.slice(1), files[path] ?? ''])),
  }
  await putEntries(live.container, '/', entries, owner)
}

/** A copy began after everything that came with it was written. Elsewhere a directory is dated by what comes into it. */
async function tellTime(live: Live): Promise<number> {
  if (live.isCopy) {
    const { State } = await askDocker('the container cannot be read', () => live.container.inspect())
    return Date.parse(State.StartedAt)
  }
  await putEntries(live.container, scratchPath, { directories: [], files: { now: '' } }, { uid: 0, gid: 0 })
  const found = await statPath(live.container, scratchPath)
  if (found === null) throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${scratchPath} is gone from the container`)
  return found.modifiedAtMs
}
