// The accounts of scopes: what each trial, session and run has spent so far and how long it has been at work. An account is read from
// the store on first use, so that a restarted proxy or a resumed run goes on where it stood; after that it is kept in memory.

import type { EpochMs, Exchange, Scope, Usage } from '../core/types.ts'
import { findRoute, protocolById } from '../protocols/_all.ts'
import type { Store } from '../store/_adapter.ts'
import { type Clock, openClock } from './budget-clock.ts'
import { addCharge, addTally, type Charge, chargeOf, openTally, type Tally } from './budget-tally.ts'
import { headerValue } from './headers.ts'
import { readMetered } from './meter-read.ts'
import { findModel, findModelInPath } from './model.ts'

export interface Purse {
  readonly id: string
  readonly name: string
  readonly tally: Tally
  readonly clock: Clock
}

export interface Account extends Purse {
  readonly scope: Scope
  /** Null for sessions. */
  readonly run: Purse | null
  /** Calls that were recorded before the account was opened. */
  readonly callsBefore: number
  /** Calls that are running; an account with any is not forgotten. */
  inFlight: number
}

export interface PriceInputs {
  readonly protocol: string
  readonly route: string | null
  readonly model: string | null
  readonly usage: Usage
  readonly at: EpochMs
}

/** Nano-dollars; null = not known. */
export type Price = (inputs: PriceInputs) => number | null

export interface Accounts {
  /** Opens it on first use. */
  readonly open: (scope: Scope) => Promise<Account>
  /** What `open` has given for the scope; every call has passed it before it is forwarded. */
  readonly find: (scopeId: string) => Account | undefined
  readonly openRun: (runId: string) => Promise<Purse>
}

/** Accounts kept in memory; the one that was not used for the longest time is read again when it is needed. */
const accountsMax = 10_000

export function createAccounts(store: Store, price: Price): Accounts {
  const opened = new Map<string, Account>()
  const opening = new Map<string, Promise<Account>>()
  const runs = new Map<string, Promise<Purse>>()
  const openRun = (runId: string): Promise<Purse> => remember(runs, runId, () => readRun(store, runId, price))
  const open = async (scope: Scope): Promise<Account> => {
    const account =
      opened.get(scope.id) ??
      (await remember(opening, scope.id, () => readAccount(store, scope, price, openRun)).finally(() => opening.delete(scope.id)))
    // Callers that waited for the same reading get the same account.
    const kept = opened.get(scope.id) ?? account
    opened.delete(scope.id)
    opened.set(scope.id, kept)
    forgetOldest(opened)
    return kept
  }
  return { open, find: scopeId => opened.get(scopeId), openRun }
}

/** A reading that failed is tried again the next time. */
function remember<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = known.get(key)
  if (found !== undefined) return found
  const made = read().catch((error: unknown) => {
    known.delete(key)
    throw error
  })
  known.set(key, made)
  return made
}

function forgetOldest(opened: Map<string, Account>): void {
  if (opened.size <= accountsMax) return
  for (const [id, account] of opened) {
    if (account.inFlight > 0) continue
    opened.delete(id)
    return
  }
}

async function readAccount(store: Store, scope: Scope, price: Price, openRun: (id: string) => Promise<Purse>): Promise<Account> {
  if (scope.kind === 'trial') {
    const [trial] = await store.list('trials', { id: scope.id })
    // The run first: what its trials spent before is in the store, and nothing of them is running yet.
    const run = trial === undefined ? null : await openRun(trial.runId)
    const { tally } = await readSpent(store, scope.id, price)
    const clock = openClock(trial?.startedAt ?? null)
    const about = { id: scope.id, name: trial?.name ?? scope.id, scope, run }
    return { ...about, tally, callsBefore: tally.calls, clock, inFlight: 0 }
  }
  const [session] = await store.list('sessions', { id: scope.id })
  const { tally, firstAt } = await readSpent(store, scope.id, price)
  const about = { id: scope.id, name: session?.name ?? scope.id, scope, run: null }
  return { ...about, tally, callsBefore: tally.calls, clock: openClock(firstAt), inFlight: 0 }
}

async function readRun(store: Store, runId: string, price: Price): Promise<Purse> {
  const [run] = await store.list('runs', { id: runId })
  const tally = openTally()
  for (const trial of await store.list('trials', { runId })) addTally(tally, (await readSpent(store, trial.id, price)).tally)
  const { startedAt, workedMs } = await readWork(store, runId)
  return { id: runId, name: run?.name ?? runId, tally, clock: openClock(startedAt, workedMs) }
}

/** A run that was stopped and resumed has worked in several stretches, each from its `run-started` to its last event. */
async function readWork(store: Store, runId: string): Promise<{ startedAt: EpochMs | null; workedMs: number }> {
  let startedAt: EpochMs | null = null
  let lastAt = 0
  let workedMs = 0
  for (const event of await store.list('events', { runId })) {
    if (event.type === 'run-started') {
      if (startedAt !== null) workedMs += lastAt - startedAt
      startedAt = event.at
    }
    lastAt = event.at
  }
  return { startedAt, workedMs }
}

/** Everything recorded of a scope, priced again. */
async function readSpent(store: Store, scopeId: string, price: Price): Promise<{ tally: Tally; firstAt: EpochMs | null }> {
  const tally = openTally()
  const exchanges = (await store.exchanges({ scopeId })).filter(isCounted)
  for (const exchange of exchanges) {
    tally.calls += 1
    const charge = await readCharge(store, exchange, price)
    if (charge !== null) addCharge(tally, charge)
  }
  return { tally, firstAt: exchanges[0]?.startedAt ?? null }
}

/** A request for an answer of a model that a budget let through. */
function isCounted(exchange: Exchange): boolean {
  if (exchange.protocol === null || findRoute(exchange.method, exchange.path)?.purpose !== 'generate') return false
  return !(exchange.outcome === 'refused' && exchange.failure?.code.startsWith('E_BUDGET_') === true)
}

/** Null for what Turnpike itself refused: no provider has seen it. */
async function readCharge(store: Store, exchange: Exchange, price: Price): Promise<Charge | null> {
  const protocol = exchange.protocol === null ? null : protocolById(exchange.protocol)
  if (protocol === null || exchange.outcome === 'refused' || exchange.outcome === 'upstream-refused') return null
  const body = await store.readBody(exchange.id, 'response')
  const answer = body === null ? null : readMetered(protocol, exchange.responseHeaders, body.bytes, body.decodedFrom !== null)
  const asked = answer === null || answer.model === null ? await readAsked(store, exchange) : null
  const { route, startedAt: at } = exchange
  const end = { status: exchange.status, broken: exchange.failure !== null, modelAsked: asked }
  return chargeOf(answer, end, (model, usage) => price({ protocol: protocol.id, route, model, usage, at }))
}

async function readAsked(store: Store, exchange: Exchange): Promise<string | null> {
  if (headerValue(exchange.requestHeaders, 'content-encoding') !== null) return findModelInPath(exchange.path)
  const body = await store.readBody(exchange.id, 'request')
  return (body === null ? null : findModel(body.bytes)?.model) ?? findModelInPath(exchange.path)
}
