// Faults on purpose, as a layer around the forwarder: chooses by the plan, answers in the provider's stead or spoils its answer, and notes
// in the record what was done. Statuses and resets never reach the provider. Touches nothing but model calls.

import { STATUS_CODES } from 'node:http'
import { TurnpikeError } from '../../core/errors.ts'
import type { Account, Accounts } from '../budget-accounts.ts'
import type { ForwardEvents, ForwardedExchange, Forwarder, Forwarding, ForwardLayer, ForwardRequest } from '../forward.ts'
import { isCall, readAsked } from '../meter.ts'
import { chooseFault, describeFault, type PlannedCall } from './plan.ts'
import { writeErrorHeaders, writeProviderError } from './provider-error.ts'
import type { InjectRule, InjectSpec } from './spec.ts'
import { spoilAnswer } from './spoil.ts'

export interface InjectOptions {
  readonly spec: InjectSpec
  readonly accounts: Accounts
  readonly onInjected?: (injected: { readonly exchangeId: string; readonly account: Account; readonly message: string }) => void
}

interface Counts {
  calls: number
  readonly struck: Map<InjectRule, number>
}

export function createInjector(options: InjectOptions): ForwardLayer {
  const counts = new WeakMap<Account, Counts>()
  return next => ({
    close: next.close,
    forward: (request, events) => {
      const { exchange } = request
      const account = options.accounts.find(exchange.scope.id)
      if (account === undefined || !isCall(exchange)) return next.forward(request, events)
      const known = counts.get(account) ?? { calls: account.callsBefore, struck: new Map() }
      counts.set(account, known)
      known.calls += 1
      return inject(options, { account, counts: known }, next, request, events)
    },
  })
}

function inject(
  options: InjectOptions,
  { account, counts }: { readonly account: Account; readonly counts: Counts },
  next: Forwarder,
  request: ForwardRequest,
  events: ForwardEvents,
): Forwarding {
  const { exchange } = request
  const call = planned(exchange, account, counts)
  const rule = chooseFault(options.spec, call, candidate => counts.struck.get(candidate) ?? 0)
  if (rule === null) return next.forward(request, events)
  const message = describeFault(options.spec, rule, call)
  const onStruck = (): void => {
    counts.struck.set(rule, (counts.struck.get(rule) ?? 0) + 1)
    options.onInjected?.({ exchangeId: exchange.id, account, message })
  }
  const { fault } = rule
  if (fault.kind !== 'status' && fault.kind !== 'reset') return spoilAnswer(next, request, events, { fault, message, onStruck })
  onStruck()
  return answerInstead(message, () =>
    fault.kind === 'status'
      ? failWithStatus(exchange, rule, events)
      : events.onFailure({ stage: 'before-head', error: new TurnpikeError('E_INJECTED_FAULT', message) }),
  )
}

function planned(exchange: ForwardedExchange, account: Account, counts: Counts): PlannedCall {
  const { turn, protocol } = exchange
  return { scope: account.name, call: counts.calls, turn, model: readAsked(exchange), protocol: protocol?.id ?? '' }
}

/** Later, as from a network: whoever forwards first gets what controls the answer, then the answer. */
function answerInstead(message: string, answer: () => void): Forwarding {
  const soon = setImmediate(answer)
  return {
    pause: () => undefined,
    resume: () => undefined,
    abort: () => clearImmediate(soon),
    retries: () => 0,
    note: () => ({ code: 'E_INJECTED_FAULT', message }),
  }
}

function failWithStatus({ id, protocol }: ForwardedExchange, { fault }: InjectRule, events: ForwardEvents): void {
  if (protocol === null) return
  const { status, retryAfterS } = fault
  const body = Buffer.from(JSON.stringify(writeProviderError(protocol, status)))
  const headers = writeErrorHeaders(protocol, { requestId: `req_${id.toLowerCase()}`, bodyBytes: body.length, retryAfterS })
  events.onHead({ status, statusText: STATUS_CODES[status] ?? '', headers })
  events.onData(body)
  events.onEnd([])
}
