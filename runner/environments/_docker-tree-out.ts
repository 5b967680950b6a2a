// Directories out of a container as tar archives. What comes out was made by an agent: sizes are bounded, links are kept as links and never followed,
// and nothing is written outside the directory it was meant for.

import { createWriteStream } from 'node:fs'
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import type { Header } from 'tar-stream'
import { TurnpikeError } from '../../core/errors.ts'
import { makeRealDirectory } from '../real-directory.ts'
import { eachEntry, getArchive } from './_docker-files.ts'

/** PATH_MAX, with its closing byte. */
const pathBytesMax = 4096

export interface TreeLimits {
  readonly bytesMax: number
  readonly exclude: readonly string[]
}

/** Copies out what stands at the path, under its own name, or with `bare` its content alone. False when there is nothing. */
export function getTree(container: Docker.Container, path: string, directory: string, limits: TreeLimits): Promise<boolean> {
  return takeTree({ container, path, directory, limits }, (header, entry, file) => writeEntry(header, entry, file))
}

export interface Taking {
  readonly container: Docker.Container
  readonly path: string
  readonly directory: string
  readonly limits: TreeLimits & { readonly bare?: boolean }
}

/** Gives each entry that may be written its place, in a real directory. */
export async function takeTree(
  { container, path, directory, limits }: Taking,
  place: (header: Header, entry: Readable, file: string, inside: string) => Promise<void>,
): Promise<boolean> {
  const stream = await getArchive(container, path)
  if (stream === null) return false
  let bytes = 0
  const made = new Set<string>()
  await mkdir(directory, { recursive: true })
  await eachEntry(stream, async (header, entry) => {
    const name = limits.bare === true ? header.name.replace(/^[^/]*\/?/, '') : header.name
    const inside = normalize(name)
    bytes += header.size ?? 0
    if (bytes > limits.bytesMax)
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${path} holds more than ${limits.bytesMax} bytes`, {
        details: { blame: 'size' },
      })
    // What was to be a directory may have become a link: to follow it here would lead to files of this machine.
    if (limits.bare === true && inside === '.' && header.type !== 'directory') return drain(entry)
    if (inside.startsWith('..') || inside.startsWith('/') || isExcluded(inside, limits.exclude)) return drain(entry)
    // What no program of this machine can name cannot be kept; whoever made it made it so.
    if (Buffer.byteLength(join(directory, inside)) >= pathBytesMax) return drain(entry)
    // What was a directory a moment ago may be a link now.
    if (header.type !== 'directory' && made.has(inside)) made.clear()
    // Directories below directories are many, and each was looked at when it was made.
    await makeRealDirectory(directory, header.type === 'directory' ? inside : dirname(inside), made)
    await place(header, entry, join(directory, inside), inside)
    return 'next'
  })
  return true
}

function isExcluded(path: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')
    return new RegExp(`(^|/)${source}(/|$)`).test(path)
  })
}

async function drain(entry: Readable): Promise<'next'> {
  entry.resume()
  return 'next'
}

/** Readable: an agent may have taken its own rights away. */
export const modeOf = (header: Header): number => (((header.mode ?? 0o644) & 0o111) === 0 ? 0o644 : 0o755)

/** Devices, pipes and sockets hold no content. Of files above `fileBytesMax` the name and the size are kept, as one hole. */
export async function writeEntry(
  header: Header,
  entry: Readable,
  file: string,
  fileBytesMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  if (header.type === 'file' && (header.size ?? 0) > fileBytesMax) {
    await rm(file, { recursive: true, force: true })
    await writeFile(file, '')
    await truncate(file, header.size ?? 0)
    entry.resume()
  } else if (header.type === 'file') {
    await rm(file, { recursive: true, force: true })
    await pipeline(entry, createWriteStream(file, { mode: modeOf(header), flags: 'wx' }))
  } else if (header.type === 'symlink' && header.linkname) {
    await rm(file, { recursive: true, force: true })
    await symlink(header.linkname, file)
    entry.resume()
  } else entry.resume()
}
