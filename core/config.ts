// The configuration of one command: flags over environment over file over defaults, checked as a whole and then frozen.
// The keys stand in config-keys.ts; what a command does with a value is the command's own business.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type BudgetScope, budgetKeyNames } from './budget-keys.ts'
import { configKeys } from './config-keys.ts'
import { makeFileSchema, readEnvironment, readFlags } from './config-values.ts'
import { TurnpikeError } from './errors.ts'
import { compileSchema } from './schema.ts'
import type { Json, JsonObject } from './types.ts'
import { readYaml } from './yaml.ts'

/** How the agent `command` starts its program; docs/agents.md lists the placeholders. */
export interface CommandChoice {
  readonly first: readonly string[]
  /** null = the program cannot continue a conversation. */
  readonly next: readonly string[] | null
  readonly stdin: string | null
  readonly env: Readonly<Record<string, string>>
}

export interface AgentChoice {
  readonly name: string
  readonly model: string | null
  readonly command: CommandChoice | null
  /** Absent = as its adapter says. */
  readonly version?: string
  readonly driver?: 'process' | 'acp' | 'stream-json'
  readonly protocol?: string
  /** Of the agent's own kind; absent = its defaults. */
  readonly settings?: AgentSettings
}

type AgentSettings = Readonly<Record<string, string | number | boolean | null>>

/** null = no limit. */
export interface BudgetChoice {
  readonly calls: number | null
  readonly tokens: number | null
  readonly costUsd: number | null
  readonly wallMs: number | null
}

export interface Config {
  readonly store: string
  readonly prices: string | null
  readonly proxy: {
    readonly host: string
    readonly port: number
    readonly models: string | null
    readonly upstream: string | null
    readonly upstreamCa: string | null
    readonly intercept: string | null
    readonly onRecordFailure: 'refuse' | 'pass'
    /** The words, or `@` and the path of a file of them. */
    readonly inject: string | null
    readonly meter: boolean
  }
  readonly budget: Readonly<Record<BudgetScope, BudgetChoice>>
  readonly simulated: { readonly enabled: boolean; readonly script: string | null; readonly seed: number }
  readonly replay: {
    readonly ref: string | null
    readonly onMiss: 'fail' | 'forward'
    readonly timing: 'zero' | 'recorded'
    readonly store: string | null
  }
  readonly run: {
    readonly name: string | null
    readonly tasks: string | null
    readonly agents: readonly AgentChoice[]
    readonly environment: 'local' | 'docker'
    readonly trials: number
    readonly attempts: number
    readonly feedback: 'none' | 'minimal' | 'medium' | 'detailed'
    readonly onFailure: 'continue' | 'stop' | 'reset-to-reference' | 'rollback'
    readonly fromTurn: number | string | null
    readonly toTurn: number | string | null
    readonly agentTimeoutMs: number
    readonly concurrency: number
    readonly freshSession: boolean
    readonly harborCompat: boolean
  }
  readonly agents: { readonly directory: string | null }
  /** The file that was read, if any. */
  readonly file: string | null
}

export interface ConfigSources {
  /** The current directory: relative paths of flags and environment start here, and turnpike.yaml is looked for here. */
  readonly directory: string
  /** --config; null looks for turnpike.yaml. */
  readonly file: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Values by key name that only flags outrank: what a recorded run was started with. */
  readonly base?: Readonly<Record<string, Json | undefined>>
  /** Values of flags by key name; what was not given is absent or undefined. */
  readonly flags: Readonly<Record<string, Json | undefined>>
}

type Values = Map<string, Json>

export function readConfig(sources: ConfigSources): Config {
  const { directory } = sources
  const file = findFile(sources)
  const layers = [
    resolvePaths(new Map(configKeys.map(key => [key.name, key.fallback])), directory),
    file === null ? new Map<string, Json>() : resolvePaths(readFile(file), dirname(file)),
    resolvePaths(readEnvironment(sources.environment), directory),
    resolvePaths(readFlags(sources.base ?? {}), directory),
    resolvePaths(readFlags(sources.flags), directory),
  ]
  const values: Values = new Map(layers.flatMap(layer => [...layer]))
  // An agent's own model in the file yields to a model that a flag or variable gives for the whole run.
  const originOf = (name: string): number => layers.findLastIndex(layer => layer.has(name))
  const modelWins = originOf('run.model') > originOf('run.agents')
  return deepFreeze(buildConfig(values, { file, modelWins }))
}

function findFile(sources: ConfigSources): string | null {
  if (sources.file !== null) return resolve(sources.directory, sources.file)
  const implied = join(sources.directory, 'turnpike.yaml')
  return existsSync(implied) ? implied : null
}

function readFile(file: string): Values {
  const sections = compileSchema<JsonObject | null>(makeFileSchema()).read(readYaml(readText(file), file))
  const values: Values = new Map()
  for (const key of configKeys) {
    let value: Json | undefined = sections
    for (const part of key.name.split('.')) value = (value as JsonObject | null | undefined)?.[part]
    if (value !== undefined && value !== null) values.set(key.name, value)
  }
  return values
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the configuration ${file}`, { cause })
  }
}

function resolvePaths(values: Values, directory: string): Values {
  for (const key of configKeys) {
    const value = values.get(key.name)
    if (typeof value !== 'string') continue
    if (key.kind === 'path') values.set(key.name, resolve(directory, value))
    if (key.kind === 'spec' && value.startsWith('@')) values.set(key.name, `@${resolve(directory, value.slice(1))}`)
  }
  return values
}

/** The values have passed the schema of their key, so their types are what the table says. */
function buildConfig(values: Values, origin: { readonly file: string | null; readonly modelWins: boolean }): Config {
  const get = <T>(name: string): T => values.get(name) as T
  return {
    store: get('store'),
    prices: get('prices'),
    proxy: {
      host: get('proxy.host'),
      port: get('proxy.port'),
      models: get('proxy.models'),
      upstream: get('proxy.upstream'),
      upstreamCa: get('proxy.upstream_ca'),
      intercept: get('proxy.intercept'),
      onRecordFailure: get('proxy.on_record_failure'),
      inject: get('proxy.inject'),
      meter: get('proxy.meter'),
    },
    budget: { trial: buildBudget('trial', get), session: buildBudget('session', get), run: buildBudget('run', get) },
    simulated: { enabled: get('simulated.enabled'), script: get('simulated.script'), seed: get('simulated.seed') },
    replay: {
      ref: get('replay.ref'),
      onMiss: get('replay.on_miss'),
      timing: get('replay.timing'),
      store: get('replay.store'),
    },
    run: {
      name: get('run.name'),
      tasks: get('run.tasks'),
      agents: buildAgents(get('run.agents'), get('run.model'), origin.modelWins),
      environment: get('run.environment'),
      trials: get('run.trials'),
      attempts: get('run.attempts'),
      feedback: get('run.feedback'),
      onFailure: get('run.on_failure'),
      fromTurn: get('run.from_turn'),
      toTurn: get('run.to_turn'),
      agentTimeoutMs: get('run.agent_timeout_ms'),
      concurrency: get('run.concurrency'),
      freshSession: get('run.fresh_session'),
      harborCompat: get('run.harbor_compat'),
    },
    agents: { directory: get('agents.directory') },
    file: origin.file,
  }
}

/** 0 in the configuration is how a default is switched off. */
function buildBudget(scope: BudgetScope, get: (name: string) => number | null): BudgetChoice {
  const [calls = null, tokens = null, costUsd = null, wallMs = null] = budgetKeyNames(scope).map(name => get(name) || null)
  return { calls, tokens, costUsd, wallMs }
}

interface AgentMapping extends Pick<AgentChoice, 'name' | 'version' | 'driver' | 'protocol' | 'settings'> {
  readonly model?: string
  /** A list is the argv of every first request. */
  readonly command?: readonly string[] | ({ readonly first: readonly string[] } & Partial<CommandChoice>)
}

function buildAgents(entries: ReadonlyArray<string | AgentMapping>, model: string | null, modelWins: boolean): AgentChoice[] {
  return entries.map(entry => {
    const { name, model: own, command, ...how }: AgentMapping = typeof entry === 'string' ? splitName(entry) : entry
    return { name, model: modelWins ? model : (own ?? model), command: buildCommand(command), ...how }
  })
}

/** `codex@0.169.0`: another version of its program. */
function splitName(text: string): AgentMapping {
  const at = text.indexOf('@')
  return at < 1 || at === text.length - 1 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) }
}

function buildCommand(command: AgentMapping['command']): CommandChoice | null {
  if (command === undefined) return null
  const given = 'first' in command ? command : { first: command }
  return { next: null, stdin: null, env: {}, ...given }
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}
