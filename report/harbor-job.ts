// Harbor's result.json of a job: counts, tokens and rewards of its trials, by agent, model and data set. Pure.

import { readReward } from '../core/turn-rewards.ts'
import type { Json, JsonObject, Run } from '../core/types.ts'
import { aggregateRewards, type HarborTrial, nameException, uuidOf, writeUsage } from './harbor-results.ts'

export function writeJobResult(run: Run, trials: readonly HarborTrial[], dataset: string | null): JsonObject {
  const ended = trials.filter(({ trial }) => trial.state === 'ended')
  const errored = ended.filter(isErrored)
  const { n_input_tokens, n_cache_tokens, n_output_tokens, cost_usd } = writeUsage(trials.flatMap(({ calls }) => calls))
  return {
    id: uuidOf(run.id),
    started_at: new Date(run.startedAt).toISOString(),
    updated_at: new Date(run.endedAt ?? run.startedAt).toISOString(),
    finished_at: run.endedAt === null ? null : new Date(run.endedAt).toISOString(),
    n_total_trials: trials.length,
    stats: {
      n_completed_trials: ended.length,
      n_errored_trials: errored.length,
      n_running_trials: 0,
      n_pending_trials: trials.length - ended.length,
      n_cancelled_trials: trials.filter(({ trial }) => trial.outcome?.kind === 'interrupted').length,
      n_retries: 0,
      ...{ n_input_tokens, n_cache_tokens, n_output_tokens, cost_usd },
      evals: writeEvals(trials, dataset),
    },
  }
}

/** What broke outside the agent, and errors of single turns, which Harbor itself leaves out of its count. */
function isErrored({ trial, turns }: HarborTrial): boolean {
  const broken = trial.outcome !== null && trial.outcome.kind !== 'finished'
  return broken || turns.some(turn => turn.record.state === 'infra-error' || turn.record.state === 'agent-error')
}

function writeEvals(trials: readonly HarborTrial[], dataset: string | null): JsonObject {
  const groups = new Map<string, HarborTrial[]>()
  for (const entry of trials) {
    const name = `${entry.trial.agent}__${entry.trial.model ?? 'none'}__${dataset ?? 'adhoc'}`
    groups.set(name, [...(groups.get(name) ?? []), entry])
  }
  return Object.fromEntries([...groups].map(([name, group]) => [name, writeEval(group)]))
}

function writeEval(group: readonly HarborTrial[]): JsonObject {
  const rewards = group.map(entry => ({ entry, rewards: aggregateRewards(entry.turns, entry.rewardOf) }))
  const keys = [...new Set(rewards.flatMap(({ rewards: found }) => Object.keys(found ?? {})))]
  const exceptions: Record<string, string[]> = {}
  for (const entry of group) {
    const type = nameException(entry)
    if (type !== null) exceptions[type] = [...(exceptions[type] ?? []), entry.name]
  }
  // A trial without a result counts 0 here, as in Harbor's metrics; report.json says which of them broke outside the agent.
  const mean = (key: string): number =>
    rewards.reduce((sum, { rewards: found }) => sum + (readReward(found, key) ?? 0), 0) / group.length
  return {
    n_trials: group.length,
    n_errors: group.filter(isErrored).length,
    metrics: keys.map((key): JsonObject => (key === 'reward' ? { mean: mean(key) } : { [key]: mean(key) })),
    pass_at_k: {},
    reward_stats: Object.fromEntries(keys.map(key => [key, groupByValue(rewards, key)])),
    exception_stats: exceptions,
  }
}

type Rewarded = ReadonlyArray<{ readonly entry: HarborTrial; readonly rewards: Readonly<Record<string, number>> | null }>

function groupByValue(rewards: Rewarded, key: string): Json {
  const found: Record<string, string[]> = {}
  for (const { entry, rewards: values } of rewards) {
    const value = readReward(values, key)
    if (value === null) continue
    found[String(value)] = [...(found[String(value)] ?? []), entry.name]
  }
  return found
}
