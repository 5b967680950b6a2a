// Files into a container and texts out of it, as tar archives. What comes out was made by an agent: sizes are bounded and links are never followed.
// Beside _docker-tree-in.ts and _docker-tree-out.ts, which move whole directories.

import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { extract, type Header, type Pack, pack } from 'tar-stream'
import { TurnpikeError } from '../../core/errors.ts'
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

/** What is no directory and stands where one comes is removed, links among them, and whatever stands where a file comes. */
export async function putArchive(
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
