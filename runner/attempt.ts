// One attempt at a turn: move the trial in the store, run the agent, make sure it is dead, snapshot, verify, write it all down.
// The store knows the turn and attempt before the agent starts, so that every exchange carries them.

import { maskText } from '../core/redact.ts'
import type { TaskTurn } from '../core/task.ts'
import type { AttemptRecord, TestResult, Trial } from '../core/types.ts'
import type { AgentAdapter, AgentContext } from './agents/_adapter.ts'
import type { AgentReply, Dialogue } from './drivers/_driver.ts'
import { openProcesses } from './drivers/process.ts'
import type { Environment } from './environments/_adapter.ts'
import { reportFailure, reportLeaks, reportTampering } from './examine.ts'
import type { LeakWatch } from './leaks.ts'
import type { Ledger } from './ledger.ts'
import type { ExecResult } from './processes.ts'
import { retryEnvironment } from './retry.ts'
import type { Snapshots } from './snapshots.ts'
import { withSolution } from './solutions.ts'
import type { TamperWatch } from './tampering.ts'
import { copiesPlace, restoreNetwork, type VerificationDesk, verifyAttempt } from './verification.ts'
import { blamesWorkspace, type Verification } from './verify.ts'

/** What the attempts of one trial share. */
export interface Workbench {
  readonly ledger: Ledger
  readonly environment: Environment
  readonly agent: AgentAdapter
  readonly context: AgentContext
  readonly snapshots: Snapshots | null
  readonly agentTimeoutMs: number
  readonly desk: VerificationDesk
  readonly signal: AbortSignal
  /** How the agent is talked to, for the whole trial; absent = a process per request. */
  readonly dialogue?: Dialogue
  /** Looks for what verifiers brought in what the agent sends; absent = nobody looks. */
  readonly leaks?: LeakWatch
  /** Looks for programs of the system that the agent has replaced; absent = nobody looks. */
  readonly tampering?: TamperWatch
}

export interface AttemptInput {
  readonly trial: Trial
  readonly turn: TaskTurn
  readonly attempt: number
  readonly instruction: string
  readonly feedback: string | null
  readonly session: string
  readonly continues: boolean
}

export interface AttemptResult {
  readonly trial: Trial
  /** What the agent did; null when it had nothing to run. */
  readonly agent: ExecResult | null
  /** What the conversation can be continued by; null = what it was asked by. */
  readonly session: string | null
  /** Null when the attempt was interrupted before it was judged. */
  readonly verification: Verification | null
}

export async function runAttempt(bench: Workbench, input: AttemptInput): Promise<AttemptResult> {
  const { ledger, signal } = bench
  const at = { turn: input.turn.index, attempt: input.attempt }
  const startedAt = Date.now()
  const trial = await ledger.changeTrial(input.trial, at)
  await ledger.emit('attempt-started', trial, at)
  const { result: agent, session, lost } = await runAgent(bench, input)
  await ledger.emit('agent-ended', trial, { ...at, ...describeAgent(agent) })
  if (lost !== null) await ledger.emit('conversation-lost', trial, { ...at, reason: lost })
  const infrastructure = { signal, onRetry: (error: Error, retry: number) => warnOfRetry(ledger, trial, error, retry) }
  if (agent?.ended !== 'interrupted' && !signal.aborted && copiesPlace(input.turn, bench.desk))
    await retryEnvironment(async () => bench.environment.beginCopy?.(), infrastructure)
  // The home is remembered by nobody; the workspace is what counts.
  const snapshot = await retryEnvironment(
    () => takeSnapshot(bench, `turn ${at.turn}, attempt ${at.attempt}`, startedAt),
    infrastructure,
  )
  const examined = { trial, turn: input.turn, attempt: input.attempt, told: input.instruction }
  if (bench.leaks !== undefined) await reportLeaks(ledger, bench.leaks, examined)
  if (bench.tampering !== undefined) await reportTampering(ledger, bench.tampering, examined)
  const verifier = (await bench.leaks?.plant(input.turn.verifier)) ?? input.turn.verifier
  const verification =
    agent?.ended === 'interrupted' || signal.aborted
      ? null
      : await retryEnvironment(
          () => verifyAttempt(bench.environment, bench.desk, { ...input.turn, verifier }, signal),
          infrastructure,
        )
  // Where it has no copy to work in, what a verifier installs is none of the agent's doing.
  if (bench.desk.harborCompat) await bench.tampering?.inspect()
  const record = writeRecord({ input, agent, verification, snapshot: snapshot.commit, startedAt, token: bench.context.token })
  // Asked for at once, they are one trip to the disk, and come to be there together.
  await Promise.all([
    ledger.store.put('tests', nameTests(record, verification)),
    ledger.store.put('attempts', [record]),
    verification === null ? null : ledger.emit('attempt-verified', trial, { ...at, ...describeVerification(verification) }),
  ])
  if (verification !== null && !verification.passed && verification.unverified !== true)
    await reportFailure(ledger, { ...examined, agent, changed: snapshot.changed })
  return { trial, agent, session, verification }
}

async function runAgent(bench: Workbench, input: AttemptInput): Promise<AgentReply> {
  const { turn } = input
  const request = {
    instruction: input.instruction,
    session: input.session,
    continues: input.continues,
    solution: turn.solution,
  }
  const dialogue = bench.dialogue ?? openProcesses(bench)
  const ask = (env: Readonly<Record<string, string>>): Promise<AgentReply> =>
    dialogue.ask(request, {
      timeoutMs: turn.timeoutMs ?? bench.agentTimeoutMs,
      env,
      ...(turn.agentUser === undefined ? {} : { user: turn.agentUser }),
    })
  if (bench.agent.id === 'oracle') return withSolution(bench.environment, turn, ({ env }) => ask(env))
  if (turn.agentNetwork === undefined) return ask({})
  try {
    await bench.environment.setNetwork(turn.agentNetwork)
    return await ask({})
  } finally {
    await restoreNetwork(bench.environment, bench.desk)
  }
}

/** Of the workspace as it stands; nothing where nothing is recorded. */
export async function takeSnapshot(bench: Workbench, label: string, now: number) {
  if (bench.snapshots === null) return { commit: null, changed: null }
  try {
    const directory = await bench.environment.exportWorkspace()
    const commit = await bench.snapshots.take(directory, label, now)
    return { commit, changed: await bench.snapshots.differs(commit) }
  } catch (error) {
    // The verification says so too, and the turn fails: it must not end the trial here.
    if (!blamesWorkspace(error)) throw error
    return { commit: null, changed: null }
  }
}

export function warnOfRetry(ledger: Ledger, trial: Trial, error: Error, retry: number): Promise<void> {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return ledger.emit('environment-retried', trial, { retry, reason: error.message + cause })
}

function describeAgent(agent: ExecResult | null) {
  const kills = agent?.memoryKills === undefined ? {} : { memoryKills: agent.memoryKills }
  return { outcome: nameOutcome(agent), exit: agent?.exit ?? null, ms: Math.round(agent?.ms ?? 0), ...kills }
}

function describeVerification({ passed, testsPassed, testsTotal, ms, rewards, flags }: Verification) {
  const told = { ...(rewards === undefined ? {} : { rewards }), ...(flags?.length ? { flags } : {}) }
  return { passed, testsPassed, testsTotal, ms: Math.round(ms), ...told }
}

const nameOutcome = (agent: ExecResult | null): AttemptRecord['agentOutcome'] => agent?.ended ?? 'exited'

interface RecordInput {
  readonly input: AttemptInput
  readonly agent: ExecResult | null
  readonly verification: Verification | null
  readonly snapshot: string | null
  readonly startedAt: number
  readonly token: string
}

function writeRecord({ input, agent, verification, snapshot, startedAt, token }: RecordInput): AttemptRecord {
  return {
    trialId: input.trial.id,
    turn: input.turn.index,
    attempt: input.attempt,
    passed: verification?.passed ?? false,
    testsPassed: verification?.testsPassed ?? 0,
    testsTotal: verification?.testsTotal ?? 0,
    agentOutcome: nameOutcome(agent),
    agentExit: agent === null ? 0 : agent.exit,
    agentMs: agent?.ms ?? 0,
    verifyMs: verification?.ms ?? 0,
    feedback: input.feedback,
    snapshot,
    agentOutput: agent === null ? '' : maskText(joinOutput(agent), [token]),
    verifierOutput: verification?.output ?? '',
    startedAt,
    endedAt: Date.now(),
  }
}

function joinOutput(agent: ExecResult): string {
  const started = agent.startFailure === null ? '' : `could not be started: ${agent.startFailure}\n`
  return started + agent.stdout + (agent.stderr === '' ? '' : `\n--- standard error ---\n${agent.stderr}`)
}

function nameTests(record: AttemptRecord, verification: Verification | null): TestResult[] {
  const { trialId, turn, attempt } = record
  return (verification?.tests ?? []).map(test => ({ trialId, turn, attempt, ...test }))
}
