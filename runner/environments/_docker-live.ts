// The container that a trial's commands and files go to at this moment, and its files. Beside docker.ts, which opens and closes it.

import { randomBytes } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { clearScript, emptyScript, findOwner, makeScript, runScript, scratchPath } from './_docker-container.ts'
import { getTree, listDirectories, type Owner, putDirectory, putTexts, putTree, readText } from './_docker-files.ts'

export interface Live {
  /** The trial's own container, or while a verifier works, the copy. */
  container: Docker.Container
  /** Conversations that are open: killing everything would end them as well. */
  talks: number
  isFrozen: boolean
  /** Whether it is the copy, which is thrown away with all that is in it. */
  isCopy: boolean
  /** Scratch directories that hold nothing yet: nothing has to make room there. */
  readonly scratches: Set<string>
}

/** Runs a script as root and gives back what it printed. */
export async function runRoot(live: Live, what: string, script: string, paths: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await runScript(live.container, script, paths)
  if (exit === 0) return stdout
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${what}: ${stderr.trim() || `exit status ${exit}`}`)
}

export function createFiles(live: Live, owner: Owner, workspace: string) {
  const ownerOf = (name: string | undefined): Promise<Owner> | Owner =>
    name === undefined ? owner : findOwner(live.container, name)
  return {
    writeFiles: (directory, files) => writeTexts(live, owner, directory, files),
    readFile: (path, bytesMax) => readText(live.container, path, bytesMax),
    copyIn: async (trees, name) => {
      const to = await ownerOf(name)
      for (const tree of trees) {
        const target = isAbsolute(tree.to) ? tree.to : join(workspace, tree.to)
        await runRoot(live, `${target} cannot be made`, makeScript, [nameOwner(to), target])
        await putTree(live.container, tree.directory, target, to)
      }
    },
    copyOut: (path, directory, limits) => getTree(live.container, path, directory, limits),
    empty: async (path, name) => {
      await runRoot(live, `${path} cannot be emptied`, emptyScript, [nameOwner(await ownerOf(name)), path])
    },
    makeScratch: async () => {
      const name = randomBytes(16).toString('hex')
      await putDirectory(live.container, scratchPath, name, owner)
      live.scratches.add(`${scratchPath}/${name}`)
      return `${scratchPath}/${name}`
    },
    removeScratch: async path => {
      live.scratches.delete(path)
      if (live.isCopy) return
      await runRoot(live, `${path} cannot be removed`, 'rm -rf -- "$1"', [path])
    },
  } satisfies Partial<Environment>
}

export const nameOwner = ({ uid, gid }: Owner): string => `${uid}:${gid}`

/** A command in a container costs more than what it does here: one for both. */
const roomScript = `owner=$1; top=$2; shift 2
[ -d "$top" ] || { mkdir -p -- "$top" && chown "$owner" "$top"; } || exit 1
${clearScript}`

async function makeRoom(live: Live, owner: string, directory: string, paths: readonly string[]): Promise<void> {
  const inWay = [...listDirectories(paths).map(path => ['d', path]), ...paths.map(path => ['f', path])]
  for (let at = 0; at < inWay.length; at += pathsPerScript) {
    const part = inWay.slice(at, at + pathsPerScript).flatMap(([kind = 'f', path = '']) => [kind, `${directory}/${path}`])
    await runRoot(live, `files cannot be written to ${directory}`, roomScript, [owner, directory, ...part])
  }
}

/** Arguments of one command; kernels take two megabytes. */
const pathsPerScript = 1000

async function writeTexts(live: Live, owner: Owner, directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  const paths = Object.keys(files)
  if (paths.length === 0) return
  if (!live.scratches.delete(directory)) await makeRoom(live, nameOwner(owner), directory, paths)
  await putTexts(live.container, directory, files, owner)
}
