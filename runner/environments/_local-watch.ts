// Ends a trial's command that forks without end, before the machine has no room for another process. This machine's own count is read often, because
// it costs nothing; the trial's processes are only counted when that has grown by more than a trial may have.

import { readFileSync } from 'node:fs'
import { trialProcessesMax } from '../../core/limits.ts'
import { findSurvivors, killAtOnce } from '../survivors.ts'

const pollMs = 100

export interface ProcessWatch {
  /** True when the command was ended for the number of its processes. */
  readonly stop: () => boolean
}

export function watchProcesses(
  trialId: string,
  directory: string,
  spared: ReadonlySet<number>,
  processesMax = trialProcessesMax,
): ProcessWatch {
  const before = countThreads()
  let hasEnded = false
  const timer = setInterval(() => {
    if (countThreads() - before <= processesMax) return
    if (findSurvivors(trialId, directory).length <= processesMax) return
    hasEnded = true
    killAtOnce(trialId, directory, spared)
  }, pollMs)
  timer.unref()
  return {
    stop: () => {
      clearInterval(timer)
      return hasEnded
    },
  }
}

/** Of the whole machine; 0 where it cannot be told. */
function countThreads(): number {
  try {
    return Number(/\/(\d+) /.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
