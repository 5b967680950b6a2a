// A piece of work that a thread can do alone: one scope of a store, or one file with all the scopes it holds. Gives its rows in batches
// of bytes. Opens what it reads by itself, for reading only, and closes it with `close`.

import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import type { ConversionCounts } from './conversion-counts.ts'
import type { Print } from './duplicates.ts'
import { type ConversionPlan, convertScope } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import type { ScopeInfo, SourceScope } from './source.ts'
import { readStoreScope } from './source-store.ts'
import type { Facts } from './where.ts'

/** Structured-clonable: worker threads get it. `bytes`: how much work it is. */
export interface ConversionJob {
  readonly directory: string
  readonly filter: ExchangeFilter
  readonly scope: ScopeInfo
  readonly facts: Facts
  readonly calls: number
  readonly bytes: number
}

/** Whole rows of one scope, each with its line break. */
export interface RowBatch {
  readonly scope: ScopeInfo
  readonly rows: number
  readonly generations: number
  readonly bytes: Uint8Array
}

export interface JobHooks {
  readonly counts: ConversionCounts
  readonly leaveOut: (scope: ScopeInfo, prints: readonly Print[]) => Promise<ReadonlySet<string>>
  readonly onCall: () => void
  readonly onSight: (sight: ScopeSight) => void
  readonly breathe: () => Promise<void>
}

export interface JobRunner {
  readonly run: (job: ConversionJob, plan: ConversionPlan, hooks: JobHooks) => AsyncGenerator<RowBatch>
  readonly close: () => Promise<void>
}

/** Large enough that handing one over costs nothing beside writing it, small enough to hold a few of. */
const batchChars = 256 * 1024

/** `given`: a store that is open already. */
export function createJobRunner(given?: Store): JobRunner {
  const stores = new Map<string, Promise<Store>>()
  const openAt = (directory: string): Promise<Store> => {
    if (given !== undefined && given.directory === directory) return Promise.resolve(given)
    const store = stores.get(directory) ?? openStore(directory, { readOnly: true })
    stores.set(directory, store)
    return store
  }
  async function* run(job: ConversionJob, plan: ConversionPlan, hooks: JobHooks): AsyncGenerator<RowBatch> {
    const source = readStoreScope(await openAt(job.directory), job.filter, job.scope)
    yield* batchRows(source, plan, job.facts, hooks)
  }
  return {
    run,
    close: async () => {
      for (const store of stores.values()) await (await store).close()
    },
  }
}

async function* batchRows(source: SourceScope, plan: ConversionPlan, facts: Facts, hooks: JobHooks): AsyncGenerator<RowBatch> {
  const { scope } = source
  let held: string[] = []
  let [chars, generations] = [0, 0]
  const take = (): RowBatch => {
    const batch = { scope, rows: held.length, generations, bytes: new TextEncoder().encode(`${held.join('\n')}\n`) }
    held = []
    ;[chars, generations] = [0, 0]
    return batch
  }
  const scopeHooks = { ...hooks, facts, leaveOut: (prints: readonly Print[]) => hooks.leaveOut(scope, prints) }
  for await (const row of convertScope(source, plan, scopeHooks)) {
    held.push(row.text)
    chars += row.text.length
    generations += row.generations
    if (chars >= batchChars) yield take()
  }
  if (held.length > 0) yield take()
}
