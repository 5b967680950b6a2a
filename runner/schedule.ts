// Runs jobs with bounded concurrency. When the signal fires no new job starts and the running ones are waited for; when a job
// throws, the others are told to stop and the error comes out once all have ended. Knows nothing of trials.

import { setMaxListeners } from 'node:events'

export interface ScheduleOptions<J> {
  readonly jobs: readonly J[]
  readonly concurrency: number
  readonly signal: AbortSignal
  /** Gets a signal of its own that fires with the outer one or when another job has thrown. */
  readonly run: (job: J, signal: AbortSignal) => Promise<void>
}

/** Resolves when no job is running any more. */
export async function schedule<J>(options: ScheduleOptions<J>): Promise<void> {
  const stop = new AbortController()
  // As many listeners as jobs run at once are no leak.
  setMaxListeners(0, stop.signal)
  const onAbort = (): void => stop.abort(options.signal.reason)
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) onAbort()
  const waiting = options.jobs[Symbol.iterator]()
  let failed: { readonly error: unknown } | null = null
  const work = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const next = waiting.next()
      if (next.done) return
      try {
        await options.run(next.value, stop.signal)
      } catch (error) {
        failed ??= { error }
        stop.abort(error)
      }
    }
  }
  const workers = Math.max(1, Math.min(options.concurrency, options.jobs.length))
  await Promise.all(Array.from({ length: workers }, work))
  options.signal.removeEventListener('abort', onAbort)
  // TypeScript does not see assignments made inside `work`.
  const outcome = failed as { readonly error: unknown } | null
  if (outcome !== null) throw outcome.error
}
