// How long a scope has been at work, without the time its calls spent waiting for a provider's rate limit. Pure but for the state it
// holds; the time is handed in.

import type { EpochMs } from '../core/types.ts'

export interface Clock {
  /** null = it has not begun. */
  readonly startedAt: () => EpochMs | null
  readonly start: (at: EpochMs) => void
  /** A call begins to wait; call what it returns when the wait is over. Waits that overlap are counted once. */
  readonly wait: (at: EpochMs) => (at: EpochMs) => void
  readonly workedMs: (at: EpochMs) => number
}

/** `workedMs`: from earlier, such as before a resume. */
export function openClock(startedAt: EpochMs | null = null, workedMs = 0): Clock {
  let start = startedAt
  let waitedMs = 0
  let waiting = 0
  let waitingSince = 0
  return {
    startedAt: () => start,
    start: at => {
      start ??= at
    },
    wait: from => {
      if (waiting++ === 0) waitingSince = from
      let over = false
      return to => {
        if (over) return
        over = true
        if (--waiting === 0) waitedMs += to - waitingSince
      }
    },
    workedMs: at => {
      if (start === null) return workedMs
      const nowWaiting = waiting > 0 ? at - waitingSince : 0
      return workedMs + at - start - waitedMs - nowWaiting
    },
  }
}
