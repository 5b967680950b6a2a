// The plan of a run: every cell (task x agent x repetition), named, checked and counted before the first agent starts. Refuses
// what could not be measured fairly. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { AgentAdapter, AgentSpec } from './agents/_adapter.ts'
import { findAgent } from './agents/_all.ts'
import { refuseChoice } from './agents/_choices.ts'
import type { Policy } from './policy.ts'
import { rangeOf, type TurnRange } from './turn-range.ts'

export interface Cell {
  /** `<task>.<agent>.<k>`; with the model when the run has the agent more than once. */
  readonly name: string
  readonly task: Task
  readonly spec: AgentSpec
  readonly agent: AgentAdapter
  /** 1-based repetition. */
  readonly index: number
  /** The run's rules with the turns of this task. */
  readonly policy: Policy
}

export interface GridOptions {
  readonly tasks: readonly Task[]
  readonly agents: readonly AgentSpec[]
  readonly trials: number
  readonly policy: Policy
  /** First and last turn as they were asked for; absent = the policy's. */
  readonly range?: TurnRange
  /** Trials begin in a recorded state: no reference solution has to lead there. */
  readonly forked?: boolean
}

/** First repetitions of everything come first: a run that is stopped early has seen each task and agent. */
export function planGrid(options: GridOptions): Cell[] {
  checkNumbers(options)
  const cells: Cell[] = []
  for (let index = 1; index <= options.trials; index++) {
    for (const task of options.tasks) {
      const policy = rangeOf(task, options.policy, options.range ?? {})
      if (index === 1) checkTurns(policy)
      for (const spec of options.agents) {
        const agent = findAgent(spec.id)
        if (index === 1) checkCell(task, spec, agent, { ...options, policy })
        cells.push({ name: `${task.id}.${labelAgent(spec, options.agents)}.${index}`, task, spec, agent, index, policy })
      }
    }
  }
  refuseTwins(cells)
  return cells
}

function labelAgent(spec: AgentSpec, all: readonly AgentSpec[]): string {
  const twins = all.filter(other => other.id === spec.id)
  if (twins.length === 1) return spec.id
  // Further words only where models alone do not tell them apart.
  const sameModel = twins.filter(other => other.model === spec.model).length > 1
  const more = sameModel ? [spec.version, spec.driver, spec.protocol].filter(word => word !== undefined) : []
  return [`${spec.id}@${spec.model ?? 'default'}`, ...more].join('@')
}

function checkNumbers({ tasks, agents, trials, policy }: GridOptions): void {
  if (tasks.length === 0) throw new TurnpikeError('E_USAGE', 'no tasks to run')
  if (agents.length === 0) throw new TurnpikeError('E_USAGE', 'no agents to run')
  checkCounts({ trials, attempts: policy.attempts })
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TurnpikeError('E_USAGE', `${name} must be a whole number from 1, not ${value}`)
  }
}

function checkTurns(policy: Policy): void {
  checkCounts({ 'from-turn': policy.fromTurn, 'to-turn': policy.toTurn ?? policy.fromTurn })
  if (policy.toTurn !== null && policy.toTurn < policy.fromTurn) {
    throw new TurnpikeError('E_USAGE', `to-turn ${policy.toTurn} lies before from-turn ${policy.fromTurn}`)
  }
}

function checkCell(task: Task, spec: AgentSpec, agent: AgentAdapter, { policy, forked = false }: GridOptions): void {
  const refuse = (what: string, hint?: string): never => {
    throw new TurnpikeError('E_USAGE', what, hint === undefined ? {} : { hint })
  }
  const complaint = refuseChoice(spec, agent)
  if (complaint !== null) refuse(`agent ${spec.id} ${complaint}`)
  const last = Math.min(policy.toTurn ?? task.turns.length, task.turns.length)
  if (policy.fromTurn > task.turns.length)
    refuse(`task ${task.id} has ${task.turns.length} turns; from-turn is ${policy.fromTurn}`)
  const played = last - policy.fromTurn + 1
  if (played > 1 && !policy.freshSession && !agent.resumes(spec)) {
    refuse(
      `agent ${spec.id} cannot continue a conversation, and task ${task.id} has ${played} turns`,
      'use --fresh-session to start each turn without memory (it is recorded), or give the agent a way to continue',
    )
  }
  const needed = agent.id === 'oracle' || policy.onFailure === 'reset-to-reference' ? last : forked ? 0 : policy.fromTurn - 1
  const without = task.turns.slice(0, needed).find(turn => turn.solution === null)
  if (without) {
    const where = `${task.source.file}:${task.source.line}`
    refuse(
      `${where}: turn ${without.name ?? without.index} of task ${task.id} has no solution, which this run needs`,
      'give it one (turns[].solution in JSON Lines; solution/solve.sh of the step or of the task in Harbor’s), or leave the task out',
    )
  }
}

function refuseTwins(cells: readonly Cell[]): void {
  const names = new Set<string>()
  for (const { name } of cells) {
    if (names.has(name))
      throw new TurnpikeError('E_USAGE', `two cells of the run are named ${name}`, { hint: 'name each agent and model once' })
    names.add(name)
  }
}
