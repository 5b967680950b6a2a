// The container that a trial's commands and files go to at this moment, and its files. Beside docker.ts, which opens and closes it.

import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { clearScript, emptyScript, findOwner, makeScript, runScript, scratchPath, wayScript } from './_docker-container.ts'
import { listDirectories, type Owner, putDirectory, putTexts, putTree, readText } from './_docker-files.ts'
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
        const said = await runRoot(live, `${target} cannot be made`, makeScript, [nameOwner(to), target])
        if (said.startsWith('full')) await clearWay(live, target, await listEntries(tree.directory))
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
const roomScript = `${wayScript}owner=$1; top=$2; shift 2
[ -d "$top" ] || { way "$top"; mkdir -p -- "$top" && chown "$owner" "$top"; } || exit 1
${clearScript}`

async function makeRoom(live: Live, owner: string, directory: string, paths: readonly string[]): Promise<void> {
  const inWay: Entry[] = [...listDirectories(paths).map(path => ['d', path] as const), ...paths.map(path => ['f', path] as const)]
  await clearWay(live, directory, inWay, { script: roomScript, before: [owner, directory] })
}

/** Arguments of one command; kernels take two megabytes. */
const pathsPerScript = 1000

async function writeTexts(live: Live, owner: Owner, directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  const paths = Object.keys(files)
  if (paths.length === 0) return
  if (!live.scratches.delete(directory)) await makeRoom(live, nameOwner(owner), directory, paths)
  await putTexts(live.container, directory, files, owner)
}

type Entry = readonly [kind: 'd' | 'f', path: string]

/** Parents first. */
async function listEntries(directory: string, below = ''): Promise<Entry[]> {
  const found: Entry[] = []
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    found.push([entry.isDirectory() ? 'd' : 'f', path])
    if (entry.isDirectory()) found.push(...(await listEntries(directory, path)))
  }
  return found
}

/** `script` gets `before` and then kind and path of each. */
async function clearWay(
  live: Live,
  directory: string,
  inWay: readonly Entry[],
  { script, before } = { script: clearScript, before: [] as readonly string[] },
): Promise<void> {
  for (let at = 0; at < inWay.length; at += pathsPerScript) {
    const part = inWay.slice(at, at + pathsPerScript).flatMap(([kind, path]) => [kind, `${directory}/${path}`])
    await runRoot(live, `files cannot be written to ${directory}`, script, [...before, ...part])
  }
}
