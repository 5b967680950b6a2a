// What `turnpike convert` is asked to read, as pieces of work: REFs of the store, narrowed to a run or a trial, and files, which need no store.

import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { listJobs } from '../convert/convert.ts'
import { listFileJobs } from '../convert/file-jobs.ts'
import type { ConversionJob } from '../convert/job.ts'
import type { Selection } from '../convert/select.ts'
import { listFacts } from '../convert/where.ts'
import { readUsd } from '../core/money.ts'
import { foldTotals } from '../judge/cost.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { readText, usage } from './convert-options.ts'
import { createScoreOf, decodeNew } from './derive.ts'
import { identify } from './identify.ts'
import { useStore } from './store-access.ts'

export async function useConversionJobs<T>(
  context: CommandContext,
  selection: Selection,
  action: (jobs: readonly ConversionJob[], store: Store | null) => Promise<T>,
): Promise<T> {
  // Only prices need a store that can be written: calls are priced where they are decoded.
  const needsCost = selection.where !== null && listFacts(selection.where).has('cost')
  const places = context.arguments.map(name => ({ name, isFile: isFile(context, name) }))
  const needsStore = places.length === 0 || places.some(place => !place.isFile) || isNarrowed(context)
  const files = async (name: string): Promise<ConversionJob[]> => listFileJobs(name, context.directory, identify)
  if (!needsStore) {
    await refuseDoubles(context, places)
    return action((await Promise.all(places.map(place => files(place.name)))).flat(), null)
  }
  return useStore(context, { readOnly: !needsCost }, async store => {
    const scoreOf = createScoreOf(store)
    const jobs: ConversionJob[] = []
    for (const { name, isFile } of places.length === 0 ? readNarrowing(context) : places) {
      if (isFile && !isPath(name)) await refuseDouble(store, name)
      const more = isFile ? await files(name) : await listJobs(store, [await store.resolveRef(name)], scoreOf)
      const known = new Set(jobs.map(job => (job.kind === 'store' ? job.scope.id : '')))
      jobs.push(...more.filter(job => job.kind !== 'store' || !known.has(job.scope.id)))
    }
    const kept = await narrow(context, store, jobs)
    return action(needsCost ? await addCosts(context, store, kept) : kept, store)
  })
}

/** With a separator it is a path; without one, whatever file or exported recording is there. */
function isFile({ directory }: CommandContext, name: string): boolean {
  if (isPath(name)) return true
  const known = statSync(resolve(directory, name), { throwIfNoEntry: false })
  if (known?.isDirectory() === true) return existsSync(resolve(directory, name, 'index.jsonl'))
  return known !== undefined
}

function isPath(name: string): boolean {
  return /[/\\]/.test(name)
}

async function refuseDoubles(context: CommandContext, places: ReadonlyArray<{ readonly name: string }>): Promise<void> {
  const bare = places.filter(place => !isPath(place.name))
  if (bare.length === 0 || !existsSync(context.config.store)) return
  await useStore(context, { readOnly: true }, async store => {
    for (const { name } of bare) await refuseDouble(store, name)
  })
}

/** One word for two things: a person decides which is meant. */
async function refuseDouble(store: Store, name: string): Promise<void> {
  const ref = await store.resolveRef(name).catch(() => null)
  if (ref === null) return
  throw usage(
    `"${name}" is a file here and a ${ref.kind} of the store`,
    `write ./${name} for the file, or the id ${ref.id} for the ${ref.kind}`,
  )
}

function isNarrowed({ options }: CommandContext): boolean {
  return options['run'] !== undefined || options['trial'] !== undefined
}

/** Without an argument, --run or --trial alone say what is meant. */
function readNarrowing({ options }: CommandContext): Array<{ readonly name: string; readonly isFile: boolean }> {
  const name = readText(options['trial']) ?? readText(options['run'])
  if (name !== null) return [{ name, isFile: false }]
  throw usage('nothing is named to convert', 'name a run, a trial, a session or a file: turnpike convert latest')
}

async function narrow(context: CommandContext, store: Store, jobs: readonly ConversionJob[]): Promise<ConversionJob[]> {
  const find = async (kind: 'run' | 'trial'): Promise<Ref | null> => {
    const name = readText(context.options[kind])
    if (name === null) return null
    const ref = await store.resolveRef(name)
    if (ref.kind !== kind) throw usage(`--${kind} "${name}" is a ${ref.kind}`, `turnpike ${kind}s lists the ${kind}s there are`)
    return ref
  }
  const [run, trial] = [await find('run'), await find('trial')]
  const kept = jobs.filter(({ scope }) => (run === null || scope.runId === run.id) && (trial === null || scope.id === trial.id))
  if (kept.length > 0 || jobs.length === 0 || !isNarrowed(context)) return kept
  const asked = [run, trial].flatMap(ref => (ref === null ? [] : [`${ref.kind} ${ref.name}`])).join(' and ')
  throw usage(`nothing of what is named belongs to ${asked}`, 'leave --run or --trial out, or name the run itself')
}

/** What each scope cost, where every call of it has a price. */
async function addCosts(context: CommandContext, store: Store, jobs: readonly ConversionJob[]): Promise<ConversionJob[]> {
  await decodeNew(
    store,
    context,
    jobs.filter(job => job.kind === 'store').map(job => job.scope),
  )
  return Promise.all(
    jobs.map(async job => {
      if (job.kind !== 'store') return job
      const cost = readUsd(foldTotals(await store.list('calls', { scopeId: job.scope.id })))
      return cost === null ? job : { ...job, facts: { ...job.facts, cost } }
    }),
  )
}
