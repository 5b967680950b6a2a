// Rows of `turnpike sessions`, `runs` and `trials`: the store's nouns with calls, tokens and cost summed beside them.
// The keys are a contract (snake_case; times ISO 8601 UTC; cost null unless every call has a price).

import { currentTrials } from '../core/cells.ts'
import { readUsd } from '../core/money.ts'
import type { Call, EpochMs, Trial } from '../core/types.ts'
import { foldTotals } from '../judge/cost.ts'
import type { Store } from '../store/_adapter.ts'
import { readRunId } from './scopes.ts'

export interface ListingRow {
  readonly id: string
  readonly name: string
  readonly calls: number
  readonly tokens: {
    readonly input: number
    readonly cached_read: number
    readonly cached_write: number
    readonly output: number
  }
  /** Calls that did not say what they used: with any, `tokens` is a lower bound. */
  readonly tokens_unknown_calls: number
  readonly cost_usd: number | null
  readonly cost_usd_at_least: number
  readonly unpriced_calls: number
  readonly started_at: string | null
  readonly [more: string]: unknown
}

export async function listSessions(store: Store): Promise<ListingRow[]> {
  const sessions = await store.list('sessions')
  return Promise.all(
    sessions.map(async session => ({
      id: session.id,
      name: session.name,
      source: session.source,
      agent_session: session.agentSession,
      ...sumCalls(await store.list('calls', { scopeId: session.id })),
      started_at: writeTime(session.startedAt),
    })),
  )
}

export async function listRuns(store: Store): Promise<ListingRow[]> {
  const runs = await store.list('runs')
  return Promise.all(
    runs.map(async run => {
      const trials = await store.list('trials', { runId: run.id })
      const current = currentTrials(trials)
      const calls = await Promise.all(trials.map(trial => store.list('calls', { scopeId: trial.id })))
      return {
        id: run.id,
        name: run.name,
        state: run.state,
        simulated: run.simulated,
        // What was played again counts once, and costs what it has cost.
        trials: current.length,
        superseded_trials: trials.length - current.length,
        agents: [...new Set(trials.map(trial => trial.agent))],
        planned_turns: run.plannedTurns,
        turnpike_version: run.turnpikeVersion,
        ...sumCalls(calls.flat()),
        started_at: writeTime(run.startedAt),
        ended_at: writeTime(run.endedAt),
      }
    }),
  )
}

/** Of one run, or of all with `runName` null. */
export async function listTrials(store: Store, runName: string | null): Promise<ListingRow[]> {
  const trials = await store.list('trials', runName === null ? {} : { runId: await readRunId(store, runName) })
  const current = new Set(currentTrials(trials).map(trial => trial.id))
  return Promise.all(
    trials.map(async trial => ({
      ...writeTrial(trial, await store.list('calls', { scopeId: trial.id })),
      superseded: !current.has(trial.id),
    })),
  )
}

function writeTrial(trial: Trial, calls: readonly Call[]): ListingRow {
  return {
    id: trial.id,
    name: trial.name,
    run_id: trial.runId,
    task: trial.taskId,
    agent: trial.agent,
    model: trial.model,
    index: trial.index,
    state: trial.state,
    outcome: trial.outcome?.kind ?? null,
    reason: trial.outcome?.reason ?? null,
    turn: trial.turn,
    attempt: trial.attempt,
    planned_turns: trial.plannedTurns,
    ...sumCalls(calls),
    started_at: writeTime(trial.startedAt),
    ended_at: writeTime(trial.endedAt),
  }
}

export function writeTime(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

export function sumCalls(
  calls: readonly Call[],
): Pick<ListingRow, 'calls' | 'tokens' | 'tokens_unknown_calls' | 'cost_usd' | 'cost_usd_at_least' | 'unpriced_calls'> {
  const totals = foldTotals(calls)
  const { input, cachedRead, cachedWrite, output, unknown } = totals.tokens
  return {
    calls: totals.calls,
    tokens: { input, cached_read: cachedRead, cached_write: cachedWrite, output },
    tokens_unknown_calls: unknown,
    cost_usd: readUsd(totals),
    cost_usd_at_least: totals.nanoUsd / 1e9,
    unpriced_calls: totals.unpricedCalls,
  }
}
