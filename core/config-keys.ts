// Every key of the configuration, once: its name in turnpike.yaml, its flag, its kind, its default and what it means.
// core/config.ts reads values by this table, the command line makes its options from it, docs/config.md is generated from it.

import { agentKeys } from './agent-keys.ts'
import { budgetKeys, tollKeys } from './budget-keys.ts'
import { agentTimeoutMs } from './limits.ts'
import { networkKeys } from './network-keys.ts'
import type { Json } from './types.ts'

export interface ConfigKey {
  /** `section.key` in the file; the environment variable is TURNPIKE_SECTION_KEY. */
  readonly name: string
  /** The flag that sets it, with the word its value goes by in help; null when only file and environment can. */
  readonly flag: string | null
  /** A `path`, and a `spec` that names a file (`@path`), in a file is relative to that file, elsewhere to the current directory. */
  readonly kind: 'text' | 'path' | 'spec' | 'url' | 'whole' | 'number' | 'turn' | 'flag' | 'agents'
  readonly choices?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  /** null = not set. */
  readonly fallback: Json
  readonly meaning: string
}

export const configKeys: readonly ConfigKey[] = [
  {
    name: 'store',
    flag: '--store <dir>',
    kind: 'path',
    fallback: './.turnpike',
    meaning: 'Directory of the store, where everything recorded and measured lies.',
  },
  {
    name: 'prices',
    flag: '--prices <file>',
    kind: 'path',
    fallback: null,
    meaning: 'Price book to use in place of the one that comes with Turnpike.',
  },
  {
    name: 'proxy.host',
    flag: '--host <address>',
    kind: 'text',
    fallback: '127.0.0.1',
    meaning: 'Address the proxy listens on. Anyone who can reach it can use the keys it holds: keep it on loopback.',
  },
  {
    name: 'proxy.port',
    flag: '--port <n>',
    kind: 'whole',
    minimum: 0,
    maximum: 65535,
    fallback: 4000,
    meaning: 'Port of `turnpike proxy`; 0 takes a free one. `turnpike run` always takes a free one.',
  },
  {
    name: 'proxy.models',
    flag: '--models <file>',
    kind: 'path',
    fallback: null,
    meaning: 'Routes from model names to providers, in place of the built-in ones.',
  },
  {
    name: 'proxy.upstream',
    flag: '--upstream <url>',
    kind: 'url',
    fallback: null,
    meaning: 'One provider for every model: requests go there as they are, with the key the agent sent.',
  },
  ...networkKeys,
  {
    name: 'proxy.on_record_failure',
    flag: '--on-record-failure <what>',
    kind: 'text',
    choices: ['refuse', 'pass'],
    fallback: 'refuse',
    meaning: 'What happens to calls while the store cannot be written: refused, or passed on unrecorded (and said loudly).',
  },
  {
    name: 'simulated.enabled',
    flag: '--simulated',
    kind: 'flag',
    fallback: false,
    meaning: 'Answer every model with the simulated provider: no key, no network, and labelled so everywhere.',
  },
  {
    name: 'simulated.script',
    flag: '--script <file>',
    kind: 'path',
    fallback: null,
    meaning: 'Script of the simulated provider: what it answers to which instruction.',
  },
  {
    name: 'simulated.seed',
    flag: '--seed <n>',
    kind: 'whole',
    minimum: 0,
    fallback: 1,
    meaning: 'Seed of the simulated provider: the same seed gives the same bytes.',
  },
  {
    name: 'replay.ref',
    flag: '--replay <ref>',
    kind: 'text',
    fallback: null,
    meaning: 'Answer from this recording (run, trial, session or exchange) instead of a provider: no model, key or network.',
  },
  {
    name: 'replay.on_miss',
    flag: '--on-miss <what>',
    kind: 'text',
    choices: ['fail', 'forward'],
    fallback: 'fail',
    meaning: 'What happens to a call the recording has no answer for: a clear error, or on to the provider.',
  },
  {
    name: 'replay.timing',
    flag: '--replay-timing <when>',
    kind: 'text',
    choices: ['zero', 'recorded'],
    fallback: 'zero',
    meaning: 'Pace of replayed answers: as fast as they are taken, or with the delays of the recording.',
  },
  {
    name: 'replay.store',
    flag: '--replay-store <dir>',
    kind: 'path',
    fallback: null,
    meaning: 'Store the recording lies in, when it is not the one that is recorded into.',
  },
  {
    name: 'run.name',
    flag: '--name <name>',
    kind: 'text',
    fallback: null,
    meaning: 'Name of the run; made from agents and time when left out.',
  },
  {
    name: 'run.tasks',
    flag: '--tasks <path>',
    kind: 'path',
    fallback: null,
    meaning: 'File or directory of tasks.',
  },
  ...agentKeys,
  {
    name: 'run.model',
    flag: '--model <name>',
    kind: 'text',
    fallback: null,
    meaning: 'Model of every agent that names none of its own.',
  },
  {
    name: 'run.environment',
    flag: '--env <kind>',
    kind: 'text',
    choices: ['local', 'docker'],
    fallback: 'local',
    meaning:
      'Where agents work: `local` is a temporary directory with its own home and process group on this machine, `docker` a container (docs/environments.md).',
  },
  {
    name: 'run.trials',
    flag: '--trials <k>',
    kind: 'whole',
    minimum: 1,
    fallback: 1,
    meaning: 'How often each agent does each task from the start.',
  },
  {
    name: 'run.attempts',
    flag: '--attempts <n>',
    kind: 'whole',
    minimum: 1,
    fallback: 1,
    meaning: 'Tries at a turn: after a failed verification the agent gets feedback and tries again, up to this many in all.',
  },
  {
    name: 'run.feedback',
    flag: '--feedback <level>',
    kind: 'text',
    choices: ['none', 'minimal', 'medium', 'detailed'],
    fallback: 'medium',
    meaning: 'How much of the failed verification the agent is told before its next attempt.',
  },
  {
    name: 'run.on_failure',
    flag: '--on-failure <policy>',
    kind: 'text',
    choices: ['continue', 'stop', 'reset-to-reference', 'rollback'],
    fallback: 'continue',
    meaning: 'What follows a turn that failed all its attempts.',
  },
  {
    name: 'run.from_turn',
    flag: '--from-turn <k>',
    kind: 'turn',
    minimum: 1,
    fallback: null,
    meaning: 'First turn the agent does, by number or name; earlier ones are done by the reference solution.',
  },
  {
    name: 'run.to_turn',
    flag: '--to-turn <m>',
    kind: 'turn',
    minimum: 1,
    fallback: null,
    meaning: 'Last turn of each task, by number or name.',
  },
  {
    name: 'run.agent_timeout_ms',
    flag: '--agent-timeout-ms <ms>',
    kind: 'whole',
    minimum: 1,
    fallback: agentTimeoutMs,
    meaning: 'Time an agent has for one attempt, where the task sets none.',
  },
  {
    name: 'run.concurrency',
    flag: '--concurrency <n>',
    kind: 'whole',
    minimum: 1,
    fallback: 2,
    meaning: 'Trials at work at once.',
  },
  {
    name: 'run.fresh_session',
    flag: '--fresh-session',
    kind: 'flag',
    fallback: false,
    meaning: 'Start a new agent session for each turn; needed for agents that cannot continue one.',
  },
  {
    name: 'run.harbor_compat',
    flag: '--harbor-compat',
    kind: 'flag',
    fallback: false,
    meaning:
      'Do as Harbor does where Turnpike differs on purpose (docs/harbor.md has the table), for numbers to set beside its own.',
  },
  ...tollKeys,
  ...budgetKeys,
]

/** TURNPIKE_RUN_ON_FAILURE for run.on_failure. */
export function environmentName(key: ConfigKey): string {
  return `TURNPIKE_${key.name.replaceAll('.', '_').toUpperCase()}`
}
