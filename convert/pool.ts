// Several converting threads at once, and their rows in the order of the jobs: what comes out does not depend on how many there are.
// Bounded: a thread waits when its rows are not taken off, and no job is begun far ahead of the one that is being written.

import { Worker } from 'node:worker_threads'
import { TurnpikeError } from '../core/errors.ts'
import { readFailure } from '../store/failure-text.ts'
import type { ConversionCounts } from './conversion-counts.ts'
import type { Duplicates, Print } from './dedup.ts'
import type { ConversionJob, RowBatch } from './job.ts'
import type { ConversionPlan } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import type { ScopeInfo } from './source.ts'
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

export interface PoolOptions {
  readonly plan: ConversionPlan
  readonly workers: number
  readonly duplicates: Duplicates
  readonly signal?: AbortSignal | undefined
  readonly onCalls: (calls: number) => void
  readonly onDone: (done: DoneJob) => void
  /** Calls serveThread. */
  readonly thread: URL
}

export interface DoneJob {
  readonly counts: ConversionCounts
  readonly sights: readonly ScopeSight[]
  /** Why some exchanges could not be decoded, as far as described. */
  readonly reasons: readonly string[]
}

/** Rows of jobs that were begun early and wait for their turn; beyond it no further one is begun. */
const waitingBytesMax = 64 * 1024 * 1024

interface Progress {
  readonly job: ConversionJob
  readonly batches: RowBatch[]
  thread: Thread | null
  /** Its scope's prints, while they wait for those of the jobs before it. */
  prints: { readonly scope: ScopeInfo; readonly prints: readonly Print[] } | null
  /** Nothing of it can come before a later job's prints any more. */
  isPrinted: boolean
  isDone: boolean
}

interface Thread {
  readonly worker: Worker
  current: Progress | null
}

interface Pool {
  readonly options: PoolOptions
  readonly progresses: readonly Progress[]
  readonly threads: Thread[]
  /** Indices: the next job to begin, the one being written, the first whose prints are not judged. */
  next: number
  current: number
  judged: number
  waitingBytes: number
  failure: unknown
  isStopped: boolean
  wake: () => void
}

export async function* runPool(jobs: readonly ConversionJob[], options: PoolOptions): AsyncGenerator<RowBatch> {
  const pool = startPool(jobs, options)
  const onAbort = (): void => fail(pool, options.signal?.reason)
  options.signal?.addEventListener('abort', onAbort)
  if (options.signal?.aborted === true) onAbort()
  try {
    for (const [index, progress] of pool.progresses.entries()) {
      pool.current = index
      assignAll(pool)
      for (;;) {
        if (pool.failure !== null) throw pool.failure
        const batch = progress.batches.shift()
        if (batch === undefined && progress.isDone) break
        if (batch === undefined) await new Promise<void>(resolve => (pool.wake = resolve))
        else {
          const { length } = batch.bytes
          yield batch
          pool.waitingBytes -= length
          if (progress.thread !== null) post(progress.thread, { kind: 'taken', bytes: length })
          assignAll(pool)
        }
      }
    }
  } finally {
    pool.isStopped = true
    options.signal?.removeEventListener('abort', onAbort)
    await Promise.all(pool.threads.map(stopThread))
  }
}

function startPool(jobs: readonly ConversionJob[], options: PoolOptions): Pool {
  const progresses = jobs.map(
    (job): Progress => ({ job, batches: [], thread: null, prints: null, isPrinted: false, isDone: false }),
  )
  const start = { next: 0, current: 0, judged: 0, waitingBytes: 0, failure: null, isStopped: false, wake: () => {} }
  const pool: Pool = { options, progresses, threads: [], ...start }
  for (let count = Math.min(options.workers, jobs.length); count > 0; count -= 1) pool.threads.push(startThread(pool))
  return pool
}

function startThread(pool: Pool): Thread {
  const workerData: ThreadOptions = { plan: pool.options.plan }
  const thread: Thread = { worker: new Worker(pool.options.thread, { workerData }), current: null }
  thread.worker.on('message', (message: FromThread) => receive(pool, thread, message))
  thread.worker.on('error', (error: unknown) => fail(pool, describeDeath(thread, error)))
  thread.worker.on('exit', code => {
    if (!pool.isStopped) fail(pool, describeDeath(thread, new TurnpikeError('E_CONVERT_FAILED', `it ended with status ${code}`)))
  })
  return thread
}

function fail(pool: Pool, failure: unknown): void {
  pool.failure ??= failure
  pool.wake()
}

function assignAll(pool: Pool): void {
  for (const thread of pool.threads) assign(pool, thread)
}

function assign(pool: Pool, thread: Thread): void {
  const progress = pool.progresses[pool.next]
  if (progress === undefined || thread.current !== null) return
  if (pool.waitingBytes > waitingBytesMax && pool.next > pool.current) return
  pool.next += 1
  thread.current = progress
  progress.thread = thread
  post(thread, { kind: 'job', job: progress.job })
}

function receive(pool: Pool, thread: Thread, message: FromThread): void {
  const progress = thread.current
  if (message.kind === 'failed') fail(pool, readFailure(message.failure))
  else if (message.kind === 'calls') pool.options.onCalls(message.calls)
  else if (progress === null) return
  else if (message.kind === 'prints') {
    progress.prints = { scope: message.scope, prints: message.prints }
    judgePrints(pool)
  } else if (message.kind === 'rows') {
    const { kind: _, ...batch } = message
    progress.batches.push(batch)
    pool.waitingBytes += batch.bytes.length
  } else {
    progress.isDone = true
    thread.current = null
    pool.options.onDone(message)
    judgePrints(pool)
    assign(pool, thread)
  }
  pool.wake()
}

/** Prints are judged in the order of the jobs, so that of two equal trajectories the same one stays every time. */
function judgePrints(pool: Pool): void {
  for (; ; pool.judged += 1) {
    const progress = pool.progresses[pool.judged]
    if (progress === undefined) return
    const { prints, thread } = progress
    if (prints !== null && thread !== null) {
      progress.prints = null
      progress.isPrinted = true
      post(thread, { kind: 'leave-out', ids: pool.options.duplicates.add(prints.scope.name, prints.prints) })
    }
    if (!progress.isPrinted && !progress.isDone) return
  }
}

function post(thread: Thread, message: ToThread): void {
  thread.worker.postMessage(message)
}

/** One without a job closes its store by itself; one in the middle of something only reads, and may be cut off. */
async function stopThread(thread: Thread): Promise<void> {
  if (thread.current !== null) await thread.worker.terminate()
  else {
    const ended = new Promise<void>(resolve => thread.worker.once('exit', () => resolve()))
    post(thread, { kind: 'end' })
    const late = setTimeout(() => void thread.worker.terminate(), 2000)
    await ended
    clearTimeout(late)
  }
}

function describeDeath(thread: Thread, cause: unknown): TurnpikeError {
  const scope = thread.current?.job.scope
  const what = scope === undefined ? 'a converting thread died' : `the thread that converted ${scope.kind} ${scope.name} died`
  return new TurnpikeError('E_CONVERT_FAILED', what, {
    cause,
    hint: 'give it more memory (NODE_OPTIONS=--max-old-space-size=4096), or convert with --workers 1',
  })
}
