// Lists what a snapshot of a directory holds: every regular file and symbolic link, git's own folders and giants left out.
// Reads only names and what the system notes about files; never follows a link.

import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { canBeRead } from './file-access.ts'

export interface WorkspaceFile {
  /** As git writes it. */
  readonly mode: '100644' | '100755' | '120000'
  readonly bytes: number
  /** The same means: not written to since, unless that was within a tick of `changedAtMs`. */
  readonly mark: string
  /** When the system last noted a change of content, name or rights; no program can set it. */
  readonly changedAtMs: number
}

export interface WorkspaceFiles {
  /** By relative paths with forward slashes. */
  readonly files: ReadonlyMap<string, WorkspaceFile>
  /** What was passed over, each with the reason. */
  readonly leftOut: readonly string[]
  /** Directories without an entry, which no tree of git can hold. */
  readonly emptyDirectories: readonly string[]
}

/** How long a walk may hold up everything else this process does. Looked at one by one, waiting for files costs more than they do. */
const sliceMs = 4

export async function listFiles(
  directory: string,
  fileBytesMax: number,
  passedOver: ReadonlySet<string> = new Set(),
): Promise<WorkspaceFiles> {
  const found = { files: new Map<string, WorkspaceFile>(), leftOut: [] as string[], emptyDirectories: [] as string[] }
  await walk({ directory, fileBytesMax, passedOver, breathe: createBreather(), found }, '')
  return found
}

interface Walk {
  readonly directory: string
  readonly fileBytesMax: number
  readonly passedOver: ReadonlySet<string>
  readonly breathe: () => Promise<void> | null
  readonly found: { files: Map<string, WorkspaceFile>; leftOut: string[]; emptyDirectories: string[] }
}

async function walk(state: Walk, relative: string): Promise<void> {
  const { files, leftOut, emptyDirectories } = state.found
  const names = readNames(join(state.directory, relative))
  if (names === null) leftOut.push(`${relative}/ (cannot be read)`)
  if (names?.length === 0 && relative !== '') emptyDirectories.push(relative)
  for (const name of names?.sort() ?? []) {
    const path = relative === '' ? name : `${relative}/${name}`
    if (state.passedOver.has(path)) continue
    const breath = state.breathe()
    if (breath !== null) await breath
    const found = judgeEntry(join(state.directory, path), name, state.fileBytesMax)
    if (found === 'directory') await walk(state, path)
    else if (typeof found === 'string') leftOut.push(`${path} (${found})`)
    else files.set(path, found)
  }
}

/** Null: no need yet; else wait for it before going on. */
export function createBreather(): () => Promise<void> | null {
  let endsAt = performance.now() + sliceMs
  return () => {
    if (performance.now() < endsAt) return null
    return nextTick().then(() => {
      endsAt = performance.now() + sliceMs
    })
  }
}

function readNames(directory: string): string[] | null {
  try {
    return readdirSync(directory)
  } catch {
    return null
  }
}

function judgeEntry(path: string, name: string, fileBytesMax: number): WorkspaceFile | string {
  // git refuses paths with this component, whatever the letter case.
  if (name.toLowerCase() === '.git') return "git's own"
  // Names that are not valid UTF-8 come back with U+FFFD and cannot be found again under it.
  const found = look(path)
  if (found === null) return 'cannot be read'
  if (found.isDirectory()) return 'directory'
  if (!found.isSymbolicLink() && !found.isFile()) return 'no regular file'
  if (found.isFile() && !canBeRead(path)) return 'cannot be read'
  return found.size > fileBytesMax ? `${found.size} bytes` : describeFile(found)
}

function look(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true })
  } catch {
    return null
  }
}

function describeFile(found: BigIntStats): WorkspaceFile {
  const { dev, ino, mode, size, mtimeNs, ctimeNs, ctimeMs } = found
  const executable = (Number(mode) & 0o100) === 0 ? '100644' : '100755'
  return {
    mode: found.isSymbolicLink() ? '120000' : executable,
    bytes: Number(size),
    mark: [dev, ino, mode, size, mtimeNs, ctimeNs].join(':'),
    // Where times are whole seconds, anything within the second may have come after.
    changedAtMs: Number(ctimeMs) + (ctimeNs % 1_000_000_000n === 0n ? 2_000 : 0),
  }
}
