// Plays one turn: attempts with feedback between them until one passes, none is left, or going on would measure nothing.
// Decides the turn's state; writes no turn row itself.

import type { TaskTurn } from '../core/task.ts'
import type { Trial, TrialOutcomeKind, TurnState } from '../core/types.ts'
import { type AttemptResult, runAttempt, type Workbench } from './attempt.ts'
import { blameProvider } from './blame.ts'
import { writeFeedback } from './feedback.ts'
import type { Policy } from './policy.ts'
import type { ExecResult } from './processes.ts'

/** The agent's conversation, carried from attempt to attempt and, unless sessions are fresh, from turn to turn. */
export interface Conversation {
  readonly session: string
  readonly started: boolean
}

export interface TurnInput {
  readonly trial: Trial
  readonly turn: TaskTurn
  readonly policy: Policy
  readonly conversation: Conversation
  readonly newSession: () => string
  /** Told to the agent before the request, such as that the workspace was set back; null for nothing. */
  readonly notice: string | null
}

export interface TurnResult {
  readonly trial: Trial
  readonly state: TurnState
  readonly attempts: number
  readonly conversation: Conversation
  readonly reason: string | null
  /** Of the last attempt, where its verifier speaks in rewards; null when it left none. */
  readonly rewards?: Readonly<Record<string, number>> | null
  /** Set when the trial cannot go on. */
  readonly ends: TrialOutcomeKind | null
}

export async function playTurn(bench: Workbench, input: TurnInput): Promise<TurnResult> {
  const { turn, policy } = input
  const remembers = bench.agent.resumes(bench.context.spec)
  let trial = input.trial
  let conversation = input.conversation
  let feedback: string | null = null
  for (let attempt = 1; ; attempt++) {
    if (conversation.started && !remembers) conversation = { session: input.newSession(), started: false }
    const said = feedback ?? turn.instruction
    const result = await runAttempt(bench, {
      trial,
      turn,
      attempt,
      instruction: input.notice === null || attempt > 1 ? said : `${input.notice}\n\n${said}`,
      feedback,
      session: conversation.session,
      continues: conversation.started,
    })
    trial = result.trial
    conversation = followSession(conversation, result)
    const end = await judgeAttempt(bench, result, turn.index, attempt)
    const over = end.state === 'passed' || end.state === 'skipped' || end.ends !== null || attempt >= policy.attempts
    const rewards = result.verification?.rewards === undefined ? {} : { rewards: result.verification.rewards }
    if (over || result.verification === null) return { trial, attempts: attempt, conversation, ...rewards, ...end }
    const { instruction } = turn
    const older = await listOlderCases(bench, trial, turn.index)
    feedback = writeFeedback({ level: policy.feedback, instruction, verdict: result.verification, remembers, older })
  }
}

async function listOlderCases(bench: Workbench, trial: Trial, turn: number): Promise<Set<string>> {
  const tests = await bench.ledger.store.list('tests', { trialId: trial.id })
  return new Set(tests.filter(test => test.turn < turn).map(test => test.name))
}

function followSession(conversation: Conversation, { agent, session }: AttemptResult): Conversation {
  if (agent === null || agent.ended === 'failed-to-start') return conversation
  return { session: session ?? conversation.session, started: true }
}

type End = Pick<TurnResult, 'state' | 'reason' | 'ends'>

/** A passed verification stands whatever the agent's exit status says; only a failure is asked for its cause. */
async function judgeAttempt(bench: Workbench, result: AttemptResult, turn: number, attempt: number): Promise<End> {
  const { agent, verification, trial } = result
  if (verification === null) return { state: 'missing', reason: 'interrupted', ends: 'interrupted' }
  if (verification.passed) return { state: 'passed', reason: null, ends: null }
  if (agent?.ended === 'failed-to-start') {
    const reason = `the agent could not be started: ${agent.startFailure}`
    if (await hasRun(bench, trial)) return { state: 'agent-error', reason, ends: 'agent-failed' }
    return { state: 'infra-error', reason, ends: 'environment-failed' }
  }
  const blame = blameProvider(await bench.ledger.store.exchanges({ scopeId: trial.id, turn, attempt }), turn, attempt)
  if (blame?.kind === 'budget') return { state: 'failed', reason: blame.reason, ends: 'over-budget' }
  if (blame?.kind === 'provider') return { state: 'infra-error', reason: blame.reason, ends: 'environment-failed' }
  if (verification.unverified) return { state: 'skipped', reason: null, ends: null }
  if (agent?.ended === 'timed-out')
    return { state: 'failed', reason: `turn ${turn}: the agent ran into its time limit`, ends: null }
  if (agent !== null && agent.exit !== 0) {
    const how = agent.exit === null ? 'was ended by a signal' : `ended with exit status ${agent.exit}`
    return { state: 'agent-error', reason: `turn ${turn}: the agent ${how}${describeMemory(agent)}`, ends: null }
  }
  return { state: 'failed', reason: null, ends: null }
}

/** Whoever has run may have removed itself; a program that was never there is nobody's failure to solve the task. */
async function hasRun({ ledger }: Workbench, trial: Trial): Promise<boolean> {
  const attempts = await ledger.store.list('attempts', { trialId: trial.id })
  return attempts.some(attempt => attempt.agentOutcome !== 'failed-to-start')
}

/** An agent lives within the memory of its task: to want more is its own failure. */
function describeMemory({ memoryKills = 0 }: ExecResult): string {
  if (memoryKills === 0) return ''
  const what = memoryKills === 1 ? 'a process' : `${memoryKills} processes`
  return `: out of memory, the kernel ended ${what} of it (memory_mb of the task is the limit)`
}
