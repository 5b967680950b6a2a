// The toll: meter, budgets, rate limits and faults on purpose, put together in the order that makes their figures true. A request meets
// the meter first (it counts what the agent gets), then faults, then what lies between (a replay), then rate limits, then the network.

import type { Registry } from 'prom-client'
import type { EpochMs } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { areLimited, type BudgetGate, type Budgets, createBudgetGate } from './budget.ts'
import { createAccounts, type Price } from './budget-accounts.ts'
import type { ForwardLayer } from './forward.ts'
import { createChooser } from './inject/choose.ts'
import { createInjector } from './inject/layer.ts'
import { createSocketInjector } from './inject/socket.ts'
import type { InjectSpec } from './inject/spec.ts'
import { createMeter, createReadings, type Metered } from './meter.ts'
import { createSocketMeter } from './meter-socket.ts'
import { createRateLimiter, type RateWait, type RateWaiting } from './rate.ts'
import type { ProviderLimits } from './rate-queue.ts'
import { createTollMetrics } from './toll-metrics.ts'
import type { LinkLayer } from './websocket/link.ts'

export interface TollOptions {
  readonly store: Store
  readonly budgets: Budgets
  readonly price: Price
  readonly inject: InjectSpec | null
  readonly limits: ReadonlyMap<string, ProviderLimits>
  /** Someone wants the figures though nothing is limited. */
  readonly watched: boolean
  readonly onMetered?: (metered: Metered) => void
  readonly onWaiting?: (wait: RateWaiting) => void
  readonly onWaited?: (wait: RateWait) => void
  readonly now?: () => EpochMs
}

export interface Toll {
  /** For ProxyOptions.layers: the inner ones before whatever answers in a provider's stead, the outer ones last. */
  readonly innerLayers: readonly ForwardLayer[]
  readonly outerLayers: readonly ForwardLayer[]
  /** The same for WebSockets; rate limits do not hold their messages. */
  readonly outerLinkLayers: readonly LinkLayer[]
  readonly admit: BudgetGate['admit']
  readonly spentRun: BudgetGate['spentRun']
  readonly onDrain: () => void
  readonly registerMetrics: (registry: Registry) => void
}

/** Nothing is limited, nothing injected and nobody watches: then a call costs nothing of this. */
export function isIdle({
  watched,
  budgets,
  inject,
  limits,
}: Pick<TollOptions, 'watched' | 'budgets' | 'inject' | 'limits'>): boolean {
  return !watched && !areLimited(budgets) && inject === null && limits.size === 0
}

/** Null when it would be idle. */
export function createToll(options: TollOptions): Toll | null {
  const { store, budgets, price, inject, limits, now = wallClock } = options
  if (isIdle(options)) return null
  const accounts = createAccounts(store, price)
  const metrics = createTollMetrics()
  const rate = createRateLimiter({
    limits,
    accounts,
    now,
    ...(options.onWaiting === undefined ? {} : { onWaiting: options.onWaiting }),
    onWaited: wait => {
      metrics.waited(wait)
      options.onWaited?.(wait)
    },
  })
  const open = createReadings({
    accounts,
    price,
    now,
    onCharge: metered => {
      rate.onCharge(metered)
      metrics.metered(metered)
      options.onMetered?.(metered)
    },
  })
  const choose = inject === null ? null : createChooser({ spec: inject, accounts, onInjected: metrics.injected })
  return {
    innerLayers: limits.size === 0 ? [] : [rate.layer],
    outerLayers: [...(choose === null ? [] : [createInjector(choose)]), createMeter(open)],
    outerLinkLayers: [...(choose === null ? [] : [createSocketInjector(choose)]), createSocketMeter(open)],
    ...createBudgetGate(budgets, accounts, now),
    onDrain: rate.drain,
    registerMetrics: registry => metrics.register(registry, rate.waiting),
  }
}

const wallClock = (): EpochMs => performance.timeOrigin + performance.now()
