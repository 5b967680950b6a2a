// Lists what a snapshot of a directory holds: every regular file and symbolic link, git's own folders and giants left out.
// Reads only names and sizes; never follows a link.

import { access, constants, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface WorkspaceFiles {
  /** Relative paths with forward slashes. */
  readonly files: ReadonlySet<string>
  /** What was passed over, each with the reason. */
  readonly leftOut: readonly string[]
  /** Directories without an entry, which no tree of git can hold. */
  readonly emptyDirectories: readonly string[]
}

export async function listFiles(directory: string, fileBytesMax: number): Promise<WorkspaceFiles> {
  const files = new Set<string>()
  const leftOut: string[] = []
  const emptyDirectories: string[] = []
  const walk = async (relative: string): Promise<void> => {
    const names = await readdir(join(directory, relative)).catch(() => null)
    if (names === null) {
      leftOut.push(`${relative}/ (cannot be read)`)
      return
    }
    if (names.length === 0 && relative !== '') emptyDirectories.push(relative)
    for (const name of names.sort()) {
      const path = relative === '' ? name : `${relative}/${name}`
      const reason = await judgeEntry(join(directory, path), name, fileBytesMax)
      if (reason === 'file') files.add(path)
      else if (reason === 'directory') await walk(path)
      else leftOut.push(`${path} (${reason})`)
    }
  }
  await walk('')
  return { files, leftOut, emptyDirectories }
}

async function judgeEntry(path: string, name: string, fileBytesMax: number): Promise<string> {
  // git refuses paths with this component, whatever the letter case.
  if (name.toLowerCase() === '.git') return "git's own"
  // Names that are not valid UTF-8 come back with U+FFFD and cannot be found again under it.
  const found = await lstat(path).catch(() => null)
  if (found === null) return 'cannot be read'
  if (found.isDirectory()) return 'directory'
  if (found.isSymbolicLink()) return 'file'
  if (!found.isFile()) return 'no regular file'
  if (found.size > fileBytesMax) return `${found.size} bytes`
  const canBeRead = await access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
  return canBeRead ? 'file' : 'cannot be read'
}
