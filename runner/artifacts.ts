// What is kept of a turn besides its tests: files that the task names, taken out of the environment after the agent's processes are dead,
// with a list of what was there and what was not. What is missing is told, never an error.

import { cp, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'
import { isTurnpikeError } from '../core/errors.ts'
import type { Artifact, TaskTurn } from '../core/task.ts'
import type { Environment } from './environments/_adapter.ts'
import { makeRealDirectory } from './real-directory.ts'

const artifactBytesMax = 1024 ** 3

/** Everything a program leaves here is kept without being named. */
const conventional: Artifact = { source: '/logs/artifacts', destination: 'logs/artifacts', exclude: [] }

export interface ArtifactEntry {
  readonly source: string
  readonly destination: string
  readonly type: 'file' | 'directory'
  readonly status: 'ok' | 'failed' | 'empty' | 'skipped'
  readonly service: string
}

export interface ArtifactPlace {
  readonly environment: Environment
  /** Receives `artifacts/` with a manifest and `staging/` with the same files by their paths in the environment. */
  readonly directory: string
  readonly signal: AbortSignal
}

export const stagingOf = (directory: string): string => join(directory, 'staging')

export async function collectArtifacts(place: ArtifactPlace, turn: TaskTurn): Promise<readonly ArtifactEntry[]> {
  const { environment, signal } = place
  const places = {
    kept: join(place.directory, 'artifacts'),
    staging: stagingOf(place.directory),
    taking: join(place.directory, 'taking'),
  }
  for (const directory of [places.kept, places.staging]) await makeEmpty(directory)
  for (const { command, timeoutMs, user } of turn.verifier.collect ?? [])
    await environment.exec(command, { timeoutMs, signal, ...(user === undefined ? {} : { user }) })
  const entries: ArtifactEntry[] = []
  for (const artifact of [conventional, ...(turn.artifacts ?? [])]) entries.push(await collect(environment, artifact, places))
  await rm(places.taking, { recursive: true, force: true })
  await rm(join(places.kept, 'manifest.json'), { recursive: true, force: true })
  await writeFile(join(places.kept, 'manifest.json'), `${JSON.stringify(entries, null, 2)}\n`)
  return entries
}

async function makeEmpty(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  return directory
}

/** Directories of this machine: for people, for a separate verifier, and on the way to one of both. */
type Places = Readonly<Record<'kept' | 'staging' | 'taking', string>>

async function collect(environment: Environment, artifact: Artifact, place: Places): Promise<ArtifactEntry> {
  const { exclude } = artifact
  const source = normalize(artifact.source).replace(/(?<=.)\/$/, '')
  const destination = artifact.destination ?? source.replace(/^\//, '')
  const entry = { source: artifact.source, destination: `artifacts/${destination}`, service: 'main' }
  try {
    const limits = { bytesMax: artifactBytesMax, exclude }
    const staging = await makeRealDirectory(place.staging, dirname(source))
    // What another artifact has left there is none of this one's, which may leave it out.
    const overlaps = (await lstat(join(staging, basename(source))).catch(() => null)) !== null
    const from = overlaps ? await makeEmpty(place.taking) : staging
    const found = await environment.copyOut(source, from, limits)
    if (!found) return { ...entry, type: 'file', status: artifact === conventional ? 'empty' : 'failed' }
    if (overlaps) await environment.copyOut(source, staging, limits)
    const staged = join(from, basename(source))
    const isDirectory = (await lstat(staged)).isDirectory()
    const type = isDirectory ? 'directory' : 'file'
    if (isDirectory && (await readdir(staged)).length === 0) return { ...entry, type, status: 'empty' }
    const target = join(await makeRealDirectory(place.kept, dirname(destination)), basename(destination))
    // Links stay links: what they lead to is no artifact of the agent.
    await cp(staged, target, { recursive: true, verbatimSymlinks: true })
    return { ...entry, type, status: 'ok' }
  } catch (error) {
    if (!isTurnpikeError(error) && !(error instanceof Error && 'code' in error)) throw error
    return { ...entry, type: 'file', status: 'failed' }
  }
}
