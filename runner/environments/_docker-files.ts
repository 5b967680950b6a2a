// Files into a container and texts out of it, as tar archives. What comes out was made by an agent: sizes are bounded and links are never followed.
// Beside _docker-tree-out.ts, which takes whole directories out.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { extract, type Header, type Pack, pack } from 'tar-stream'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { FileTree } from '../../core/task.ts'
import type { FileRead } from './_adapter.ts'
import { askDocker, statusOf } from './_docker-client.ts'
import { keepLink } from './_docker-podman.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface Entries {
  /** Parents first. */
  readonly directories: readonly string[]
  /** Texts by path; every directory above them is listed, or there. */
  readonly files: Readonly<Record<string, string>>
}

/** Writes below a directory that exists. Whatever stands in their way makes room; no link on the way of a listed directory is followed. */
export function putEntries(
  container: Docker.Container,
  directory: string,
  { directories, files }: Entries,
  owner: Owner,
): Promise<void> {
  const archive = pack()
  for (const name of directories) archive.entry({ name, type: 'directory', mode: 0o755, ...owner })
  for (const [name, text] of Object.entries(files))
    archive.entry({ name, mode: text.startsWith('#!') ? 0o755 : 0o644, ...owner }, text)
  archive.finalize()
  return putArchive(container, directory, archive)
}

/** Every directory above the paths, parents first. */
export function listDirectories(paths: readonly string[]): string[] {
  const found = new Set<string>()
  for (const path of paths) for (let at = dirname(path); at !== '.' && at !== '/'; at = dirname(at)) found.add(at)
  return [...found].sort()
}

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

/** What is no directory and stands where one comes is removed, links among them, and whatever stands where a file comes. */
async function putArchive(
  container: Docker.Container,
  directory: string,
  archive: Pack,
  abortSignal?: AbortSignal,
): Promise<void> {
  const how = { path: directory, ...(abortSignal === undefined ? {} : { abortSignal }) }
  await askDocker(`files cannot be written to ${directory}`, () => container.putArchive(Readable.from(archive), how))
}

export interface PathFound {
  readonly isDirectory: boolean
  readonly isFile: boolean
  /** To the nanosecond; archives tell whole seconds. */
  readonly modifiedAtMs: number
}

/** Bits of a mode as Docker writes it that say that it is no regular file, and that it is a directory. */
const irregularBits = 0x8f280000
const directoryBit = 0x80000000

/** Null when there is nothing at the path. A link is what is found, not where it leads. Costs far less than an archive. */
export async function statPath(container: Docker.Container, path: string): Promise<PathFound | null> {
  return orNothing(container, path, async () => {
    const answer = await container.infoArchive({ path })
    const head = (answer as unknown as { readonly headers: Record<string, string | undefined> }).headers
    ;(answer as Readable).resume()
    const text = Buffer.from(head['x-docker-container-path-stat'] ?? '', 'base64').toString('utf8')
    const { mode, mtime } = JSON.parse(text) as { readonly mode: number; readonly mtime: string }
    return {
      isDirectory: (mode & directoryBit) !== 0,
      isFile: (mode & irregularBits) === 0,
      modifiedAtMs: Date.parse(mtime),
    }
  })
}

/** Null when there is nothing at the path. */
export function getArchive(container: Docker.Container, path: string): Promise<NodeJS.ReadableStream | null> {
  return orNothing(container, path, async () => keepLink(await container.getArchive({ path }), path))
}

function orNothing<T>(container: Docker.Container, path: string, ask: () => Promise<T>): Promise<T | null> {
  return askDocker(`${path} cannot be read`, async () => {
    try {
      return await ask()
    } catch (error) {
      if (statusOf(error) !== 404) throw error
      // Not every answer says which of the two is missing: a container that is gone throws here.
      await container.inspect()
      return null
    }
  })
}

export async function readText(container: Docker.Container, path: string, bytesMax: number): Promise<FileRead | null> {
  const found = await statPath(container, path)
  if (!found?.isFile) return null
  const stream = await getArchive(container, path)
  if (stream === null) return null
  let read: FileRead | null = null
  await eachEntry(stream, async (header, entry) => {
    if (header.type !== 'file' || header.name.includes('/')) return 'stop'
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of entry) {
      if (bytes < bytesMax) parts.push(part as Buffer)
      bytes += (part as Buffer).length
      if (bytes >= bytesMax) break
    }
    const text = Buffer.concat(parts).subarray(0, bytesMax).toString('utf8')
    read = { text, modifiedAtMs: found.modifiedAtMs }
    return 'stop'
  })
  return read
}

export async function eachEntry(
  stream: NodeJS.ReadableStream,
  visit: (header: Header, entry: Readable) => Promise<'next' | 'stop'>,
): Promise<void> {
  const reader = extract()
  const feeding = pipeline(stream, reader).catch((error: unknown) => error)
  for await (const entry of reader) {
    if ((await visit(entry.header, entry as unknown as Readable)) === 'stop') {
      reader.destroy()
      ;(stream as Readable).destroy()
      await feeding
      return
    }
    entry.resume()
  }
  const trouble = await feeding
  if (trouble !== undefined)
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', 'an archive of the container broke off', { cause: trouble })
}
