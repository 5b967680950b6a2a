// When an upstream may speak: it is paused while the agent does not read or the store does not keep up, and runs when neither
// holds. Memory stays bounded whichever of the three is slow.

import { pendingRecordBytesMax, storePollMs } from '../core/limits.ts'
import type { Forwarding } from './forward.ts'

export interface Pace {
  readonly agentIsFull: () => void
  readonly agentHasRead: () => void
  /** Call after each piece handed to the store. */
  readonly checkStore: () => void
  readonly close: () => void
}

export function createPace(
  upstream: () => Pick<Forwarding, 'pause' | 'resume'>,
  pendingBytes: () => number,
  bytesMax = pendingRecordBytesMax,
): Pace {
  let agentFull = false
  let storeTimer: NodeJS.Timeout | null = null
  const resumeWhenFree = (): void => {
    if (!agentFull && storeTimer === null) upstream().resume()
  }
  const close = (): void => {
    if (storeTimer !== null) clearInterval(storeTimer)
    storeTimer = null
  }
  const lookAtStore = (): void => {
    if (pendingBytes() > bytesMax / 2) return
    close()
    resumeWhenFree()
  }
  return {
    agentIsFull: () => {
      agentFull = true
      upstream().pause()
    },
    agentHasRead: () => {
      agentFull = false
      resumeWhenFree()
    },
    checkStore: () => {
      if (storeTimer !== null || pendingBytes() <= bytesMax) return
      upstream().pause()
      storeTimer = setInterval(lookAtStore, storePollMs)
    },
    close,
  }
}
