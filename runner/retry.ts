// Tries broken infrastructure again, with growing pauses. Only E_ENVIRONMENT_FAILED is retried: everything else is somebody's
// result or our bug. What is retried must be safe to do twice, so an agent never runs in here.

import { isTurnpikeError, type TurnpikeError } from '../core/errors.ts'
import { environmentRetriesMax, environmentRetryMs } from '../core/limits.ts'
import { pauseUnlessAborted } from './pause.ts'

export interface RetryOptions {
  readonly signal: AbortSignal
  /** Told before each pause. */
  readonly onRetry: (error: Error, retry: number) => Promise<void>
  /** From 0 to 1; for tests. */
  readonly random?: () => number
}

export async function retryEnvironment<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const random = options.random ?? Math.random
  for (let retry = 1; ; retry++) {
    try {
      return await work()
    } catch (error) {
      const again = isBroken(error) && error.details['lost'] !== true && retry <= environmentRetriesMax
      if (!again || options.signal.aborted) throw error
      await options.onRetry(error, retry)
      // Full jitter: trials that broke together (a full disk, a slow daemon) must not come back together.
      await pauseUnlessAborted(random() * environmentRetryMs * 2 ** retry, options.signal)
    }
  }
}

/** What was lost does not come back by asking again. */
const isBroken = (error: unknown): error is TurnpikeError => isTurnpikeError(error) && error.code === 'E_ENVIRONMENT_FAILED'

/** The place is gone, or what keeps it was away for longer than asking again takes: the trial begins anew (trial-retries.ts). */
export const isPlaceLost = (error: unknown): boolean =>
  isTurnpikeError(error) && (error.details['lost'] === true || error.details['outage'] === true)
