// The configuration as a run keeps it: what makes its numbers comparable, and what `--resume` needs to go on. No secret gets in:
// keys never are configuration, credentials in URLs are cut out, values of secret-looking variables are withheld.

import { budgetKeyNames } from '../core/budget-keys.ts'
import type { AgentChoice, Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import { findKeyShapes } from '../core/redact.ts'
import type { Json, JsonObject, Run } from '../core/types.ts'

const withheld = '(withheld)'

export function writeRunRecord(config: Config): JsonObject {
  const { run, simulated, proxy, replay } = config
  return {
    tasks: run.tasks,
    agents: run.agents.map(writeAgent),
    environment: run.environment,
    trials: run.trials,
    attempts: run.attempts,
    feedback: run.feedback,
    on_failure: run.onFailure,
    from_turn: run.fromTurn,
    to_turn: run.toTurn,
    agent_timeout_ms: run.agentTimeoutMs,
    concurrency: run.concurrency,
    fresh_session: run.freshSession,
    simulated: simulated.enabled,
    script: simulated.enabled ? simulated.script : null,
    seed: simulated.enabled ? simulated.seed : null,
    upstream: proxy.upstream === null ? null : withoutCredentials(proxy.upstream),
    models: proxy.models,
    on_record_failure: proxy.onRecordFailure,
    inject: proxy.inject,
    ...writeBudgets(config),
    replay: replay.ref,
    on_miss: replay.ref === null ? null : replay.onMiss,
    replay_timing: replay.ref === null ? null : replay.timing,
    replay_store: replay.ref === null ? null : replay.store,
  }
}

/** What a run may spend, by the names of the configuration; 0 where a default was switched off. */
function writeBudgets({ budget }: Config): JsonObject {
  const figures = (['trial', 'run'] as const).flatMap(scope => {
    const { calls, tokens, costUsd, wallMs } = budget[scope]
    const values = [calls, tokens, costUsd, wallMs]
    return budgetKeyNames(scope).map((name, index): [string, number | null] => [name, values[index] ?? null])
  })
  const switchedOff = budget.trial.calls === null ? [['budget.trial.calls', 0] as const] : []
  return Object.fromEntries([...figures.filter(([, value]) => value !== null), ...switchedOff])
}

function writeAgent(agent: AgentChoice): JsonObject {
  const { name, model, command, ...how } = agent
  const entry = { name, ...(model === null ? {} : { model }), ...how }
  if (command === null) return entry
  const env = Object.fromEntries(Object.entries(command.env).map(([name, value]) => [name, withholdSecret(name, value)]))
  return {
    ...entry,
    command: {
      first: command.first,
      ...(command.next === null ? {} : { next: command.next }),
      ...(command.stdin === null ? {} : { stdin: command.stdin }),
      env,
    },
  }
}

function withholdSecret(name: string, value: string): string {
  if (/^\{[a-z_]+\}$/.test(value)) return value
  return /key|token|secret|password|credential/i.test(name) || findKeyShapes(value).length > 0 ? withheld : value
}

function withoutCredentials(url: string): string {
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  return parsed.href
}

/** Where each field of the record stands in the configuration. */
const keyOf: Readonly<Record<string, string>> = {
  simulated: 'simulated.enabled',
  script: 'simulated.script',
  seed: 'simulated.seed',
  upstream: 'proxy.upstream',
  models: 'proxy.models',
  on_record_failure: 'proxy.on_record_failure',
  inject: 'proxy.inject',
  replay: 'replay.ref',
  on_miss: 'replay.on_miss',
  replay_timing: 'replay.timing',
  replay_store: 'replay.store',
}

/** The record of a run as values by key name, to go on with what it was started with. */
export function readRunRecord(run: Run): Record<string, Json> {
  if (typeof run.config !== 'object' || run.config === null || Array.isArray(run.config)) return {}
  if (JSON.stringify(run.config).includes(`"${withheld}"`))
    throw new TurnpikeError('E_USAGE', `the run ${run.name} used variables with secrets, which are not recorded`, {
      hint: 'resume it with the configuration it was started with: turnpike run --resume RUN --config FILE',
    })
  const fields = Object.entries(run.config as JsonObject).filter(([, value]) => value !== null)
  return Object.fromEntries(
    fields.map(([name, value]) => [name.startsWith('budget.') ? name : (keyOf[name] ?? `run.${name}`), value]),
  )
}
