// Keeps the state of a trial after each turn, so that it can go on there when the runner is killed: the workspace's last snapshot, the
// home in a repository of its own, the conversation's name. Never keeps what the runner wrote into the home: it holds the trial's token.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isTurnpikeError } from '../core/errors.ts'
import { keptHomeBytesMax } from '../core/limits.ts'
import type { Trial } from '../core/types.ts'
import type { Workbench } from './attempt.ts'
import { type KeptTurn, recordKept } from './continuation.ts'
import { openSnapshots, type Snapshot, type Snapshots } from './snapshots.ts'
import type { Conversation } from './turn.ts'

export interface TurnToKeep {
  readonly turn: number
  readonly conversation: Conversation
  readonly notice: string | null
  readonly trouble: KeptTurn['trouble']
}

export interface Keeper {
  readonly keep: (trial: Trial, turn: TurnToKeep) => Promise<void>
}

export interface KeeperOptions {
  readonly git: string
  /** Where the trial's lasting files go. */
  readonly directory: string
  readonly bench: Workbench
  /** The home is kept only where a trial could go on with it. */
  readonly withHome: boolean
}

/** Does nothing where workspaces are not recorded. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { bench, withHome } = options
  let homes: Snapshots | null = null
  let seen: Home | null = null
  return {
    keep: async (trial, { turn, conversation, notice, trouble }) => {
      const snapshot = bench.snapshots?.latest() ?? null
      if (bench.snapshots === null || snapshot === null) return
      if (withHome) homes ??= await openSnapshots(options.git, join(options.directory, 'homes.git'))
      if (homes !== null) seen = await takeHome(bench, homes, { trialId: trial.id, label: `after turn ${turn}`, seen })
      const home = seen?.snapshot ?? null
      await recordKept(bench.ledger, trial, {
        turn,
        snapshots: bench.snapshots.directory,
        workspaceCommit: snapshot.commit,
        homes: homes?.directory ?? null,
        homeCommit: home?.commit ?? null,
        emptyDirectories: snapshot.emptyDirectories,
        homeEmptyDirectories: home?.emptyDirectories ?? [],
        whole: snapshot.leftOut.length === 0,
        session: conversation.session,
        sessionStarted: conversation.started,
        notice,
        trouble,
        workspace: bench.environment.workspace,
      })
    },
  }
}

interface Home {
  readonly snapshot: Snapshot
  /** Names, sizes and times of everything in it: the same means that nothing was written since. */
  readonly mark: string
}

interface HomeMoment {
  readonly trialId: string
  readonly label: string
  readonly seen: Home | null
}

/** Null when it is too large, or holds what no snapshot can. */
async function takeHome(bench: Workbench, homes: Snapshots, { trialId, label, seen }: HomeMoment): Promise<Home | null> {
  const { environment } = bench
  const place = await mkdtemp(join(tmpdir(), `turnpike-${trialId}-home-`))
  try {
    const found = await environment.copyOut(environment.home, place, { bytesMax: keptHomeBytesMax, exclude: [] })
    if (!found) return null
    const copy = join(place, basename(environment.home))
    for (const path of Object.keys(bench.agent.files(bench.context)))
      if (path.startsWith(`${environment.home}/`)) await rm(join(copy, path.slice(environment.home.length + 1)), { force: true })
    const mark = await markTree(copy)
    if (seen?.mark === mark) return seen
    await homes.take(copy, label, Date.now())
    const snapshot = homes.latest()
    return snapshot === null || snapshot.leftOut.length > 0 ? null : { snapshot, mark }
  } catch (error) {
    // Only the way back is lost; the trial itself goes on.
    if (isTurnpikeError(error) && error.code === 'E_ENVIRONMENT_FAILED') return null
    throw error
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Copies keep the times of files; those of directories change with every copy and say nothing. */
async function markTree(directory: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.map(entry => join(entry.parentPath, entry.name)).sort()
  for (const path of paths) {
    const { mode, size, mtimeMs } = await lstat(path)
    const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR
    hash.update(`${path.slice(directory.length)}\0${mode}\0${isDirectory ? '' : `${size}\0${mtimeMs}`}\0`)
  }
  return hash.digest('hex')
}
