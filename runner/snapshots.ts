// The history of a trial's workspace: one bare git repository per trial, one commit per attempt, outside the agent's reach.
// Plumbing only and with a configuration of its own: neither the user's git settings nor a .gitattributes or .gitignore of the
// workspace can change what is recorded. Never writes into the workspace.

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import { snapshotFileBytesMax } from '../core/limits.ts'
import { runGroup } from './processes.ts'
import { listFiles } from './workspace-files.ts'

export interface Snapshots {
  /** The bare repository. */
  readonly directory: string
  /** Records the directory's content; returns the commit. */
  readonly take: (workspace: string, label: string, at: number) => Promise<string>
  /** Whether a commit holds other files than the one before it; null for the first. */
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

/** The git program on a search path; null when there is none. */
export async function findGit(path: string): Promise<string | null> {
  for (const directory of path.split(':').filter(part => part !== '')) {
    const names = await readdir(directory).catch((): string[] => [])
    if (names.includes('git')) return join(directory, 'git')
  }
  return null
}

export async function openSnapshots(gitProgram: string, directory: string): Promise<Snapshots> {
  await mkdir(directory, { recursive: true })
  const git = createGit(gitProgram, directory)
  await git(['init', '--quiet', '--bare', directory], null)
  await git(['symbolic-ref', 'HEAD', 'refs/heads/attempts'], null)
  await mkdir(join(directory, 'info'), { recursive: true })
  // This file outranks every .gitattributes of the workspace: bytes are recorded as they are.
  await writeFile(join(directory, 'info', 'attributes'), '* -text -eol -ident -filter -working-tree-encoding\n')
  let latest: Snapshot | null = null
  let known: ReadonlySet<string> = new Set()
  return {
    directory,
    take: async (workspace, label, at) => {
      const taken = await takeSnapshot(git, { workspace, label, at, parent: latest?.commit ?? null, known })
      latest = taken.snapshot
      known = taken.files
      return latest.commit
    },
    differs: async commit => {
      const [, parents = '', ...trees] = (await git(['log', '-2', '--format=%H%n%P%n%T', commit], null)).split('\n')
      return parents === '' ? null : trees[0] !== trees[3]
    },
    latest: () => latest,
  }
}

type Git = (argv: readonly string[], workspace: string | null, input?: Buffer, at?: number) => Promise<string>

function createGit(program: string, directory: string): Git {
  return async (argv, workspace, input, at = 0) => {
    const date = `@${Math.floor(at / 1000)} +0000`
    const result = await runGroup({
      argv: [program, ...settings.flatMap(setting => ['-c', setting]), ...argv],
      cwd: directory,
      env: {
        ...(argv[0] === 'init' ? {} : { GIT_DIR: directory }),
        ...(workspace === null ? {} : { GIT_WORK_TREE: workspace }),
        ...gitVariables(date),
      },
      ...(input === undefined ? {} : { stdin: input }),
      timeoutMs: 300_000,
      signal: new AbortController().signal,
      outputCharsMax: 256 * 1024 * 1024,
    })
    if (result.ended === 'exited' && result.exit === 0) return result.stdout
    const why = result.startFailure ?? `${result.ended} ${result.exit ?? ''} ${result.stderr.slice(-2_000)}`.trim()
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `cannot record a snapshot: git ${argv[0]}: ${why}`)
  }
}

/** Given as `-c`: variables for them exist only in newer versions of git. */
const settings = [
  'core.fileMode=true',
  'core.symlinks=true',
  'core.autocrlf=false',
  'core.safecrlf=false',
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.precomposeUnicode=false',
  'gc.auto=0',
]

function gitVariables(date: string): Record<string, string> {
  return {
    // Without HOME there is no configuration of a user, also for versions that do not know GIT_CONFIG_GLOBAL.
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TEMPLATE_DIR: '',
    LC_ALL: 'C',
    GIT_AUTHOR_NAME: 'turnpike',
    GIT_AUTHOR_EMAIL: 'turnpike@localhost',
    GIT_COMMITTER_NAME: 'turnpike',
    GIT_COMMITTER_EMAIL: 'turnpike@localhost',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
  }
}

interface Moment {
  readonly workspace: string
  readonly label: string
  readonly at: number
  readonly parent: string | null
  /** Paths of the snapshot before. */
  readonly known: ReadonlySet<string>
}

async function takeSnapshot(
  git: Git,
  moment: Moment,
): Promise<{ readonly snapshot: Snapshot; readonly files: ReadonlySet<string> }> {
  const { files, leftOut, emptyDirectories } = await listFiles(moment.workspace, snapshotFileBytesMax)
  // Paths git knows but the workspace has no more must be named too, or they would stay in the tree. `update-index` sees the
  // files of nested repositories, where `add` would record a bare pointer to a commit that exists nowhere else.
  const gone = [...moment.known].filter(path => !files.has(path))
  if (gone.length > 0) {
    await git(['update-index', '-z', '--force-remove', '--stdin'], moment.workspace, joinPaths(gone))
  }
  await git(['update-index', '-z', '--add', '--replace', '--stdin'], moment.workspace, joinPaths([...files]))
  const tree = (await git(['write-tree'], null)).trim()
  const note = leftOut.length === 0 ? '' : `\n\nleft out:\n${leftOut.join('\n')}\n`
  const parents = moment.parent === null ? [] : ['-p', moment.parent]
  const commit = (
    await git(['commit-tree', tree, ...parents, '-F', '-'], null, Buffer.from(moment.label + note), moment.at)
  ).trim()
  await git(['update-ref', 'refs/heads/attempts', commit], null)
  return { snapshot: { commit, leftOut, emptyDirectories }, files }
}

const joinPaths = (paths: readonly string[]): Buffer => Buffer.from(paths.map(path => `${path}\0`).join(''))
