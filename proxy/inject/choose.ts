// Chooses the fault of each model call, in the order they come, over plain requests and WebSockets alike; keeps count of both.

import type { Account, Accounts } from '../budget-accounts.ts'
import type { ForwardedExchange } from '../forward.ts'
import { isCall, readAsked } from '../meter.ts'
import { chooseFault, describeFault } from './plan.ts'
import type { Fault, InjectRule, InjectSpec } from './spec.ts'

export interface InjectOptions {
  readonly spec: InjectSpec
  readonly accounts: Accounts
  readonly onInjected?: (injected: { readonly exchangeId: string; readonly message: string }) => void
}

export interface ChosenFault {
  readonly fault: Fault
  /** For the record. */
  readonly message: string
  /** To be called when it happens: a fault that found no place has not. */
  readonly onStruck: () => void
}

/** Null for what is no model call, and for calls that are left alone. */
export type Chooser = (exchange: ForwardedExchange) => ChosenFault | null

interface Counts {
  calls: number
  readonly struck: Map<InjectRule, number>
}

export function createChooser({ spec, accounts, onInjected }: InjectOptions): Chooser {
  const counts = new WeakMap<Account, Counts>()
  return exchange => {
    const account = accounts.find(exchange.scope.id)
    if (account === undefined || !isCall(exchange)) return null
    const known = counts.get(account) ?? { calls: account.callsBefore, struck: new Map() }
    counts.set(account, known)
    known.calls += 1
    const { turn, protocol } = exchange
    const call = { scope: account.name, call: known.calls, turn, model: readAsked(exchange), protocol: protocol?.id ?? '' }
    const rule = chooseFault(spec, call, candidate => known.struck.get(candidate) ?? 0)
    if (rule === null) return null
    const message = describeFault(spec, rule, call)
    const onStruck = (): void => {
      known.struck.set(rule, (known.struck.get(rule) ?? 0) + 1)
      onInjected?.({ exchangeId: exchange.id, message })
    }
    return { fault: rule.fault, message, onStruck }
  }
}
