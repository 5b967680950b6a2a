// The workspace of a container as a directory of this machine, for snapshots: kept from turn to turn and made what the container holds, so that a file
// that has not changed is not written, and not recorded, again. What comes out was made by an agent: see _docker-tree-out.ts for how it is taken.

import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
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

export async function mirrorTree(
  container: Docker.Container,
  path: string,
  directory: string,
  { bytesMax, fileBytesMax }: MirrorLimits,
): Promise<void> {
  const present = new Set<string>()
  await mkdir(directory, { recursive: true })
  await takeTree(
    { container, path, directory, limits: { bytesMax, exclude: [], bare: true } },
    async (header, entry, file, inside) => {
      present.add(inside.replace(/\/$/, ''))
      const isCompared = header.type === 'file' && (header.size ?? 0) <= Math.min(comparedBytesMax, fileBytesMax)
      if (isCompared) await updateFile(header, entry, file)
      else await writeEntry(header, entry, file, fileBytesMax)
    },
  )
  await removeOthers(directory, '', present)
}

async function updateFile(header: Header, entry: Readable, file: string): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of entry) parts.push(part as Buffer)
  const content = Buffer.concat(parts)
  if (await holds(file, content, modeOf(header))) return
  await rm(file, { recursive: true, force: true })
  const made = await open(file, 'wx', modeOf(header))
  try {
    await made.writeFile(content)
  } finally {
    await made.close()
  }
}

async function holds(file: string, content: Buffer, mode: number): Promise<boolean> {
  const found = await lstat(file).catch(() => null)
  if (!found?.isFile() || found.size !== content.length) return false
  const known = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if (!(await known.readFile()).equals(content)) return false
  } finally {
    await known.close()
  }
  if ((found.mode & 0o111) !== (mode & 0o111)) await chmod(file, mode)
  return true
}

/** What the container has no more. */
async function removeOthers(root: string, path: string, present: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    const inside = path === '' ? entry.name : `${path}/${entry.name}`
    if (!present.has(inside)) await rm(join(root, inside), { recursive: true, force: true })
    else if (entry.isDirectory()) await removeOthers(root, inside, present)
  }
}
