// The workspace of a container as a directory of this machine, for snapshots: kept from turn to turn and made what the container holds, so that a file
// that has not changed is not written, and not recorded, again. What comes out was made by an agent: see _docker-tree-out.ts for how it is taken.

import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Header } from 'tar-stream'
import { modeOf, takeTree, writeEntry } from './_docker-tree-out.ts'

/** Larger files are written again each time: to compare they would have to be held. */
const comparedBytesMax = 4 * 1024 * 1024

export interface MirrorLimits {
  readonly bytesMax: number
  /** Of larger files the name and the size are kept, as one hole. */
  readonly fileBytesMax: number
}

/** Nobody but `mirrorTree` writes to the directory, so that what was put there once need not be read again. */
export interface Mirror {
  readonly directory: string
  /** By path: all that can be told of what stands there; it is the same when this is the same. */
  readonly known: Map<string, string>
}

const directoryKey = 'directory'

export async function mirrorTree(
  container: Docker.Container,
  path: string,
  mirror: Mirror,
  { bytesMax, fileBytesMax }: MirrorLimits,
): Promise<void> {
  const { directory, known } = mirror
  const before = new Map(known)
  known.clear()
  try {
    await takeTree(
      { container, path, directory, limits: { bytesMax, exclude: [], bare: true } },
      async (header, entry, file, inside) => {
        const name = inside.replace(/\/$/, '')
        const key = await update({ header, entry, file, before: before.get(name), fileBytesMax })
        known.set(name, key)
      },
    )
    await removeGone(directory, before, known)
  } catch (error) {
    // What came out half is not known.
    known.clear()
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

interface Arrival {
  readonly header: Header
  readonly entry: Readable
  readonly file: string
  readonly before: string | undefined
  readonly fileBytesMax: number
}

async function update({ header, entry, file, before, fileBytesMax }: Arrival): Promise<string> {
  const size = header.size ?? 0
  if (header.type === 'file' && size <= Math.min(comparedBytesMax, fileBytesMax)) return updateFile(header, entry, file, before)
  await writeEntry(header, entry, file, fileBytesMax)
  return header.type === 'directory' ? directoryKey : `${header.type}`
}

async function updateFile(header: Header, entry: Readable, file: string, before: string | undefined): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of entry) parts.push(part as Buffer)
  const content = Buffer.concat(parts)
  const key = `${modeOf(header)} ${createHash('sha256').update(content).digest('base64')}`
  if (key === before) return key
  await rm(file, { recursive: true, force: true })
  const made = await open(file, 'wx', modeOf(header))
  try {
    await made.writeFile(content)
  } finally {
    await made.close()
  }
  return key
}

/** What the container has no more. Where a directory has become a link, what was below is gone already, and must not be looked for behind the link. */
async function removeGone(root: string, before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Promise<void> {
  for (const name of before.keys()) {
    if (now.has(name)) continue
    const parent = dirname(name)
    if (parent === '.' || now.get(parent) === directoryKey) await rm(join(root, name), { recursive: true, force: true })
  }
}
