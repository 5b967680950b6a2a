// Directories of this machine into containers and builds, as tar archives: a task's files, and what an agent has left for another container. Links are
// sent as links and never followed; what cannot be read is a mistake of the task, and an archive that cannot be finished is broken off.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { type Pack, pack } from 'tar-stream'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { FileTree } from '../../core/task.ts'
import { type Owner, putArchive } from './_docker-files.ts'

export async function putTree(
  container: Docker.Container,
  { directory, keepsLinks = false }: FileTree,
  target: string,
  owner: Owner,
): Promise<void> {
  const archive = pack()
  const source = { directory, owner, prefix: '', ignored: () => false, keepsLinks }
  await sendTree(archive, source, signal => putArchive(container, target, archive, signal))
}

/** An archive that cannot be finished is broken off: the daemon would wait for the rest of it, and keep its container from being removed. */
export async function sendTree(
  archive: Pack,
  source: TreeSource,
  send: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const broken = new AbortController()
  let cause: unknown = null
  const writing = packTree(archive, source)
    .then(() => archive.finalize())
    .catch((error: unknown) => {
      cause = error
      broken.abort()
      throw error
    })
  await Promise.all([send(broken.signal), writing]).catch((error: unknown) => {
    throw cause ?? error
  })
}

/** A content hash of a tree: names, modes, link targets and bytes, in one order. */
export async function hashTree(directory: string, ignored: (path: string) => boolean = () => false): Promise<string> {
  const hash = createHash('sha256')
  const addFile = async (file: string): Promise<void> => {
    for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer)
  }
  const add = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(directory, path))).sort()) {
      const inside = path === '' ? name : `${path}/${name}`
      if (ignored(inside)) continue
      const found = await lstat(join(directory, inside))
      hash.update(`${inside}\0${found.mode}\0`)
      if (found.isDirectory()) await add(inside)
      else if (found.isSymbolicLink()) hash.update(await readlink(join(directory, inside)))
      else if (found.isFile()) await addFile(join(directory, inside))
      hash.update('\0')
    }
  }
  await add('')
  return hash.digest('hex')
}

export interface TreeSource {
  readonly directory: string
  readonly owner: Owner
  /** Put before every name; with its slash. */
  readonly prefix: string
  readonly ignored: (path: string) => boolean
  readonly keepsLinks?: boolean
}

/** Throws E_TASK_INVALID where files cannot be read: one task whose files are wrong ends its own trial, not the run. */
export async function packTree(archive: Pack, source: TreeSource): Promise<void> {
  await readingTask(source.directory, () => packEntries(archive, source))
}

/** What goes wrong with files of this machine while `work` reads them is told as a mistake of the task. */
export async function readingTask<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error) || isTurnpikeError(error) || !('syscall' in error)) throw error
    throw new TurnpikeError('E_TASK_INVALID', `the files of ${directory} cannot be read: ${error.message}`)
  }
}

async function packEntries(archive: Pack, source: TreeSource): Promise<void> {
  const root = source.keepsLinks === true ? null : await realpath(source.directory)
  const add = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(source.directory, path))).sort()) {
      const inside = path === '' ? name : `${path}/${name}`
      if (source.ignored(inside)) continue
      await packEntry(archive, join(source.directory, inside), source.prefix + inside, { root, owner: source.owner })
      if ((await lstat(join(source.directory, inside))).isDirectory()) await add(inside)
    }
  }
  await add('')
}

const wholeBytesMax = 1_048_576

async function packEntry(
  archive: Pack,
  file: string,
  name: string,
  { root, owner }: { readonly root: string | null; readonly owner: Owner },
): Promise<void> {
  const found = await lstat(file)
  const head = { name, mode: found.mode & 0o7777, mtime: found.mtime, ...owner }
  if (found.isDirectory()) archive.entry({ ...head, type: 'directory' })
  else if (found.isSymbolicLink()) {
    if (root !== null) await refuseLinkOut(file, root)
    archive.entry({ ...head, type: 'symlink', linkname: await readlink(file) })
  } else if (found.isFile()) {
    // In one piece: most files are small, and a stream for each took twice as long.
    if (found.size <= wholeBytesMax) return packWhole(archive, head, await readFile(file))
    const entry = archive.entry({ ...head, size: found.size })
    await pipeline(createReadStream(file, { highWaterMark: wholeBytesMax }), entry)
  }
}

/** Resolves when there is room for the next. */
function packWhole(archive: Pack, head: Parameters<Pack['entry']>[0], bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ ...head, size: bytes.length }, error => (error == null ? resolve() : reject(error))).end(bytes)
  })
}

async function refuseLinkOut(file: string, root: string): Promise<void> {
  // One that leads nowhere is judged by where it points.
  const target = await realpath(file).catch(async () => resolve(await realpath(dirname(file)), await readlink(file)))
  if (target === root || target.startsWith(root + sep)) return
  throw new TurnpikeError('E_TASK_INVALID', `${file} is a link that leads out of ${root}`, { hint: 'copy the file instead' })
}
