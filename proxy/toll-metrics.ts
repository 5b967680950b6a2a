// The toll's figures in Prometheus form: tokens by class, cost, calls without a price, waits, faults. Counters start with the process.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { sumWritten } from '../core/usage.ts'
import type { Metered } from './meter.ts'
import type { RateWait } from './rate.ts'

export interface TollMetrics {
  readonly metered: (metered: Metered) => void
  readonly waited: (wait: RateWait) => void
  readonly injected: () => void
  readonly register: (registry: Registry, waiting: () => number) => void
}

export function createTollMetrics(): TollMetrics {
  const registers: Registry[] = []
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name: `turnpike_${name}`, help, labelNames: [...labelNames], registers })
  const calls = counter('calls_total', 'Model calls metered, by what is known of their price.', ['protocol', 'price'])
  const tokens = counter('tokens_total', 'Tokens as providers reported them, by class.', ['protocol', 'class'])
  const unknown = counter('calls_without_usage_total', 'Answers whose provider gave no token counts.', ['protocol'])
  const cost = counter('cost_usd_total', 'Cost of the priced calls at list prices; a lower bound while calls are unpriced.', [
    'protocol',
  ])
  const injected = counter('injected_faults_total', 'Faults made on purpose.', [])
  const waits = new Histogram({
    name: 'turnpike_rate_wait_seconds',
    help: 'Time calls waited for a rate limit of their provider.',
    labelNames: ['provider', 'ended'],
    buckets: [0.1, 1, 5, 15, 30, 60, 120, 300],
    registers,
  })
  return {
    metered: ({ protocol, charge }) => {
      if (charge === null) return
      calls.inc({ protocol, price: charge.failed ? 'failed' : charge.nanoUsd === null ? 'unknown' : 'known' })
      if (charge.failed) return
      const { usage } = charge
      if (usage === null) return unknown.inc({ protocol })
      const classes = { input: usage.input, cached_read: usage.cachedRead, cached_write: sumWritten(usage), output: usage.output }
      for (const [name, count] of Object.entries(classes)) if (count) tokens.inc({ protocol, class: name }, Math.max(0, count))
      if (charge.nanoUsd !== null) cost.inc({ protocol }, charge.nanoUsd / 1e9)
    },
    waited: ({ provider, ms, ended }) => waits.observe({ provider, ended }, ms / 1000),
    injected: () => injected.inc(),
    register: (registry, waiting) => {
      for (const metric of [calls, tokens, unknown, cost, injected, waits]) registry.registerMetric(metric)
      new Gauge({
        name: 'turnpike_rate_waiting',
        help: 'Calls that wait for a rate limit now.',
        registers: [registry],
        collect() {
          this.set(waiting())
        },
      })
    },
  }
}
