// Brings a fresh place to where the agent starts: after reference solutions, or in the state that another trial was in after a turn.
// What it restored is snapshotted at once: a history never begins in the middle.

import { randomUUID } from 'node:crypto'
import type { Task, TaskTurn } from '../core/task.ts'
import type { Trial } from '../core/types.ts'
import { takeSnapshot, type Workbench, warnOfRetry } from './attempt.ts'
import type { KeptTurn, Origin } from './continuation.ts'
import type { Policy } from './policy.ts'
import { fastForward } from './reference.ts'
import { restoreTree } from './restore.ts'
import { retryEnvironment } from './retry.ts'
import type { Conversation } from './turn.ts'

export interface StartingPoint {
  readonly firstTurn: number
  readonly conversation: Conversation
  readonly notice: string | null
  readonly trouble: KeptTurn['trouble']
}

export interface Start {
  readonly trial: Trial
  readonly task: Task
  readonly policy: Policy
  readonly origin: Origin | null
  readonly git: string | null
  /** Writes the agent's own files once more: what was restored holds those of another trial, or none. */
  readonly writeAgentFiles: () => Promise<void>
}

const fresh = (firstTurn: number): StartingPoint => ({
  firstTurn,
  conversation: { session: randomUUID(), started: false },
  notice: null,
  trouble: { kind: 'finished', reason: null },
})

export async function reachStart(bench: Workbench, start: Start): Promise<StartingPoint> {
  const { origin, policy } = start
  if (origin === null || start.git === null) {
    await fastForward(bench, start.trial, start.task, policy)
    return fresh(policy.fromTurn)
  }
  const { kept, kind } = origin
  await restoreKept(bench, start.git, origin)
  await start.writeAgentFiles()
  if (policy.onFailure === 'rollback') await bench.environment.keep('passed')
  const label = `${kind} from trial ${origin.trialId} after turn ${kept.turn}`
  await bench.snapshots?.take(await bench.environment.exportWorkspace(), label, Date.now())
  await bench.ledger.emit(`trial-${kind}`, start.trial, { from: origin.trialId, turn: kept.turn, whole: kept.whole })
  const at = fresh(kept.turn + 1)
  if (kind === 'forked') return at
  const conversation = { session: kept.session, started: kept.sessionStarted }
  return { ...at, conversation, notice: kept.notice, trouble: kept.trouble }
}

/** What the agent finds, where nothing has recorded it: only against that can be told whether it changed anything. */
export async function recordStart(bench: Workbench, trial: Trial, turn: TaskTurn): Promise<void> {
  if (bench.snapshots === null || (bench.snapshots.latest() !== null && turn.setup === undefined)) return
  await retryEnvironment(() => takeSnapshot(bench, `before turn ${turn.index}`, Date.now()), {
    signal: bench.signal,
    onRetry: (error, retry) => warnOfRetry(bench.ledger, trial, error, retry),
  })
}

async function restoreKept(bench: Workbench, git: string, { kind, kept }: Origin): Promise<void> {
  const { environment, signal } = bench
  const workspaceTree = { git, repository: kept.snapshots, commit: kept.workspaceCommit }
  await restoreTree(environment, environment.workspace, { ...workspaceTree, emptyDirectories: kept.emptyDirectories }, signal)
  if (kind === 'forked' || kept.homes === null || kept.homeCommit === null) return
  const homeTree = { git, repository: kept.homes, commit: kept.homeCommit }
  await restoreTree(environment, environment.home, { ...homeTree, emptyDirectories: kept.homeEmptyDirectories }, signal)
}
