// Finds, stops and ends processes that a trial left behind, also those that moved to another group or session. Linux only for the search (it reads
// /proc); elsewhere the process group is all that can be reached. Never touches a process of anyone else: it must carry the trial's mark in its
// environment, live in the trial's directory without a terminal, or share the sandbox's own view of processes with one that does.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { TurnpikeError } from '../core/errors.ts'
import { terminateGraceMs } from '../core/limits.ts'
import { waitFor } from './processes.ts'

/** Name of the environment variable that marks every process of a trial. */
export const trialMark = 'TURNPIKE_TRIAL'

/** Longer than the slowest disk keeps a process from hearing a signal. */
const freezeMs = 30_000

/** Ids of the living processes of a trial. */
export function findSurvivors(trialId: string, directory: string | null): number[] {
  const all = listProcesses().filter(id => id !== process.pid)
  const known = all.filter(id => carriesMark(id, trialId) || (directory !== null && livesIn(id, directory)))
  const own = readView(process.pid)
  const views = new Set(known.map(readView).filter(view => view !== null && view !== own))
  if (views.size === 0) return known
  const found = new Set(known)
  // Who has left everything else behind has not left its sandbox.
  return all.filter(id => found.has(id) || (views.has(readView(id)) && readState(id) !== 'Z'))
}

/**
 * Ends every process of the trial: SIGTERM, a short grace, then SIGKILL until none is found. Returns how many there were.
 * Throws E_ENVIRONMENT_FAILED when one cannot be killed: going on would let it watch the verification.
 */
export async function endSurvivors(
  trialId: string,
  directory: string | null,
  spared: ReadonlySet<number> = new Set(),
): Promise<number> {
  const find = (): number[] => findSurvivors(trialId, directory).filter(id => !spared.has(id))
  const first = find()
  if (first.length === 0) return 0
  for (const id of first) signalProcess(id, 'SIGTERM')
  const deadline = performance.now() + terminateGraceMs
  let left = first
  for (let ms = 2; left.length > 0 && performance.now() < deadline; ms = Math.min(20, ms * 2)) {
    await waitFor(ms)
    left = find()
  }
  // A process may fork while it is looked for: repeat until a look finds nothing.
  for (let round = 0; left.length > 0 && round < 200; round++) {
    for (const id of left) signalProcess(id, 'SIGKILL')
    await waitFor(10)
    left = find()
  }
  if (left.length > 0) {
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `processes ${left.join(', ')} of trial ${trialId} could not be killed`)
  }
  return first.length
}

/**
 * Stops every process of the trial where it stands and notes it. One that is stopped starts no other: when all that are known stand still, a look that
 * finds no other is the last.
 */
export async function freezeProcesses(trialId: string, directory: string | null, frozen: Set<number>): Promise<void> {
  const deadline = performance.now() + freezeMs
  for (let stand = false; performance.now() < deadline; stand = allStandStill(frozen)) {
    const moving = findSurvivors(trialId, directory).filter(id => !frozen.has(id))
    if (moving.length === 0 && (stand || frozen.size === 0)) return
    for (const id of moving) {
      signalProcess(id, 'SIGSTOP')
      frozen.add(id)
    }
    await waitFor(5)
  }
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `processes of trial ${trialId} could not be stopped`)
}

/**
 * Who has lent its memory to a child until that starts its own program (vfork, as shells and Node do) hears no signal before it has it back: it stands
 * still when the child does.
 */
function allStandStill(ids: ReadonlySet<number>): boolean {
  const known = [...ids].map(id => ({ id, ...readProcess(id) }))
  const stopped = known.filter(({ state }) => state === 'T' || state === 't')
  const hasLent = ({ id, memory }: (typeof known)[number]): boolean =>
    stopped.some(child => child.parent === id && child.memory === memory)
  return known.every(
    one => one.state === null || one.state === 'Z' || stopped.includes(one) || (one.state === 'D' && hasLent(one)),
  )
}

export function thawProcesses(frozen: Set<number>): void {
  for (const id of frozen) signalProcess(id, 'SIGCONT')
  frozen.clear()
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function carriesMark(id: number, trialId: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${id}/environ`, 'latin1')}\0`.includes(`\0${trialMark}=${trialId}\0`)
  } catch {
    return false
  }
}

/** A person's shell that stands in the directory has a terminal; what an agent left has none, since it was started without. */
function livesIn(id: number, directory: string): boolean {
  try {
    const where = readlinkSync(`/proc/${id}/cwd`)
    if (where !== directory && !where.startsWith(`${directory}/`)) return false
    const [state, , , , terminal] = readStat(id)
    return terminal === '0' && state !== 'Z'
  } catch {
    return false
  }
}

/** What stands in its `stat` after the name: the state, the parent, the group, the session, the terminal. */
function readStat(id: number): string[] {
  const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** One letter; null when it is gone. */
function readState(id: number): string | null {
  return readProcess(id).state
}

/** Its state, its parent and the size of its memory, in bytes; all null when it is gone. */
function readProcess(id: number): { state: string | null; parent: number | null; memory: string | null } {
  try {
    const stat = readStat(id)
    return { state: stat[0] ?? null, parent: Number(stat[1]), memory: stat[20] ?? null }
  } catch {
    return { state: null, parent: null, memory: null }
  }
}

/** Which processes it can see, as the kernel names it; null where that cannot be told. */
function readView(id: number): string | null {
  try {
    return readlinkSync(`/proc/${id}/ns/pid`)
  } catch {
    return null
  }
}

function signalProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal)
  } catch {
    // It has ended in the meantime.
  }
}
