// The conversion stage: recorded scopes -> call tree -> lanes -> rows of a format, in the order of the scopes, on one thread or several.
// Counts both ends: what the calls hold and what the rows hold, so that a lost or doubled generation shows as a number.

import { availableParallelism } from 'node:os'
import type { Ref, Store } from '../store/_adapter.ts'
import { addCounts, type ConversionCounts, describeUndecodable, startCounts } from './conversion-counts.ts'
import { createDuplicates, type Duplicate, type Duplicates } from './dedup.ts'
import { type ConversionJob, createJobRunner, type RowBatch, type RunnerOptions } from './job.ts'
import { type DoneJob, runPool } from './pool.ts'
import { type ConversionPlan, createBreath, planConversion } from './scope-conversion.ts'
import { joinSights, nothingSeen, type ScopeSight } from './scope-facts.ts'
import { everything, type Selection, selectsScope } from './select.ts'
import { listStoreScopes, type ScoreOf } from './store-scopes.ts'

export interface ConversionProgress {
  readonly scopes: number
  readonly scopesTotal: number
  readonly calls: number
  /** Null: not known of all of them. */
  readonly callsTotal: number | null
}

export interface JobsOptions extends RunnerOptions {
  /** Threads; null: as many as there are cores, or none beside this one when the work is small. */
  readonly workers?: number | null
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ConversionProgress) => void
  /** What further threads run: it calls serveThread. Without it there are none. */
  readonly thread?: URL
}

/** Snake case: printed as it is. */
export interface ConversionSummary extends Readonly<ConversionCounts> {
  readonly dropped: readonly Duplicate[]
  /** Why exchanges could not be decoded: the first ones. */
  readonly undecodable_reasons: readonly string[]
}

export interface Conversion {
  /** Read it to its end, once; leaving it early stops the threads. */
  readonly batches: AsyncIterable<RowBatch>
  /** Complete once the batches are read. */
  readonly summary: () => ConversionSummary
  /** What there was to choose from, in the scopes that were read. */
  readonly sight: () => ScopeSight
}

/** The same bytes whatever the number of threads. */
export function convertJobs(jobs: readonly ConversionJob[], plan: ConversionPlan, options: JobsOptions = {}): Conversion {
  const counts = startCounts()
  const duplicates = createDuplicates()
  const reasons: string[] = []
  let sight = nothingSeen
  const { wanted, callsTotal } = chooseJobs(jobs, plan.selection, counts)
  const done = { scopes: 0, calls: 0 }
  const tell = (): void => options.onProgress?.({ ...done, scopesTotal: wanted.length, callsTotal })
  const hooks: Hooks = {
    duplicates,
    onCalls: calls => {
      done.calls += calls
      tell()
    },
    onDone: ({ counts: more, sights, reasons: told }) => {
      addCounts(counts, more)
      sight = sights.reduce(joinSights, sight)
      reasons.push(...told.slice(0, reasonsMax - reasons.length))
      done.scopes += 1
      tell()
    },
  }
  const workers = chooseWorkers(wanted, options.workers ?? null)
  const { signal, thread } = options
  const isShared = workers > 1 && thread !== undefined
  return {
    batches: isShared ? runPool(wanted, { plan, workers, signal, thread, ...hooks }) : runHere(wanted, plan, options, hooks),
    summary: () => ({ ...counts, links: { ...counts.links }, dropped: duplicates.found(), undecodable_reasons: [...reasons] }),
    sight: () => sight,
  }
}

interface Hooks {
  readonly duplicates: Duplicates
  readonly onCalls: (calls: number) => void
  readonly onDone: (done: DoneJob) => void
}

/** What need not even be read to know that it is not wanted. */
function chooseJobs(jobs: readonly ConversionJob[], selection: Selection, counts: ConversionCounts) {
  // Which scopes a file of trajectories is about, its rows say.
  const wanted = jobs.filter(job => job.kind === 'trajectories' || selectsScope(selection, job.scope, job.facts) !== false)
  counts.scopes_deselected += jobs.length - wanted.length
  const callsTotal = wanted.reduce<number | null>((sum, job) => (sum === null || job.calls === null ? null : sum + job.calls), 0)
  return { wanted, callsTotal }
}

/** Undecodable exchanges that are described; the others are counted. */
const reasonsMax = 20

/** Starting threads takes longer than converting this many bytes of requests. */
const smallBytes = 16 * 1024 * 1024

function chooseWorkers(jobs: readonly ConversionJob[], asked: number | null): number {
  if (asked === null && jobs.reduce((sum, job) => sum + job.bytes, 0) < smallBytes) return 1
  return Math.min(jobs.length, asked ?? availableParallelism())
}

async function* runHere(
  jobs: readonly ConversionJob[],
  plan: ConversionPlan,
  options: JobsOptions,
  { duplicates, onCalls, onDone }: Hooks,
): AsyncGenerator<RowBatch> {
  const runner = createJobRunner(options)
  const breathe = createBreath(options.signal)
  try {
    for (const job of jobs) {
      options.signal?.throwIfAborted()
      const counts = startCounts()
      const sights: ScopeSight[] = []
      const reasons: string[] = []
      yield* runner.run(job, plan, {
        counts,
        breathe,
        onCall: call => {
          if ('reason' in call && reasons.length < reasonsMax) reasons.push(describeUndecodable(call))
          onCalls(1)
        },
        onSight: sight => sights.push(sight),
        leaveOut: async (scope, prints) => duplicates.add(scope.name, prints),
      })
      onDone({ counts, sights, reasons })
    }
  } finally {
    await runner.close()
  }
}

export interface ConvertOptions {
  readonly format: string
  readonly policy?: string
  readonly selection?: Selection
  readonly dedup?: boolean
  readonly scoreOf?: ScoreOf
}

/** Rows one by one, on this thread: for callers within the program. */
export function convertScopes(store: Store, refs: readonly Ref[], options: ConvertOptions) {
  const { format, policy = 'readable', selection = everything, dedup = false } = options
  const plan = planConversion({ format, policy, selection, dedup })
  let summary: () => ConversionSummary = () => ({ ...startCounts(), dropped: [], undecodable_reasons: [] })
  async function* writeRows(): AsyncGenerator<string> {
    const conversion = convertJobs(await listJobs(store, refs, options.scoreOf), plan, { workers: 1, store })
    summary = conversion.summary
    for await (const { bytes } of conversion.batches) yield* Buffer.from(bytes).toString('utf8').trimEnd().split('\n')
  }
  return { rows: writeRows(), summary: (): ConversionSummary => summary() }
}

export async function listJobs(store: Store, refs: readonly Ref[], scoreOf?: ScoreOf): Promise<ConversionJob[]> {
  const scopes = await listStoreScopes(store, refs, scoreOf)
  return scopes.map(scope => ({ kind: 'store', directory: store.directory, ...scope }))
}
