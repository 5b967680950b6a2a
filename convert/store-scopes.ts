// The scopes that REFs of a store stand for, with what the store's own records say about each. Reads exchanges' heads, no bodies.

import type { Exchange, Trial } from '../core/types.ts'
import type { ExchangeFilter, Ref, Store } from '../store/_adapter.ts'
import { readHeader } from './bodies.ts'
import { isCall } from './decode.ts'
import { readKnown } from './scope-facts.ts'
import type { ScopeInfo } from './source.ts'
import type { Facts } from './where.ts'

export interface StoreScope {
  readonly filter: ExchangeFilter
  readonly scope: ScopeInfo
  readonly facts: Facts
  /** Exchanges to read, and the bytes of their requests: how much work it is. */
  readonly calls: number
  readonly bytes: number
}

/** Share of turns passed of a trial; scoring is another stage, so whoever calls hands it in. */
export type ScoreOf = (trial: Trial) => Promise<number | null>

/** A run is its trials; each scope once, however often it is named, in the order it was named. */
export async function listStoreScopes(store: Store, refs: readonly Ref[], scoreOf?: ScoreOf): Promise<StoreScope[]> {
  const scopes = new Map<string, StoreScope>()
  const addTrial = async (trial: Trial): Promise<void> => {
    if (!scopes.has(trial.id)) scopes.set(trial.id, await readTrial(store, trial, scoreOf))
  }
  for (const ref of refs) {
    if (ref.kind === 'run') for (const trial of await store.list('trials', { runId: ref.id })) await addTrial(trial)
    else if (ref.kind === 'trial') for (const trial of await store.list('trials', { id: ref.id })) await addTrial(trial)
    else if (!scopes.has(ref.id)) {
      const scope = ref.kind === 'session' ? await readSession(store, ref) : await readExchange(store, ref)
      if (scope !== null) scopes.set(ref.id, scope)
    }
  }
  return [...scopes.values()]
}

async function readTrial(store: Store, trial: Trial, scoreOf: ScoreOf | undefined): Promise<StoreScope> {
  const filter = { scopeId: trial.id }
  const calls = (await store.exchanges(filter)).filter(isCall)
  const score = (await scoreOf?.(trial)) ?? null
  const version = readVersion(trial.agent, readProduct(calls))
  const scope: ScopeInfo = {
    kind: 'trial',
    id: trial.id,
    name: trial.name,
    runId: trial.runId,
    task: trial.taskId,
    agent: { name: trial.agent, version },
    score,
  }
  const { startedAt, endedAt, outcome } = trial
  const facts: Facts = {
    ...readKnown(scope),
    ...(outcome === null ? {} : { outcome: outcome.kind }),
    ...(startedAt === null || endedAt === null ? {} : { duration: (endedAt - startedAt) / 1000 }),
  }
  return { filter, scope, facts, ...weigh(calls) }
}

async function readSession(store: Store, { id, name }: Ref): Promise<StoreScope> {
  const filter = { scopeId: id }
  const calls = (await store.exchanges(filter)).filter(isCall)
  const scope: ScopeInfo = { kind: 'session', id, name, runId: null, task: null, agent: readProduct(calls), score: null }
  return { filter, scope, facts: readKnown(scope), ...weigh(calls) }
}

/** One exchange of a scope: of the scope's facts, those that hold for it too. */
async function readExchange(store: Store, ref: Ref): Promise<StoreScope | null> {
  const [exchange] = await store.exchanges({ id: ref.id })
  if (exchange === undefined) return null
  const { kind, id } = exchange.scope
  const calls = [exchange].filter(isCall)
  const [trial] = kind === 'trial' ? await store.list('trials', { id }) : []
  const [session] = kind === 'session' ? await store.list('sessions', { id }) : []
  const agent =
    trial === undefined ? readProduct(calls) : { name: trial.agent, version: readVersion(trial.agent, readProduct(calls)) }
  const scope: ScopeInfo = {
    kind,
    id,
    name: trial?.name ?? session?.name ?? id,
    runId: trial?.runId ?? null,
    task: trial?.taskId ?? null,
    agent,
    score: null,
  }
  return { filter: { id: ref.id }, scope, facts: readKnown(scope), ...weigh(calls) }
}

function weigh(calls: readonly Exchange[]): { readonly calls: number; readonly bytes: number } {
  return { calls: calls.length, bytes: calls.reduce((sum, call) => sum + call.requestBytes, 0) }
}

/** The first product of the first call's user-agent header: `codex_cli_rs/0.42.0 (…)`, `Anthropic/JS 1.11.0`. */
function readProduct(calls: readonly Exchange[]): ScopeInfo['agent'] {
  const header = calls[0] === undefined ? null : readHeader(calls[0].requestHeaders, 'user-agent')
  const match = /^([^\s/()]+)(?:\/(?:([A-Za-z]+) )?([^\s()]+))?/.exec(header?.trim() ?? '')
  const name = match?.[1]
  if (name === undefined) return null
  return { name: match?.[2] === undefined ? name : `${name}/${match[2]}`, version: match?.[3] ?? null }
}

/** A header names the version of whatever made the request; it is the agent's only where the two have one name. */
function readVersion(agent: string, product: ScopeInfo['agent']): string | null {
  const first = (name: string): string => /[a-z0-9]+/.exec(name.toLowerCase())?.[0] ?? ''
  return product !== null && first(product.name) === first(agent) ? product.version : null
}
