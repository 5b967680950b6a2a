// Where a trial goes on that did not begin at its first turn: the state another trial was in after a turn, kept as one event per
// turn. Says what was kept and what may be continued; copies what had been measured. Restoring files is restore.ts.

import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { JsonObject, Trial, TrialOutcomeKind, TurnState } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { createUlid } from '../store/ulid.ts'
import type { AgentAdapter, AgentSpec } from './agents/_adapter.ts'
import { chooseDriver } from './agents/_choices.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Ledger } from './ledger.ts'
import { turnDirectory } from './verification.ts'

/** The trial's state once a turn was over and the next had not begun. */
export interface KeptTurn {
  readonly turn: number
  /** Bare repository and commit of the workspace. */
  readonly snapshots: string
  readonly workspaceCommit: string
  /** Null when the home could not be kept; such a turn can be forked but not continued. */
  readonly homes: string | null
  readonly homeCommit: string | null
  /** Directories without an entry, which git does not hold; relative. */
  readonly emptyDirectories: readonly string[]
  readonly homeEmptyDirectories: readonly string[]
  /** False when the workspace holds something a snapshot cannot: a repository of its own, sockets, giant files. */
  readonly whole: boolean
  readonly session: string
  readonly sessionStarted: boolean
  readonly notice: string | null
  /** What the trial's outcome would be if every later turn went well. */
  readonly trouble: { readonly kind: TrialOutcomeKind; readonly reason: string | null }
  /** Path of the workspace inside the environment: conversations are often filed under it. */
  readonly workspace: string
}

/** `continued`: the same cell goes on. `forked`: another agent or model goes on from the files. */
export interface Origin {
  readonly kind: 'continued' | 'forked'
  readonly trialId: string
  readonly kept: KeptTurn
}

const keptType = 'turn-kept'
const originType = 'trial-origin'

export async function recordKept(ledger: Ledger, trial: Trial, kept: KeptTurn): Promise<void> {
  await ledger.emit(keptType, trial, { ...write(ledger.store, kept) })
}

/** A store may be moved between a stop and the next start: its own repositories are written down by their place in it. */
function write(store: Store, kept: KeptTurn): KeptTurn {
  const place = (path: string): string => {
    const inside = relative(store.directory, path)
    return inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside
  }
  return { ...kept, snapshots: place(kept.snapshots), homes: kept.homes === null ? null : place(kept.homes) }
}

function read(store: Store, kept: KeptTurn): KeptTurn {
  const find = (path: string): string => resolve(store.directory, path)
  return { ...kept, snapshots: find(kept.snapshots), homes: kept.homes === null ? null : find(kept.homes) }
}

/** Whoever makes room may remove what trials have left. */
export const isThere = ({ snapshots, homes }: KeptTurn): boolean => existsSync(snapshots) && (homes === null || existsSync(homes))

/** Before the trial's own row: a trial that has one must never be found without its origin. */
export async function writeOrigin(store: Store, trial: Trial, origin: Origin): Promise<void> {
  const { kind, trialId, kept } = origin
  const data = { name: trial.name, kind, trialId, turn: kept.turn, kept: { ...write(store, kept) } }
  await store.put('events', [{ id: createUlid(), runId: trial.runId, trialId: trial.id, type: originType, at: Date.now(), data }])
}

/** So that nobody has to guess why a turn was played twice. */
export async function writeBeginning(store: Store, trial: Trial, from: string, reason: string): Promise<void> {
  const data = { name: trial.name, from, reason }
  const { runId, id: trialId } = trial
  await store.put('events', [{ id: createUlid(), runId, trialId, type: 'trial-begun-again', at: Date.now(), data }])
}

export async function readOrigin(store: Store, trialId: string): Promise<Origin | null> {
  const [event] = await store.list('events', { trialId, type: originType })
  if (!event) return null
  const { kind, trialId: from, kept } = event.data as unknown as Origin
  return { kind, trialId: from, kept: read(store, kept) }
}

/** What was kept after the turn, also by the trials that this one continued; or after the last turn of its own. */
export async function findKept(store: Store, trialId: string, turn?: number): Promise<KeptTurn | null> {
  const events = await store.list('events', { trialId, type: keptType })
  const all = events.map(event => read(store, event.data as unknown as KeptTurn))
  const found = all.filter(kept => turn === undefined || kept.turn === turn).at(-1) ?? null
  if (found !== null || turn === undefined) return found
  const origin = await readOrigin(store, trialId)
  return origin?.kind === 'continued' ? findKept(store, origin.trialId, turn) : null
}

export interface Continuing {
  readonly agent: AgentAdapter
  readonly spec: AgentSpec
  readonly environment: EnvironmentAdapter
}

export const isContinuable = (cell: Continuing): boolean => nameObstacle(cell) === null

/** A conversation that lives in a process is gone with it; a container holds more than workspace and home. */
function nameObstacle({ agent, spec, environment }: Continuing): string | null {
  if (environment.keepsAllInTree !== true) return `the environment ${environment.id} holds more than workspace and home`
  const driver = chooseDriver(spec, agent)
  return driver === 'process' ? null : `its conversation lived in a process (${driver}) that has ended`
}

export interface Continuation {
  /** Null = at its first turn. */
  readonly origin: Origin | null
  /** Why it does not go on after the last turn that was over; null = it does. */
  readonly lost: string | null
}

/** Where a new trial of the same cell goes on. Continuing what was not kept as a whole would change what is measured. */
export async function findContinuation(store: Store, trial: Trial, cell: Continuing): Promise<Continuation> {
  const earlier = await readOrigin(store, trial.id)
  const again = (lost: string): Continuation => ({ origin: earlier?.kind === 'forked' ? earlier : null, lost })
  const obstacle = nameObstacle(cell)
  if (obstacle !== null) return again(obstacle)
  const kept = await findKept(store, trial.id)
  const last = kept ?? (earlier?.kind === 'continued' ? earlier.kept : null)
  if (last !== null && !isThere(last)) return again('what was kept of it is no longer in the store')
  if (kept === null) return { origin: earlier, lost: earlier === null ? 'nothing was kept after a turn of it' : null }
  if (!kept.whole)
    return again('its workspace held what a snapshot cannot: a repository of its own, a giant file or an unreadable one')
  if (kept.homeCommit === null) return again('its home was not kept: too large, or it held what a snapshot cannot')
  return { origin: { kind: 'continued', trialId: trial.id, kept }, lost: null }
}

/** What views of a trial read from its events about an attempt: rewards, leaks, causes of failure. */
const findingTypes = ['attempt-verified', 'failure-classified', 'leak-found']

async function copyFindings(store: Store, trial: Trial, origin: Origin): Promise<void> {
  const lists = await Promise.all(findingTypes.map(type => store.list('events', { trialId: origin.trialId, type })))
  const found = lists.flat().filter(event => Number((event.data as JsonObject)['turn']) <= origin.kept.turn)
  const inOrder = found.sort((one, other) => (one.id < other.id ? -1 : 1))
  await store.put(
    'events',
    inOrder.map(event => ({
      ...event,
      id: createUlid(),
      trialId: trial.id,
      data: { ...(event.data as JsonObject), from: origin.trialId },
    })),
  )
}

/**
 * Turns, attempts, tests and findings that the earlier trial has measured, as the new trial's: of a cell only the youngest trial counts.
 * What its verifiers left lies where the trial's lasting files go.
 */
export async function copyMeasured(
  { store, directory }: { readonly store: Store; readonly directory: string },
  trial: Trial,
  origin: Origin,
): Promise<Map<number, TurnState>> {
  if (origin.kind === 'forked') return new Map()
  const from = { trialId: origin.trialId }
  const upTo = <T extends { readonly turn: number; readonly trialId: string }>(rows: readonly T[]): T[] =>
    rows.filter(row => row.turn <= origin.kept.turn).map(row => ({ ...row, trialId: trial.id }))
  const turns = upTo(await store.list('turns', from))
  await store.put('tests', upTo(await store.list('tests', from)))
  await store.put('attempts', upTo(await store.list('attempts', from)))
  await store.put('turns', turns)
  await copyFindings(store, trial, origin)
  const before = join(dirname(directory), origin.trialId)
  for (const { turn } of turns) await copyWhereItIs(turnDirectory(before, turn), turnDirectory(directory, turn))
  return new Map(turns.map(turn => [turn.turn, turn.state]))
}

/** Most turns leave no files; what cannot be copied is lost to exports and to nothing else. */
async function copyWhereItIs(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true }).catch(() => undefined)
}
