// Takes layers out of the cache that nobody needs: programs of Turnpike's own in the form of another version, and others by name. Never one that
// a living process works with, and never half of one.

import { existsSync } from 'node:fs'
import { lstat, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import { agents } from './agents/_all.ts'
import { listUses } from './layer-uses.ts'
import { listPlaces } from './layers.ts'

export interface StoredLayer {
  readonly id: string
  /** `own`: a program of Turnpike's. */
  readonly version: string
  readonly directory: string
  readonly bytes: number
}

export interface PrunedLayer extends StoredLayer {
  /** Null: it was removed, or would be. */
  readonly kept: string | null
}

export interface PruneOptions {
  readonly directory: string
  /** `id` or `id@version`; none: programs of Turnpike's own alone. */
  readonly names: readonly string[]
  readonly dryRun: boolean
}

/** What was looked at, and what became of it. Throws E_USAGE for a name that is no agent's. */
export async function pruneLayers({ directory, names, dryRun }: PruneOptions): Promise<PrunedLayer[]> {
  const wanted = names.map(readName)
  const current = listCurrent(directory)
  const found = (await listStored(directory)).filter(layer => isWanted(layer, wanted))
  const pruned: PrunedLayer[] = []
  for (const layer of found) {
    const named = wanted.some(({ id, version }) => id === layer.id && version === layer.version)
    const kept =
      !named && current.has(layer.directory) ? 'this Turnpike uses it' : await removeLayer(directory, layer.directory, dryRun)
    pruned.push({ ...layer, kept })
  }
  return pruned
}

interface Wanted {
  readonly id: string
  readonly version: string | null
}

function readName(name: string): Wanted {
  const [id = '', version] = name.split('@', 2)
  const known = agents.flatMap(agent => (agent.layer === null ? [] : [agent.id]))
  if (known.includes(id)) return { id, version: version ?? null }
  throw new TurnpikeError('E_USAGE', `no programs are kept of an agent "${id}"`, {
    hint: `agents with programs: ${known.join(', ')}`,
  })
}

function isWanted(layer: StoredLayer, wanted: readonly Wanted[]): boolean {
  if (wanted.length === 0) return layer.version === 'own'
  return wanted.some(({ id, version }) => id === layer.id && (version === null || version === layer.version))
}

function listCurrent(directory: string): Set<string> {
  return new Set(agents.flatMap(({ layer }) => (layer === null ? [] : listPlaces(layer, directory))))
}

/** Only what says of itself that it is a layer: the directory may be anybody's. */
async function listStored(directory: string): Promise<StoredLayer[]> {
  const stored: StoredLayer[] = []
  for (const name of (await readdir(directory).catch((): string[] => [])).sort()) {
    const place = join(directory, name)
    const told = await readTold(place)
    if (name.startsWith('.') || told === null || !name.startsWith(`${told.id}-${told.version}-`)) continue
    stored.push({ ...told, directory: place, bytes: await measure(place) })
  }
  return stored
}

async function readTold(place: string): Promise<{ readonly id: string; readonly version: string } | null> {
  try {
    const { id, version } = JSON.parse(await readFile(join(place, 'layer.json'), 'utf8')) as Readonly<Record<string, unknown>>
    return typeof id === 'string' && typeof version === 'string' ? { id, version } : null
  } catch {
    return null
  }
}

async function measure(path: string): Promise<number> {
  const entry = await lstat(path)
  if (!entry.isDirectory()) return entry.size
  let bytes = 0
  for (const name of await readdir(path)) bytes += await measure(join(path, name))
  return bytes
}

/** Null when it is gone, or would be; otherwise who needs it. */
async function removeLayer(directory: string, place: string, dryRun: boolean): Promise<string | null> {
  const name = basename(place)
  const users = async (): Promise<string | null> => {
    const [owner] = (await listUses(directory)).get(name) ?? []
    return owner === undefined ? null : `in use by process ${owner.split('/')[1]} of ${owner.split('/')[0]}`
  }
  const before = await users()
  if (before !== null || dryRun) return before
  // Out of sight at once: nobody finds half of it. The name is one of those that are swept away when this process dies here.
  const doomed = join(directory, `.making-${process.pid}-gone-${name}`)
  await rename(place, doomed)
  const after = await users()
  // Somebody has come in between, and has not made another yet.
  if (after !== null && !existsSync(place)) {
    await rename(doomed, place)
    return after
  }
  await rm(doomed, { recursive: true, force: true })
  return null
}
