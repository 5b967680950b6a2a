// What `turnpike convert` and `turnpike tree` are asked to read, as pieces of work: REFs of the store, narrowed to a run or a trial.

import { listJobs } from '../convert/convert.ts'
import type { ConversionJob } from '../convert/job.ts'
import type { Selection } from '../convert/select.ts'
import { listFacts } from '../convert/where.ts'
import { readUsd } from '../core/money.ts'
import { foldTotals } from '../judge/cost.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { readText, usage } from './convert-options.ts'
import { createScoreOf, decodeNew } from './derive.ts'
import { useStore } from './store-access.ts'

export async function useConversionJobs<T>(
  context: CommandContext,
  selection: Selection,
  action: (jobs: readonly ConversionJob[], store: Store | null) => Promise<T>,
): Promise<T> {
  // Only prices need a store that can be written: calls are priced where they are decoded.
  const needsCost = selection.where !== null && listFacts(selection.where).has('cost')
  return useStore(context, { readOnly: !needsCost }, async store => {
    const jobs = await narrow(context, store, await listJobs(store, await readRefs(context, store), createScoreOf(store)))
    return action(needsCost ? await addCosts(context, store, jobs) : jobs, store)
  })
}

/** Without an argument, --run or --trial alone say what is meant. */
async function readRefs(context: CommandContext, store: Store): Promise<Ref[]> {
  const { options } = context
  const named = [readText(options['trial']), readText(options['run'])].flatMap(name => name ?? []).slice(0, 1)
  const names = context.arguments.length > 0 ? context.arguments : named
  if (names.length === 0) throw usage('nothing is named to convert', 'name a run, trial or session: turnpike convert latest')
  return Promise.all(names.map(name => store.resolveRef(name)))
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
  if (kept.length > 0 || jobs.length === 0) return kept
  const asked = [run, trial].flatMap(ref => (ref === null ? [] : [`${ref.kind} ${ref.name}`])).join(' and ')
  throw usage(`nothing of what is named belongs to ${asked}`, 'leave --run or --trial out, or name the run itself')
}

/** What each scope cost, where every call of it has a price. */
async function addCosts(context: CommandContext, store: Store, jobs: readonly ConversionJob[]): Promise<ConversionJob[]> {
  await decodeNew(
    store,
    context,
    jobs.map(job => job.scope),
  )
  return Promise.all(
    jobs.map(async job => {
      const cost = readUsd(foldTotals(await store.list('calls', { scopeId: job.scope.id })))
      return cost === null ? job : { ...job, facts: { ...job.facts, cost } }
    }),
  )
}
