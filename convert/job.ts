// A piece of work that a thread can do alone: one scope of a store, one session of a recording, or one file of trajectories. Gives its rows
// in batches of bytes. Opens what it reads by itself, for reading only, and closes it with `close`.

import { resolve } from 'node:path'
import { assert, TurnpikeError } from '../core/errors.ts'
import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import type { ConversionCounts } from './conversion-counts.ts'
import type { Print } from './dedup.ts'
import type { ImportOptions } from './import-sessions.ts'
import { type ConversionPlan, convertScope, convertSet, type Row, type ScopeHooks } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import type { ScopeInfo, SourceCall, SourceScope, Undecodable } from './source.ts'
import { openFileScopes } from './source-file.ts'
import { readStoreScope } from './source-store.ts'
import { openTrajectoryFile } from './trajectory-files.ts'
import type { Facts } from './where.ts'

interface JobBase {
  readonly scope: ScopeInfo
  readonly facts: Facts
  /** Null: not known before it is read. */
  readonly calls: number | null
  /** How much work it is. */
  readonly bytes: number
  /** Of the store, or from where `file` is named. */
  readonly directory: string
}

interface StoreJob extends JobBase {
  readonly kind: 'store'
  readonly filter: ExchangeFilter
}

export interface FileJob extends JobBase {
  readonly kind: 'file'
  readonly file: string
  /** Which of the file's sessions. */
  readonly index: number
}

export interface TrajectoriesJob extends JobBase {
  readonly kind: 'trajectories'
  readonly file: string
}

/** Structured-clonable: worker threads get it. */
export type ConversionJob = StoreJob | FileJob | TrajectoriesJob

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
  readonly onCall: (call: SourceCall | Undecodable) => void
  readonly onSight: (sight: ScopeSight) => void
  readonly breathe: () => Promise<void>
}

/** How recordings in files are attributed: another stage knows, so whoever starts hands it in. */
export type Identify = ImportOptions['identify']

export interface RunnerOptions {
  /** One that is open already. */
  readonly store?: Store | undefined
  readonly identify?: Identify | undefined
}

export interface JobRunner {
  readonly run: (job: ConversionJob, plan: ConversionPlan, hooks: JobHooks) => AsyncGenerator<RowBatch>
  readonly close: () => Promise<void>
}

export function createJobRunner({ store: given, identify }: RunnerOptions): JobRunner {
  const stores = new Map<string, Promise<Store>>()
  const openAt = (directory: string): Promise<Store> => {
    if (given !== undefined && given.directory === directory) return Promise.resolve(given)
    const store = stores.get(directory) ?? openStore(directory, { readOnly: true })
    stores.set(directory, store)
    return store
  }
  /** Only the newest file: the next job may be of the same one, and finding its sessions takes reading it. */
  let opened: { readonly path: string; readonly scopes: Promise<readonly SourceScope[]> } | null = null
  const openSession = async ({ file, directory, index }: FileJob): Promise<SourceScope> => {
    assert(identify, 'whoever converts files knows how to attribute')
    const path = resolve(directory, file)
    if (opened?.path !== path) opened = { path, scopes: openFileScopes({ file, directory, format: 'auto', identify }) }
    const scope = (await opened.scopes)[index]
    if (scope === undefined) throw new TurnpikeError('E_CONVERT_FAILED', `${file} has changed while it was converted`)
    return scope
  }
  async function* run(job: ConversionJob, plan: ConversionPlan, hooks: JobHooks): AsyncGenerator<RowBatch> {
    const { facts } = job
    if (job.kind === 'trajectories') {
      const sets = (await openTrajectoryFile(job.file, job.directory))?.sets() ?? []
      for await (const set of sets) yield* batchRows(set.scope, inner => convertSet(set, plan, { ...inner, facts }), hooks)
      return
    }
    const isFile = job.kind === 'file'
    const source = isFile ? await openSession(job) : readStoreScope(await openAt(job.directory), job.filter, job.scope)
    yield* batchRows(source.scope, inner => convertScope(source, plan, { ...inner, facts }), hooks)
  }
  return {
    run,
    close: async () => {
      for (const store of stores.values()) await (await store).close()
    },
  }
}

/** Large enough that handing one over costs nothing beside writing it, small enough to hold a few of. */
const batchChars = 256 * 1024

async function* batchRows(
  scope: ScopeInfo,
  convert: (hooks: Omit<ScopeHooks, 'facts'>) => AsyncIterable<Row>,
  hooks: JobHooks,
): AsyncGenerator<RowBatch> {
  let held: string[] = []
  let [chars, generations] = [0, 0]
  const take = (): RowBatch => {
    const batch = { scope, rows: held.length, generations, bytes: new TextEncoder().encode(`${held.join('\n')}\n`) }
    held = []
    ;[chars, generations] = [0, 0]
    return batch
  }
  for await (const row of convert({ ...hooks, leaveOut: prints => hooks.leaveOut(scope, prints) })) {
    held.push(row.text)
    chars += row.text.length
    generations += row.generations
    if (chars >= batchChars) yield take()
  }
  if (held.length > 0) yield take()
}
