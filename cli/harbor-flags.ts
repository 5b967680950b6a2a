// The flags of `harbor run` as values of our configuration. What would change a measurement and cannot be given is refused, never
// passed over.

import { TurnpikeError } from '../core/errors.ts'
import type { Json } from '../core/types.ts'
import { findAgent } from '../runner/agents/_all.ts'
import { loadTasks } from '../runner/tasks/_all.ts'
import type { CommandContext } from './commands/_command.ts'

export interface HarborFlags {
  /** By the names of our configuration. */
  readonly settings: Readonly<Record<string, Json>>
  readonly path: string
  readonly jobsDirectory: string
  readonly jobName: string | null
  /** What a person should know before it starts. */
  readonly notes: readonly string[]
}

export async function readHarborFlags(context: CommandContext): Promise<HarborFlags> {
  const { options } = context
  const text = (name: string): string | null => (typeof options[name] === 'string' ? options[name] : null)
  const path = text('path')
  if (path === null)
    throw new TurnpikeError('E_USAGE', 'no task given', { hint: 'name a task or a directory of tasks with --path' })
  const agent = text('agent') ?? 'oracle'
  refuseSettings(options['agentKwarg'], agent)
  const mode = text('fastForwardMode')
  if (mode !== null && mode !== 'oracle-solution')
    throw new TurnpikeError('E_USAGE', `--fast-forward-mode must be oracle-solution, not ${mode}`)
  const steps = await findSteps(context, path, text('startStep'), text('endStep'))
  if (steps.first !== null && steps.first > 1 && mode === null)
    throw new TurnpikeError('E_USAGE', '--start-step leaves out earlier steps', {
      hint: 'add --fast-forward-mode oracle-solution',
    })
  const fresh = await needsFresh(context, agent)
  return {
    path,
    jobsDirectory: text('jobsDir') ?? 'jobs',
    jobName: text('jobName'),
    notes: fresh ? [`note: ${agent} cannot continue a conversation: each step starts without memory (recorded as fresh)`] : [],
    settings: {
      'run.tasks': path,
      'run.agents': [{ name: agent }],
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

function refuseSettings(value: unknown, agent: string): void {
  if (!Array.isArray(value) || value.length === 0) return
  throw new TurnpikeError('E_USAGE', `the agent ${agent} takes no settings such as ${String(value[0])}`, {
    hint: 'leave out --agent-kwarg; results with a setting that was not applied could not be trusted',
  })
}

function readCount(text: string | null, flag: string, fallback: number): number {
  if (text === null) return fallback
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new TurnpikeError('E_USAGE', `${flag} must be a whole number from 1, not ${text}`)
}

/** An agent without memory is played all the same: scripts made for Harbor expect nothing else. */
async function needsFresh(context: CommandContext, agent: string): Promise<boolean> {
  if (context.config.run.freshSession || context.config.run.harborCompat) return false
  return !findAgent(agent).resumes({ id: agent, model: null })
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
