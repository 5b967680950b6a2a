// Finds and ends processes that a trial left behind, also those that moved to another group or session. Linux only for the
// search (it reads /proc); elsewhere the process group is all that can be reached. Never touches a process of anyone else:
// it must carry the trial's mark in its environment, or live in the trial's directory without a terminal.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { TurnpikeError } from '../core/errors.ts'
import { terminateGraceMs } from '../core/limits.ts'
import { waitFor } from './processes.ts'

/** Name of the environment variable that marks every process of a trial. */
export const trialMark = 'TURNPIKE_TRIAL'

/** Ids of the living processes of a trial. */
export function findSurvivors(trialId: string, directory: string | null): number[] {
  return listProcesses().filter(
    id => id !== process.pid && (carriesMark(id, trialId) || (directory !== null && livesIn(id, directory))),
  )
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

/** Stops every process of the trial where it stands and notes it. One that is stopped starts no other, so a look that finds none is the last. */
export async function freezeProcesses(trialId: string, directory: string | null, frozen: Set<number>): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const moving = findSurvivors(trialId, directory).filter(id => !frozen.has(id))
    if (moving.length === 0) return
    for (const id of moving) {
      signalProcess(id, 'SIGSTOP')
      frozen.add(id)
    }
    await waitFor(5)
  }
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `processes of trial ${trialId} could not be stopped`)
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
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
    const [state, , , , terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return terminal === '0' && state !== 'Z'
  } catch {
    return false
  }
}

function signalProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal)
  } catch {
    // It has ended in the meantime.
  }
}
