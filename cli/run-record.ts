// The configuration as a run keeps it: what makes its numbers comparable, and what `--resume` needs to go on. No secret gets in:
// keys never are configuration, credentials in URLs are cut out, values of secret-looking variables are withheld.

import { budgetKeyNames } from '../core/budget-keys.ts'
import type { AgentChoice, Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import { findKeyShapes } from '../core/redact.ts'
import type { Json, JsonObject, Run } from '../core/types.ts'

const withheld = '(withheld)'

export function writeRunRecord(config: Config, fork: string | null = null): JsonObject {
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
    harbor_compat: run.harborCompat,
    simulated: simulated.enabled,
    script: simulated.enabled ? simulated.script : null,
    seed: simulated.enabled ? simulated.seed : null,
    upstream: proxy.upstream === null ? null : withoutCredentials(proxy.upstream),
    models: proxy.models,
    on_record_failure: proxy.onRecordFailure,
    inject: proxy.inject,
    ...writeBudgets(config),
    ...(fork === null ? {} : { fork }),
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
      first: command.first.map(withholdShape),
      ...(command.next === null ? {} : { next: command.next.map(withholdShape) }),
      ...(command.stdin === null ? {} : { stdin: command.stdin }),
      env,
    },
  }
}

const withholdShape = (word: string): string => (findKeyShapes(word).length > 0 ? withheld : word)

function withholdSecret(name: string, value: string): string {
  if (/^\{[a-z_]+\}$/.test(value)) return value
  return /key|token|secret|password|credential/i.test(name) ? withheld : withholdShape(value)
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

/** `<trial id>@<turn>` of a run that was forked from it. */
export function readForkName(run: Run): string | null {
  const fork =
    typeof run.config === 'object' && run.config !== null && !Array.isArray(run.config)
      ? (run.config as JsonObject)['fork']
      : null
  return typeof fork === 'string' ? fork : null
}

/** The record of a run as values by key name, to go on with what it was started with. `argv`: the agent's command line is given anew. */
export function readRunRecord(run: Run, { argv = false } = {}): Record<string, Json> {
  if (typeof run.config !== 'object' || run.config === null || Array.isArray(run.config)) return {}
  const record = argv ? withoutCommands(run.config as JsonObject) : (run.config as JsonObject)
  if (JSON.stringify(record).includes(`"${withheld}"`))
    throw new TurnpikeError('E_USAGE', `the run ${run.name} used secrets, which are not recorded`, {
      hint: 'resume it with the configuration it was started with (turnpike run --resume RUN --config FILE) or the same command after --',
    })
  const fields = Object.entries(record).filter(([name, value]) => value !== null && name !== 'fork')
  return Object.fromEntries(
    fields.map(([name, value]) => [name.startsWith('budget.') ? name : (keyOf[name] ?? `run.${name}`), value]),
  )
}

function withoutCommands(record: JsonObject): JsonObject {
  const agents = (record['agents'] ?? []) as readonly JsonObject[]
  return { ...record, agents: agents.map(({ command: _command, ...agent }) => agent) }
}

/** What must stay the same for the numbers of a run to be of one kind; what a machine, a place or a purse allows may change. */
const measure = [
  'agents',
  'environment',
  'trials',
  'attempts',
  'feedback',
  'on_failure',
  'from_turn',
  'to_turn',
  'agent_timeout_ms',
  'fresh_session',
  'harbor_compat',
  'simulated',
  'seed',
  'inject',
] as const

/** Trials that stand and trials to come would share one report, headed by the settings of the first. */
export function refuseOtherMeasure(run: Run, config: Config): void {
  if (typeof run.config !== 'object' || run.config === null || Array.isArray(run.config)) return
  const before = run.config as JsonObject
  const now = writeRunRecord(config)
  const other = measure.filter(name => name in before && JSON.stringify(before[name]) !== JSON.stringify(now[name]))
  if (other.length === 0) return
  const tell = (name: string): string => `${name} was ${JSON.stringify(before[name])}, not ${JSON.stringify(now[name])}`
  throw new TurnpikeError('E_USAGE', `the run ${run.name} was started with other settings: ${other.map(tell).join('; ')}`, {
    hint: 'leave out what differs: --resume takes it from the store; for other settings start a new run',
  })
}
