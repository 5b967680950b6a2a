// The flags of `harbor run` as values of our configuration. What would change a measurement and cannot be given is refused, never
// passed over.

import { TurnpikeError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/types.ts'
import type { AgentSpec } from '../runner/agents/_adapter.ts'
import { findAgent } from '../runner/agents/_all.ts'
import { loadTasks } from '../runner/tasks/_all.ts'
import type { CommandContext } from './commands/_command.ts'

export interface HarborPlace {
  readonly jobsDirectory: string
  /** Null: by the time. */
  readonly jobName: string | null
}

export interface HarborFlags extends HarborPlace {
  /** By the names of our configuration. */
  readonly settings: Readonly<Record<string, Json>>
  readonly path: string
  /** What a person should know before it starts. */
  readonly notes: readonly string[]
}

export async function readHarborFlags(context: CommandContext): Promise<HarborFlags> {
  const { options } = context
  const text = (name: string): string | null => (typeof options[name] === 'string' ? options[name] : null)
  const path = text('path')
  if (path === null)
    throw new TurnpikeError('E_USAGE', 'no task given', { hint: 'name a task or a directory of tasks with --path' })
  const { agent, notes } = chooseAgent(context, text('agent') ?? 'oracle')
  const mode = text('fastForwardMode')
  if (mode !== null && mode !== 'oracle-solution')
    throw new TurnpikeError('E_USAGE', `--fast-forward-mode must be oracle-solution, not ${mode}`)
  const steps = await findSteps(context, path, text('startStep'), text('endStep'))
  if (steps.first !== null && steps.first > 1 && mode === null)
    throw new TurnpikeError('E_USAGE', '--start-step leaves out earlier steps', {
      hint: 'add --fast-forward-mode oracle-solution',
    })
  const fresh = needsFresh(context, agent)
  return {
    path,
    ...readPlace(context),
    notes: [
      ...notes,
      ...(fresh
        ? [`note: ${agent.name} cannot continue a conversation: each step starts without memory (recorded as fresh)`]
        : []),
    ],
    settings: {
      'run.tasks': path,
      'run.agents': [agent],
      ...(text('model') === null ? {} : { 'run.model': text('model') }),
      'run.environment': text('env') ?? 'docker',
      'run.trials': readCount(text('nAttempts'), '--n-attempts', 1),
      'run.concurrency': readCount(text('nConcurrent'), '--n-concurrent', 4),
      ...(steps.first === null ? {} : { 'run.from_turn': steps.first }),
      ...(steps.last === null ? {} : { 'run.to_turn': steps.last }),
      ...(fresh ? { 'run.fresh_session': true } : {}),
    },
  }
}

export function readPlace({ options }: CommandContext): HarborPlace {
  const { jobsDir, jobName } = options
  return {
    jobsDirectory: typeof jobsDir === 'string' ? jobsDir : 'jobs',
    jobName: typeof jobName === 'string' ? jobName : null,
  }
}

/** Names that Harbor has for programs we drive under another one. */
const namesakes: Readonly<Record<string, string>> = {
  'cline-cli': 'cline',
  'copilot-cli': 'copilot',
  'grok-build': 'grok',
  'kimi-code': 'kimi',
  'qwen-coder': 'qwen-code',
  'terminus-2': 'terminus',
}

interface Chosen {
  readonly agent: JsonObject & { readonly name: string }
  readonly notes: readonly string[]
}

/** As the configuration describes it, where that has an agent of the name: a `command` is nothing without its command line. */
function chooseAgent({ config, options }: CommandContext, given: string): Chosen {
  const name = namesakes[given] ?? given
  const notes = name === given ? [] : [`note: ${given} is played by ${name}, and the results say so`]
  const known = config.run.agents.find(choice => choice.name === name)
  const settings = { ...known?.settings, ...readSettings(options['agentKwarg']) }
  const { model, command, ...rest } = known ?? { name, model: null, command: null }
  const template = Object.entries(command ?? {}).filter(([, value]) => value !== null)
  const described = {
    ...rest,
    // A model given beside the agent is the one that is meant.
    ...(model === null || typeof options['model'] === 'string' ? {} : { model }),
    ...(template.length === 0 ? {} : { command: Object.fromEntries(template) }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  }
  return { agent: described as Chosen['agent'], notes }
}

/** `key=value`: what is written as a number, true, false or null is one, as scripts made for Harbor write it. */
function readSettings(value: unknown): Record<string, string | number | boolean | null> {
  const pairs = (Array.isArray(value) ? value.map(String) : []).map((pair): [string, string | number | boolean | null] => {
    const [, key = '', text = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
    if (key === '') throw new TurnpikeError('E_USAGE', `--agent-kwarg must be key=value, not ${JSON.stringify(pair)}`)
    return [key, readScalar(text)]
  })
  return Object.fromEntries(pairs)
}

function readScalar(text: string): string | number | boolean | null {
  try {
    const value: unknown = JSON.parse(text)
    return value === null || ['number', 'boolean', 'string'].includes(typeof value)
      ? (value as string | number | boolean | null)
      : text
  } catch {
    return text
  }
}

function readCount(text: string | null, flag: string, fallback: number): number {
  if (text === null) return fallback
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new TurnpikeError('E_USAGE', `${flag} must be a whole number from 1, not ${text}`)
}

/** An agent without memory is played all the same: scripts made for Harbor expect nothing else. */
function needsFresh(context: CommandContext, agent: Chosen['agent']): boolean {
  if (context.config.run.freshSession || context.config.run.harborCompat) return false
  const { name: id, ...how } = agent
  return !findAgent(id).resumes({ id, model: null, ...how } as AgentSpec)
}

/** Steps by name or number; the name must be one of a single task. */
async function findSteps(context: CommandContext, path: string, first: string | null, last: string | null) {
  const numbers = { first: readNumber(first), last: readNumber(last) }
  if (numbers.first !== undefined && numbers.last !== undefined) return { first: numbers.first, last: numbers.last }
  const { tasks } = await loadTasks(path, { environment: context.environment, harborCompat: false })
  const find = (name: string | null, number: number | null | undefined): number | null => {
    if (number !== undefined) return number
    const turn = tasks.length === 1 ? tasks[0]?.turns.find(candidate => candidate.name === name) : undefined
    if (turn !== undefined) return turn.index
    const known = tasks[0]?.turns.map(candidate => candidate.name ?? candidate.index).join(', ')
    throw new TurnpikeError('E_USAGE', `no step is named ${name}`, { hint: `steps of ${path}: ${known}` })
  }
  return { first: find(first, numbers.first), last: find(last, numbers.last) }
}

const readNumber = (text: string | null): number | null | undefined =>
  text === null ? null : /^[1-9]\d*$/.test(text) ? Number(text) : undefined

/** Local time, as Harbor names its jobs: scripts look for folders that begin with the year. */
export function nameJob(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-')
  return `${day}__${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('-')}`
}
