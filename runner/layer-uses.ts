// Which living processes work with which layer of the cache: a mark per process and layer, written before the layer is looked at. For those who
// want to remove one. A cache that cannot be written is used without marks.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDead, ownerName } from './environments/_docker-reaper.ts'

const marksDirectory = '.in-use'

const nameMark = (layerName: string): string => `${layerName}@${encodeURIComponent(ownerName())}`

/** Before the layer is looked for: whoever removes layers looks for marks first. */
export async function markUse(directory: string, layerName: string): Promise<void> {
  try {
    await mkdir(join(directory, marksDirectory), { recursive: true })
    await writeFile(join(directory, marksDirectory, nameMark(layerName)), '')
  } catch {
    // A cache that an administrator has filled: this process could not remove anything there either.
  }
}

/** Names of layers and who uses them (`host/pid/start`). Takes away the marks of processes that are gone. */
export async function listUses(directory: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const uses = new Map<string, string[]>()
  const place = join(directory, marksDirectory)
  for (const mark of await readdir(place).catch((): string[] => [])) {
    const at = mark.lastIndexOf('@')
    const [layerName, owner] = [mark.slice(0, at), decodeURIComponent(mark.slice(at + 1))]
    if (isDead(owner)) await rm(join(place, mark), { force: true })
    else uses.set(layerName, [...(uses.get(layerName) ?? []), owner])
  }
  return uses
}
