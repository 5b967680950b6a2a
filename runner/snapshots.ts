// The history of a trial's workspace: one bare git repository per trial, one commit per attempt, outside the agent's reach.
// With a configuration of its own: neither the user's git settings nor a .gitattributes or .gitignore of the workspace can change
// what is recorded. Files that have not changed since the last one are not read again. Never writes into the workspace.

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import { snapshotFileBytesMax } from '../core/limits.ts'
import { canBeRead } from './file-access.ts'
import { importCommit } from './git-import.ts'
import { runGroup } from './processes.ts'
import { listFiles, type WorkspaceFile, type WorkspaceFiles } from './workspace-files.ts'

export interface Snapshots {
  /** The bare repository. */
  readonly directory: string
  /** Records the directory's content; returns the commit. */
  readonly take: (workspace: string, label: string, at: number) => Promise<string>
  /** The last one again where nothing has changed since; null when the directory holds too much, or what no snapshot can. */
  readonly keep: (directory: string, label: string, at: number, limits: KeepLimits) => Promise<Snapshot | null>
  /** Whether a commit of this history holds other files than the one before it; null for the first. */
  readonly differs: (commit: string) => Promise<boolean | null>
  /** The one taken last. */
  readonly latest: () => Snapshot | null
}

export interface Snapshot {
  readonly commit: string
  /** What the directory held and the commit does not. */
  readonly leftOut: readonly string[]
  readonly emptyDirectories: readonly string[]
}

export interface KeepLimits {
  readonly bytesMax: number
  /** Relative paths that are not recorded. */
  readonly passedOver: ReadonlySet<string>
}

/** The git program on a search path; null when there is none. */
export async function findGit(path: string): Promise<string | null> {
  for (const directory of path.split(':').filter(part => part !== '')) {
    const names = await readdir(directory).catch((): string[] => [])
    if (names.includes('git')) return join(directory, 'git')
  }
  return null
}

export async function openSnapshots(gitProgram: string, directory: string): Promise<Snapshots> {
  await initialize(gitProgram, directory)
  let last: Taken | null = null
  const differing = new Map<string, boolean>()
  const record = async (moment: Moment): Promise<Snapshot> => {
    const taken = await takeSnapshot({ git: gitProgram, repository: directory, last }, moment)
    if (last !== null) differing.set(taken.snapshot.commit, taken.tree !== last.tree)
    last = taken
    return taken.snapshot
  }
  return {
    directory,
    take: async (workspace, label, at) => {
      const readAtMs = Date.now()
      const found = await listFiles(workspace, snapshotFileBytesMax)
      return (await record({ workspace, label, at, found, readAtMs })).commit
    },
    keep: async (workspace, label, at, { bytesMax, passedOver }) => {
      const readAtMs = Date.now()
      const found = await listFiles(workspace, snapshotFileBytesMax, passedOver)
      const bytes = [...found.files.values()].reduce((sum, file) => sum + file.bytes, 0)
      if (found.leftOut.length > 0 || bytes > bytesMax) return null
      if (last !== null && isUnchanged(last, found)) return last.snapshot
      const snapshot = await record({ workspace, label, at, found, readAtMs })
      return snapshot.leftOut.length > 0 ? null : snapshot
    },
    differs: async commit => differing.get(commit) ?? null,
    latest: () => last?.snapshot ?? null,
  }
}

async function initialize(program: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const result = await runGroup({
    argv: [program, 'init', '--quiet', '--bare', directory],
    cwd: directory,
    // Without HOME there is no configuration of a user, also for versions that do not know GIT_CONFIG_GLOBAL.
    env: { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TEMPLATE_DIR: '', LC_ALL: 'C' },
    timeoutMs: 300_000,
    signal: new AbortController().signal,
    outputCharsMax: 10_000,
  })
  if (result.ended !== 'exited' || result.exit !== 0) {
    const why = result.startFailure ?? `${result.ended} ${result.exit ?? ''} ${result.stderr.slice(-2_000)}`.trim()
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `cannot record snapshots: git init: ${why}`)
  }
  await writeFile(join(directory, 'HEAD'), `ref: refs/heads/${branch}\n`)
  await mkdir(join(directory, 'info'), { recursive: true })
  // This file outranks every .gitattributes of the workspace: bytes are shown and put back as they are.
  await writeFile(join(directory, 'info', 'attributes'), '* -text -eol -ident -filter -working-tree-encoding\n')
}

const branch = 'attempts'

interface Moment {
  readonly workspace: string
  readonly label: string
  readonly at: number
  readonly found: WorkspaceFiles
  /** Before anything of it was read. */
  readonly readAtMs: number
}

interface Taken {
  readonly snapshot: Snapshot
  readonly tree: string
  readonly files: ReadonlyMap<string, WorkspaceFile>
  readonly readAtMs: number
}

interface History {
  readonly git: string
  readonly repository: string
  readonly last: Taken | null
}

/** The system notes times in ticks of some milliseconds: what was written in the same tick as it was read may have been written after. */
const tickMs = 50

function isKnown(last: Taken | null, path: string, file: WorkspaceFile): boolean {
  const known = last?.files.get(path)
  return last !== null && known?.mark === file.mark && file.changedAtMs < last.readAtMs - tickMs
}

function isUnchanged(last: Taken, { files, emptyDirectories }: WorkspaceFiles): boolean {
  if (files.size !== last.files.size) return false
  if (emptyDirectories.join('\0') !== last.snapshot.emptyDirectories.join('\0')) return false
  return [...files].every(([path, file]) => isKnown(last, path, file))
}

async function takeSnapshot({ git, repository, last }: History, moment: Moment): Promise<Taken> {
  const { workspace, found, readAtMs } = moment
  const files = new Map(found.files)
  const changed = new Map<string, WorkspaceFile>()
  const leftOut = [...found.leftOut]
  for (const [path, file] of found.files) {
    if (isKnown(last, path, file)) continue
    if (file.mode === '120000' || canBeRead(join(workspace, path))) changed.set(path, file)
    else {
      files.delete(path)
      leftOut.push(`${path} (cannot be read)`)
    }
  }
  const note = leftOut.length === 0 ? '' : `\n\nleft out:\n${leftOut.join('\n')}\n`
  const { commit, tree } = await importCommit({
    git,
    repository,
    branch,
    parent: last?.snapshot.commit ?? null,
    message: moment.label + note,
    at: moment.at,
    directory: workspace,
    changed,
    gone: [...(last?.files.keys() ?? [])].filter(path => !files.has(path)),
  })
  return { snapshot: { commit, leftOut, emptyDirectories: found.emptyDirectories }, tree, files, readAtMs }
}
