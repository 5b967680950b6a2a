// The workspace of a container as a directory of this machine, for snapshots: kept from turn to turn and made what the container holds, so that a file
// that has not changed is not written, and not recorded, again. What comes out was made by an agent: see _docker-files.ts for how it is taken.

import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Header } from 'tar-stream'
import { TurnpikeError } from '../../core/errors.ts'
import { eachEntry, getArchive, makeRealDirectory, modeOf, writeEntry } from './_docker-files.ts'

/** Larger files are written again each time: to compare they would have to be held. */
const comparedBytesMax = 4 * 1024 * 1024

export async function mirrorTree(container: Docker.Container, path: string, directory: string, bytesMax: number): Promise<void> {
  const stream = await getArchive(container, path)
  await mkdir(directory, { recursive: true })
  const present = new Set<string>()
  let bytes = 0
  if (stream !== null)
    await eachEntry(stream, async (header, entry) => {
      // The first name is the directory's own.
      const inside = normalize(header.name.replace(/^[^/]*\/?/, '')).replace(/\/$/, '')
      bytes += header.size ?? 0
      if (bytes > bytesMax) throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${path} holds more than ${bytesMax} bytes`)
      if (inside.startsWith('..') || inside.startsWith('/')) {
        entry.resume()
        return 'next'
      }
      present.add(inside)
      await makeRealDirectory(directory, header.type === 'directory' ? inside : dirname(inside))
      if (header.type === 'file' && (header.size ?? 0) <= comparedBytesMax)
        await updateFile(header, entry, join(directory, inside))
      else await writeEntry(header, entry, join(directory, inside))
      return 'next'
    })
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
