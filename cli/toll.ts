// Meter, budgets, rate limits and injected faults as `turnpike proxy` and `turnpike run` want them, from the configuration. Where their
// figures go while a run goes on is live-figures.ts.

import type { Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import { type Budgets, noBudgets } from '../proxy/budget.ts'
import type { Price } from '../proxy/budget-accounts.ts'
import type { InjectSpec } from '../proxy/inject/spec.ts'
import { readInject } from '../proxy/inject/spec-file.ts'
import type { Metered } from '../proxy/meter.ts'
import type { RateWait, RateWaiting } from '../proxy/rate.ts'
import type { ProxyOptions } from '../proxy/server.ts'
import type { TollOptions } from '../proxy/toll.ts'
import type { Store } from '../store/_adapter.ts'
import { readPrice } from './derive.ts'
import type { Providers } from './providers.ts'

/** What is known before a store is opened: mistakes are found here. */
export interface TollPlan {
  readonly budgets: Budgets
  readonly inject: InjectSpec | null
  readonly price: Price
  readonly watched: boolean
}

/** `limits` are those of the providers. The price book is read only where somebody counts, or names one. */
export async function planToll(
  config: Config,
  command: 'proxy' | 'run',
  limits: TollOptions['limits'] = new Map(),
): Promise<TollPlan> {
  const { proxy, budget } = config
  // A stand-alone proxy has sessions, a run has trials.
  const budgets: Budgets =
    command === 'run' ? { ...budget, session: noBudgets.session } : { ...noBudgets, session: budget.session }
  const capped = Object.entries(budgets).find(([, { costUsd }]) => costUsd !== null)
  if (capped !== undefined && config.simulated.enabled)
    throw new TurnpikeError('E_USAGE', `budget.${capped[0]}.cost_usd cannot be held: the simulated provider has no prices`, {
      hint: 'limit tokens or calls instead, or leave out --simulated',
    })
  const inject = proxy.inject === null ? null : await readInject(proxy.inject)
  const watched = command === 'run' || proxy.meter
  // Loaded here: commands that only look into the store must start fast.
  const { isIdle } = await import('../proxy/toll.ts')
  const isPriced = config.prices !== null || !isIdle({ budgets, inject, watched, limits })
  const price = isPriced ? await readPrice(config) : () => null
  return { budgets, inject, watched, price: inputs => price(inputs)?.nanoUsd ?? null }
}

export interface TollListeners {
  readonly onMetered?: (metered: Metered) => void
  readonly onWaiting?: (wait: RateWaiting) => void
  readonly onWaited?: (wait: RateWait) => void
}

export interface OpenToll {
  readonly proxyOptions: Pick<ProxyOptions, 'layers' | 'linkLayers' | 'admit' | 'onDrain' | 'registerMetrics'>
  /** For RunOptions.refuseTrial. */
  readonly refuseTrial: (runId: string) => Promise<string | null>
}

export interface TollPlace {
  readonly store: Store
  readonly providers: Providers
  /** Answer in the providers' stead: what they answer is metered, but no provider's rate limit holds it up. */
  readonly replay: Pick<ProxyOptions, 'layers' | 'linkLayers'>
  readonly listeners?: TollListeners
}

export async function openToll(plan: TollPlan, { store, providers, replay, listeners = {} }: TollPlace): Promise<OpenToll> {
  // Loaded here: commands that only look into the store must start fast.
  const { createToll } = await import('../proxy/toll.ts')
  const toll = createToll({ ...plan, store, limits: providers.routes.limits ?? new Map(), ...listeners })
  if (toll === null)
    return { proxyOptions: { layers: replay.layers ?? [], linkLayers: replay.linkLayers ?? [] }, refuseTrial: async () => null }
  const { innerLayers, outerLayers, outerLinkLayers, admit, onDrain, registerMetrics } = toll
  return {
    proxyOptions: {
      layers: [...innerLayers, ...(replay.layers ?? []), ...outerLayers],
      linkLayers: [...(replay.linkLayers ?? []), ...outerLinkLayers],
      admit,
      onDrain,
      registerMetrics,
    },
    refuseTrial: async runId => (await toll.spentRun(runId))?.message ?? null,
  }
}
