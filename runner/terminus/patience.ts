// What a failed model call means, and how often it is tried again: nine times in three rounds of growing pauses. A prompt that is
// too long, a wrong key, a refused request and a spent budget do not pass by themselves and are never repeated.

import { isTurnpikeError } from '../../core/errors.ts'
import { pauseUnlessAborted } from '../pause.ts'

export type Failure = 'interrupted' | 'context-overflow' | 'final' | 'transient'

const rounds = 3
const triesPerRound = 3
const pauseSecMax = 15
/** A provider that asks for more time than this is not waited for longer in one go. */
const retryAfterSecMax = 60

const overflowWords =
  /context[ _-]?(?:length|window|size|limit)|prompt is too long|input is too long|too many (?:input )?tokens|maximum (?:context|prompt|input)|request[ _]too[ _]large|exceeds? the (?:model'?s )?(?:maximum|limit) .*tokens|token count .*exceeds|reduce the length/i

/** Statuses with which providers say that a prompt is too long. */
const overflowStatuses: readonly number[] = [400, 413, 422]
const transientStatuses: readonly number[] = [408, 409, 425, 429]

export function classifyFailure(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return 'interrupted'
  const status = readStatus(error)
  const header = readHeader(error)
  const message = error instanceof Error ? error.message : String(error)
  if (header('x-turnpike-error')?.startsWith('E_BUDGET') || header('x-should-retry') === 'false') return 'final'
  if ((status === null || overflowStatuses.includes(status)) && overflowWords.test(message)) return 'context-overflow'
  if (status === 413) return 'context-overflow'
  if (status === null) return isTurnpikeError(error) && error.code === 'E_USAGE' ? 'final' : 'transient'
  return status >= 500 || transientStatuses.includes(status) ? 'transient' : 'final'
}

export interface PatienceOptions {
  /** First pause of a round; it doubles up to 15 s. */
  readonly waitSec: number
  readonly signal: AbortSignal
  readonly onRetry: () => void
}

/** Rejects with the last error once it is out of patience, or at once where patience is no use. */
export async function askPatiently<T>(work: () => Promise<T>, { waitSec, signal, onRetry }: PatienceOptions): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (error) {
      if (tried >= rounds * triesPerRound || classifyFailure(error, signal) !== 'transient') throw error
      const asked = Number(readHeader(error)('retry-after') ?? Number.NaN)
      const own = Math.min(waitSec * 2 ** ((tried - 1) % triesPerRound), pauseSecMax)
      await pauseUnlessAborted(1_000 * (asked >= 0 ? Math.min(asked, retryAfterSecMax) : own), signal)
      onRetry()
    }
  }
}

function readStatus(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
}

function readHeader(error: unknown): (name: string) => string | null {
  const headers = error instanceof Error && 'headers' in error ? error.headers : null
  return name => (headers instanceof Headers ? headers.get(name) : null)
}
