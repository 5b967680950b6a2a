// Harbor's result.json of a trial and of a job, made from the rows of a run. Pure. Keys and their meanings are Harbor's; what Harbor has no
// key for stands under `turnpike`, so that nothing is told under a name that means something else.

import { createHash } from 'node:crypto'
import { isExcluded } from '../core/cells.ts'
import { type Rewards, readReward } from '../core/turn-rewards.ts'
import type { AttemptRecord, Call, JsonObject, Trial, TurnRecord } from '../core/types.ts'
import { sumWritten } from '../core/usage.ts'

export interface HarborTurn {
  /** Null in single-step tasks. */
  readonly name: string | null
  readonly record: TurnRecord
  /** The last one; null when the turn was not played. */
  readonly attempt: AttemptRecord | null
  /** Null when the verifier left none that counts, or none was asked for. */
  readonly rewards: Rewards | null
}

export interface HarborTrial {
  /** `<task>__<id>`, as the folder is called. */
  readonly name: string
  readonly trial: Trial
  readonly taskPath: string
  readonly session: 'fresh' | 'continuous'
  readonly rewardOf: 'mean' | 'final'
  readonly turns: readonly HarborTurn[]
  readonly calls: readonly Call[]
  readonly agentVersion: string
  readonly config: JsonObject
}

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

const span = (from: number | null, to: number | null): JsonObject | null =>
  from === null ? null : { started_at: isoOf(from), finished_at: isoOf(to) }

/** Harbor's own aggregation: over the steps that have a result; null when none has. */
export function aggregateRewards(turns: readonly HarborTurn[], rewardOf: 'mean' | 'final'): Rewards | null {
  const played = turns.filter(turn => turn.attempt !== null)
  if (rewardOf === 'final') return played.at(-1)?.rewards ?? null
  const reported = played.flatMap(turn => (turn.rewards === null ? [] : [turn.rewards]))
  return reported.length === 0 ? null : meanOf(reported, reported.length)
}

function meanOf(rewards: readonly Rewards[], denominator: number): Rewards {
  const keys = [...new Set(rewards.flatMap(entry => Object.keys(entry)))]
  const sum = (key: string): number => rewards.reduce((total, entry) => total + (readReward(entry, key) ?? 0), 0)
  return Object.fromEntries(keys.map(key => [key, sum(key) / denominator]))
}

/** All three readings by their names, as scores have them: what has no reward counts as 0 only over the declared turns. */
export function nameMeans(turns: readonly HarborTurn[]): JsonObject {
  const counted = turns.filter(turn => !isExcluded(turn.record.state))
  const reported = counted.flatMap(turn => (turn.rewards === null ? [] : [turn.rewards]))
  return {
    mean_reported: reported.length === 0 ? null : meanOf(reported, reported.length),
    mean_declared: counted.length === 0 ? null : meanOf(reported, counted.length),
    final: turns.at(-1)?.rewards ?? null,
    turns_reported: reported.length,
    turns_declared: turns.length,
    turns_excluded: turns.length - counted.length,
  }
}

export function writeTrialResult(source: HarborTrial): JsonObject {
  const { trial, turns, name } = source
  const named = turns.some(turn => turn.name !== null)
  const only = named ? undefined : turns[0]
  const rewards = aggregateRewards(turns, source.rewardOf)
  return {
    id: uuidOf(trial.id),
    task_name: trial.taskId,
    trial_name: name,
    trial_uri: null,
    task_id: { path: source.taskPath },
    source: null,
    task_checksum: null,
    config: source.config,
    agent_info: { name: trial.agent, version: source.agentVersion, model_info: splitModel(trial.model) },
    agent_result: only === undefined ? null : writeUsage(source.calls),
    verifier_result: rewards === null ? null : { rewards },
    verifier_environment_mode: null,
    // Where there are steps, the agent's errors stand with them.
    exception_info: writeException(trial) ?? (only === undefined ? null : stepException(only)),
    started_at: isoOf(trial.startedAt),
    finished_at: isoOf(trial.endedAt),
    environment_setup: null,
    agent_setup: null,
    agent_execution: only === undefined ? null : agentSpan(only),
    verifier: only === undefined ? null : verifierSpan(only),
    step_results: named ? turns.filter(turn => turn.attempt !== null).map(turn => writeStep(turn, source.calls)) : null,
    turnpike: {
      trial_id: trial.id,
      trial: trial.name,
      session: source.session,
      outcome: trial.outcome?.kind ?? null,
      reason: trial.outcome?.reason ?? null,
      rewards: nameMeans(turns),
      turns: turns.map(({ name: step, record, attempt }) => ({
        step,
        state: record.state,
        attempts: record.attempts,
        cases_passed: attempt?.testsPassed ?? null,
        cases_total: attempt?.testsTotal ?? null,
      })),
    },
  }
}

function writeStep(turn: HarborTurn, calls: readonly Call[]): JsonObject {
  return {
    step_name: turn.name,
    agent_result: writeUsage(calls.filter(call => call.turn === turn.record.turn)),
    verifier_result: turn.rewards === null ? null : { rewards: turn.rewards },
    exception_info: stepException(turn),
    agent_execution: agentSpan(turn),
    verifier: verifierSpan(turn),
  }
}

const agentSpan = ({ attempt }: HarborTurn): JsonObject | null =>
  attempt === null ? null : span(attempt.startedAt, attempt.startedAt + attempt.agentMs)
const verifierSpan = ({ attempt }: HarborTurn): JsonObject | null =>
  attempt === null ? null : span(attempt.endedAt - attempt.verifyMs, attempt.endedAt)

/** Sums of what providers told; a class that one of the calls does not tell is unknown, not nothing. */
export function writeUsage(calls: readonly Call[]) {
  const sum = (read: (call: Call) => number | null): number | null =>
    calls.length === 0 ? null : calls.reduce<number | null>((total, call) => plus(total, read(call)), 0)
  const cached = (call: Call): number | null => call.usage?.cachedRead ?? (call.usage === null ? null : 0)
  const written = ({ usage }: Call): number => sumWritten(usage) ?? 0
  const nanoUsd = sum(call => call.costNanoUsd)
  return {
    n_input_tokens: sum(call => plus(plus(call.usage?.input ?? null, cached(call)), written(call))),
    n_cache_tokens: sum(cached),
    n_output_tokens: sum(call => call.usage?.output ?? null),
    cost_usd: nanoUsd === null ? null : nanoUsd / 1e9,
    rollout_details: null,
    metadata: { n_calls: calls.length },
  }
}

const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b)

/** Harbor's names where it has them. */
const exceptionTypes: Readonly<Record<string, string>> = {
  'environment-failed': 'EnvironmentError',
  'over-budget': 'BudgetExceededError',
  interrupted: 'CancelledError',
}

function writeException(trial: Trial): JsonObject | null {
  const type = exceptionTypes[trial.outcome?.kind ?? '']
  return type === undefined ? null : describeException(type, trial.outcome?.reason ?? '', trial.endedAt)
}

/** By Harbor's names, of a trial that did not go well; errors of its steps are counted as well, which Harbor does not. */
export function nameException({ trial, turns }: HarborTrial): string | null {
  const kind = trial.outcome?.kind ?? 'finished'
  if (kind === 'finished') return null
  const ofStep = turns.map(stepException).find(exception => exception !== null)
  return exceptionTypes[kind] ?? (typeof ofStep?.['exception_type'] === 'string' ? ofStep['exception_type'] : kind)
}

function stepException({ attempt }: HarborTurn): JsonObject | null {
  if (attempt === null) return null
  const { agentOutcome, agentExit, startedAt, agentMs } = attempt
  const at = startedAt + agentMs
  if (agentOutcome === 'timed-out') return describeException('AgentTimeoutError', 'the agent ran into its time limit', at)
  if (agentOutcome === 'failed-to-start') return describeException('AgentSetupError', 'the agent could not be started', at)
  if (agentExit === 0) return null
  return describeException('NonZeroAgentExitCodeError', `the agent ended with exit status ${agentExit ?? 'none (a signal)'}`, at)
}

function describeException(type: string, message: string, at: number | null): JsonObject {
  return { exception_type: type, exception_message: message, exception_traceback: '', occurred_at: isoOf(at) }
}

function splitModel(model: string | null): JsonObject | null {
  if (model === null) return null
  const slash = model.indexOf('/')
  return slash === -1 ? { name: model, provider: null } : { name: model.slice(slash + 1), provider: model.slice(0, slash) }
}

/** Harbor's ids are UUIDs; the same row always gets the same one. */
export function uuidOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex')
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
