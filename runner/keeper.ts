// Keeps the state of a trial after each turn, so that it can go on there when the runner is killed: the workspace's last snapshot, the
// home in a repository of its own, the conversation's name. Never keeps what the runner wrote into the home: it holds the trial's token.

import { join } from 'node:path'
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
  return {
    keep: async (trial, { turn, conversation, notice, trouble }) => {
      const snapshot = bench.snapshots?.latest() ?? null
      if (bench.snapshots === null || snapshot === null) return
      if (withHome) homes ??= await openSnapshots(options.git, join(options.directory, 'homes.git'))
      const home = homes === null ? null : await takeHome(bench, homes, turn)
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

/** Null when it is too large, or holds what no snapshot can. What the runner wrote there is passed over: it holds the trial's token. */
async function takeHome({ environment, agent, context }: Workbench, homes: Snapshots, turn: number): Promise<Snapshot | null> {
  const { home, homeDirectory } = environment
  if (homeDirectory === undefined) return null
  const written = Object.keys(agent.files(context)).filter(path => path.startsWith(`${home}/`))
  const passedOver = new Set(written.map(path => path.slice(home.length + 1)))
  try {
    return await homes.keep(homeDirectory, `after turn ${turn}`, Date.now(), { bytesMax: keptHomeBytesMax, passedOver })
  } catch (error) {
    // Only the way back is lost; the trial itself goes on.
    if (isTurnpikeError(error) && error.code === 'E_ENVIRONMENT_FAILED') return null
    throw error
  }
}
