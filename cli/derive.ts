// Derived data as commands need it: calls decoded and priced before anyone sums them, trajectories written where they are wanted.

import { type Conversion, convertJobs, type JobsOptions } from '../convert/convert.ts'
import { type DecodeReport, decodeExchanges, type PriceInputs } from '../convert/decode.ts'
import type { ConversionJob, RowBatch } from '../convert/job.ts'
import type { ConversionPlan } from '../convert/scope-conversion.ts'
import type { ScoreOf } from '../convert/store-scopes.ts'
import type { Config } from '../core/config.ts'
import { buildTrial } from '../judge/grid.ts'
import { trialPassRate } from '../judge/outcomes.ts'
import type { Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { packageFile } from './package-files.ts'

/** What a call costs and by which book; null = not known. */
export type PriceOf = (inputs: PriceInputs) => { readonly nanoUsd: number; readonly version: string } | null

/** Routes that say nothing about who billed the call: the model's name alone must tell. */
const anonymousRoutes = new Set(['upstream'])

export async function readPrice(config: Config): Promise<PriceOf> {
  // Loaded here: commands that convert price nothing.
  const [{ readPriceBook }, { priceUsage }] = await Promise.all([import('../judge/price-book.ts'), import('../judge/prices.ts')])
  const book = await readPriceBook(config.prices ?? packageFile('configs', 'prices.yaml'))
  return ({ route, model, usage, at }) => {
    // What a simulated provider is said to use is an estimate, and what a replay gives again was billed when it was recorded.
    if (route === 'simulated' || route === 'replay') return null
    const provider = route === null || anonymousRoutes.has(route) || route.startsWith('import:') ? null : route
    return priceUsage(book, { model, provider, usage, at })
  }
}

/** Decodes what was recorded since the last time; with `again` everything, for a new price table. */
export async function decodeNew(
  store: Store,
  context: CommandContext,
  scopes: ReadonlyArray<{ readonly id: string }> | 'all',
  options: { readonly again?: boolean } = {},
): Promise<DecodeReport> {
  const price = await readPrice(context.config)
  const filters = scopes === 'all' ? [{}] : scopes.map(scope => ({ scopeId: scope.id }))
  const reports: DecodeReport[] = []
  for (const filter of filters) reports.push(await decodeExchanges(store, filter, { ...options, price }))
  return {
    decoded: reports.reduce((sum, report) => sum + report.decoded, 0),
    undecodable: reports.reduce((sum, report) => sum + report.undecodable, 0),
    reasons: reports.flatMap(report => report.reasons),
  }
}

export interface WriteOptions extends JobsOptions {
  readonly write: (batch: RowBatch) => Promise<void>
}

/** Writes rows as fast as `write` takes them: a run's trajectories need not fit into memory. */
export async function writeTrajectories(
  jobs: readonly ConversionJob[],
  plan: ConversionPlan,
  { write, ...options }: WriteOptions,
): Promise<Pick<Conversion, 'summary' | 'sight'>> {
  const conversion = convertJobs(jobs, plan, options)
  for await (const batch of conversion.batches) await write(batch)
  return conversion
}

/** Share of the turns that could be scored and passed; null when none could. */
export function createScoreOf(store: Store): ScoreOf {
  return async trial => {
    const turns = await store.list('turns', { trialId: trial.id })
    const attempts = await store.list('attempts', { trialId: trial.id })
    return trialPassRate(buildTrial(trial, turns, attempts), 'drop')
  }
}
