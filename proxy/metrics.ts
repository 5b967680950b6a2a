// What the proxy counts, in Prometheus form. Figures only; the record itself is in the store.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ExchangeNote } from './gate-answers.ts'

export interface ProxyMetrics {
  readonly registry: Registry
  readonly started: () => void
  readonly over: (note: ExchangeNote) => void
  readonly inFlight: () => number
  /** A connection or request of the forward-proxy side. */
  readonly passed: (how: string) => void
}

export function createMetrics(heldBytes: () => number): ProxyMetrics {
  const registry = new Registry()
  const registers = [registry]
  let running = 0
  const labelNames = ['protocol', 'outcome', 'status'] as const
  const exchanges = new Counter({
    name: 'turnpike_exchanges_total',
    help: 'Exchanges by protocol, outcome and status.',
    labelNames,
    registers,
  })
  const seconds = new Histogram({
    name: 'turnpike_exchange_seconds',
    help: 'Time from the request to the committed end of its answer.',
    labelNames: ['protocol'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300],
    registers,
  })
  const bytes = new Counter({ name: 'turnpike_bytes_total', help: 'Body bytes recorded.', labelNames: ['direction'], registers })
  const forward = new Counter({
    name: 'turnpike_forward_proxy_total',
    help: 'Connections and requests to other hosts: intercepted (unused: closed before a request came, mostly by agents that do not trust the authority), passed unread (tunnelled, relayed), or refused.',
    labelNames: ['how'],
    registers,
  })
  new Gauge({ name: 'turnpike_exchanges_in_flight', help: 'Exchanges running now.', registers, collect: gauge(() => running) })
  new Gauge({ name: 'turnpike_held_request_bytes', help: 'Request bytes in memory.', registers, collect: gauge(heldBytes) })
  return {
    registry,
    started: () => void running++,
    over: note => {
      running--
      const protocol = note.protocol ?? 'none'
      exchanges.inc({ protocol, outcome: note.outcome, status: String(note.status ?? 'none') })
      seconds.observe({ protocol }, note.ms / 1000)
      bytes.inc({ direction: 'request' }, note.requestBytes)
      bytes.inc({ direction: 'response' }, note.responseBytes)
    },
    inFlight: () => running,
    passed: how => forward.inc({ how }),
  }
}

function gauge(read: () => number) {
  return function (this: Gauge): void {
    this.set(read())
  }
}
