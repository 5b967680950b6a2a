// The rate limits of providers (models.yaml), shared by all scopes: calls wait here instead of being refused there. A layer around the
// forwarder; a wait changes nothing that the agent sees but the time. Aborted calls leave the queue; draining ends every wait.

import { TurnpikeError } from '../core/errors.ts'
import type { EpochMs } from '../core/types.ts'
import type { Account, Accounts } from './budget-accounts.ts'
import { tokensOf } from './budget-tally.ts'
import type { ForwardEvents, Forwarder, Forwarding, ForwardLayer, ForwardRequest } from './forward.ts'
import { isCall, type Metered } from './meter.ts'
import { createRateQueue, type ProviderLimits, type RateQueue, type RateTicket } from './rate-queue.ts'

export interface RateOptions {
  /** Route name -> limits. */
  readonly limits: ReadonlyMap<string, ProviderLimits>
  readonly accounts: Accounts
  readonly now: () => EpochMs
  /** A call has begun to wait. */
  readonly onWaiting?: (wait: RateWaiting) => void
  /** A call that had to wait goes, or has given up. */
  readonly onWaited?: (wait: RateWait) => void
}

export interface RateWaiting {
  readonly exchangeId: string
  readonly account: Account | null
  readonly provider: string
}

export interface RateWait extends RateWaiting {
  readonly ms: number
  readonly ended: 'forwarded' | 'aborted' | 'draining'
}

export interface RateLimiter {
  readonly layer: ForwardLayer
  /** What a call really used takes the place of what its bytes were taken for. */
  readonly onCharge: (metered: Metered) => void
  /** Refuses everything that waits, and whatever would. */
  readonly drain: () => void
  readonly waiting: () => number
}

/** A token of English or code is about four bytes of JSON. */
const bytesPerToken = 4

export function createRateLimiter(options: RateOptions): RateLimiter {
  const queues = new Map<string, RateQueue>()
  for (const [provider, limits] of options.limits) queues.set(provider, createRateQueue(limits, options.now))
  const tickets = new Map<string, RateTicket>()
  const waits = new Set<() => void>()
  let draining = false
  return {
    layer: next => ({
      forward: (request, events) => {
        const queue = queues.get(request.exchange.route)
        if (queue === undefined || !isCall(request.exchange)) return next.forward(request, events)
        return waitAndForward({ options, queue, tickets, waits, draining: () => draining }, next, request, events)
      },
      close: () => {
        for (const queue of queues.values()) queue.close()
        next.close()
      },
    }),
    onCharge: ({ exchangeId, charge }) => {
      if (charge === null) return
      if (charge.usage !== null) tickets.get(exchangeId)?.correct(tokensOf(charge.usage))
      tickets.delete(exchangeId)
    },
    drain: () => {
      draining = true
      for (const refuse of [...waits]) refuse()
    },
    waiting: () => [...queues.values()].reduce((sum, queue) => sum + queue.waiting(), 0),
  }
}

interface Shared {
  readonly options: RateOptions
  readonly queue: RateQueue
  readonly tickets: Map<string, RateTicket>
  readonly waits: Set<() => void>
  readonly draining: () => boolean
}

interface RatedCall {
  ticket: RateTicket | null
  inner: Forwarding | null
  paused: boolean
  over: boolean
  /** Set while it waits. */
  endWait: ((ended: RateWait['ended']) => void) | null
}

/** A call that goes at once costs a look at the window and two callbacks. */
function waitAndForward(shared: Shared, next: Forwarder, request: ForwardRequest, events: ForwardEvents): Forwarding {
  const { id, scope } = request.exchange
  const call: RatedCall = { ticket: null, inner: null, paused: false, over: false, endWait: null }
  const enteredAt = shared.options.now()
  const tokens = Math.ceil(request.body.length / bytesPerToken)
  call.ticket = shared.queue.enter(scope.id, tokens, () => send(call, next, request, events))
  shared.tickets.set(id, call.ticket)
  if (call.ticket.waited()) wait(shared, call, request, enteredAt, events)
  return {
    pause: () => {
      call.paused = true
      call.inner?.pause()
    },
    resume: () => {
      call.paused = false
      call.inner?.resume()
    },
    abort: () => {
      call.over = true
      call.endWait?.('aborted')
      call.ticket?.leave()
      call.inner?.abort()
    },
    retries: () => call.inner?.retries() ?? 0,
    note: () => call.inner?.note?.() ?? null,
  }
}

function send(call: RatedCall, next: Forwarder, request: ForwardRequest, events: ForwardEvents): void {
  call.endWait?.('forwarded')
  if (call.over) return
  const fail: ForwardEvents['onFailure'] = failure => {
    call.ticket?.leave()
    events.onFailure(failure)
  }
  try {
    call.inner = next.forward(request, {
      ...events,
      onEnd: trailers => {
        call.ticket?.leave()
        events.onEnd(trailers)
      },
      onFailure: fail,
    })
    if (call.paused) call.inner.pause()
  } catch (cause) {
    // Another call's end may have brought us here: it must not meet this one's failure.
    const what = `the request cannot be forwarded: ${cause instanceof Error ? cause.message : String(cause)}`
    setImmediate(() => fail({ stage: 'connect', error: new TurnpikeError('E_BAD_REQUEST', what, { cause }) }))
  }
}

/** Stops the clocks of trial and run: waiting for a provider is not their work. */
function wait(shared: Shared, call: RatedCall, request: ForwardRequest, enteredAt: EpochMs, events: ForwardEvents): void {
  const { options, waits } = shared
  const { id, scope, route: provider } = request.exchange
  const account = options.accounts.find(scope.id) ?? null
  const clocks = [account?.clock, account?.run?.clock].map(clock => clock?.wait(enteredAt))
  const refuse = (): void => {
    if (call.over) return
    call.over = true
    call.endWait?.('draining')
    call.ticket?.leave()
    const error = new TurnpikeError('E_DRAINING', `the proxy is shutting down; the call waited for a rate limit of ${provider}`)
    events.onFailure({ stage: 'connect', error })
  }
  call.endWait = ended => {
    call.endWait = null
    waits.delete(refuse)
    const at = options.now()
    for (const resume of clocks) resume?.(at)
    options.onWaited?.({ exchangeId: id, account, provider, ms: at - enteredAt, ended })
  }
  waits.add(refuse)
  options.onWaiting?.({ exchangeId: id, account, provider })
  if (shared.draining()) setImmediate(refuse)
}
