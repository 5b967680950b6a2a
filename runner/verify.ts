// Verifies a turn: on a copy of the workspace, with files and a report path that exist only while it lasts, in a home of its own.
// Runs only after the agent's processes are dead and leaves no trace for the next turn. A verifier that cannot be run at all is
// a broken environment, never a failed turn.

import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { Verifier } from '../core/task.ts'
import type { Environment, FileRead, Scratch } from './environments/_adapter.ts'
import type { ExecResult } from './processes.ts'
import { reachVerdict, type Verdict } from './results/verdict.ts'

export interface Verification extends Verdict {
  /** Only where the verifier speaks in rewards; null when it left none that counts. */
  readonly rewards?: Readonly<Record<string, number>> | null
  /** Contradictions a person should look at. */
  readonly flags?: readonly string[]
  /** Nothing verifies the turn: it is played and not scored. */
  readonly unverified?: true
  readonly output: string
  readonly ms: number
}

/** Report files larger than this are cut, and a cut report fails: no honest suite writes one. */
const reportBytesMax = 32 * 1024 * 1024

/** Null when it was interrupted. Throws E_ENVIRONMENT_FAILED when the verifier could not do its work. */
export async function verifyTurn(
  environment: Environment,
  verifier: Verifier,
  signal: AbortSignal,
): Promise<Verification | null> {
  await environment.endProcesses()
  try {
    return await verifyOnCopy(environment, verifier, signal)
  } catch (error) {
    return judgeWorkspace(error)
  }
}

function verifyOnCopy(environment: Environment, verifier: Verifier, signal: AbortSignal): Promise<Verification | null> {
  return environment.onCopy(async () => {
    const scratch = await environment.makeScratch()
    try {
      return await runVerifier(environment, verifier, scratch, signal)
    } finally {
      await environment.removeScratch(scratch)
    }
  })
}

/** True for trouble with a workspace that comes of what the agent made of it. */
export const blamesWorkspace = (error: unknown): error is TurnpikeError =>
  isTurnpikeError(error) && error.details['blame'] === 'workspace'

/** A workspace that cannot be copied because of what the agent made of it is the agent's failure: else spoiling it would undo a zero. */
export function judgeWorkspace(error: unknown): Verification {
  if (!blamesWorkspace(error)) throw error
  const tests = [{ name: 'workspace', status: 'error' as const, message: `the workspace cannot be judged: ${error.message}` }]
  return { passed: false, tests, testsPassed: 0, testsTotal: 1, output: error.message, ms: 0 }
}

async function runVerifier(
  environment: Environment,
  verifier: Verifier,
  scratch: Scratch,
  signal: AbortSignal,
): Promise<Verification | null> {
  await environment.writeFiles(environment.workspace, verifier.files)
  const startedAtMs = await environment.tellTime()
  const reportPath = `${scratch.path}/results`
  const result = await environment.exec(verifier.command, {
    env: { HOME: scratch.home, TMPDIR: scratch.temporary, TURNPIKE_RESULTS: reportPath },
    timeoutMs: verifier.timeoutMs,
    signal,
  })
  if (result.ended === 'interrupted') return null
  refuseMissingProgram(result, verifier)
  const verdict = reachVerdict({
    result,
    report: readReport(await environment.readFile(reportPath, reportBytesMax), startedAtMs),
    timeoutMs: verifier.timeoutMs,
    nodeTestFiles: Object.keys(verifier.files).filter(path => verifier.files[path]?.includes('node:test')),
    workspace: environment.workspace,
  })
  return { ...verdict, output: joinOutput(result), ms: result.ms }
}

function readReport(report: FileRead | null, startedAtMs: number): string | null {
  return report === null || report.modifiedAtMs < startedAtMs ? null : report.text
}

/** `pytest` that is not installed is no fault of the agent; `./run.sh` that is not there may well be. */
function refuseMissingProgram(result: ExecResult, verifier: Verifier): void {
  const program = verifier.command[0] ?? ''
  if (result.ended !== 'failed-to-start' || program.startsWith('.') || program in verifier.files) return
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the verifier cannot be run: ${result.startFailure}`, {
    hint: `install ${program} or correct verifier.command of the task`,
  })
}

function joinOutput(result: ExecResult): string {
  const started = result.startFailure === null ? '' : `could not be started: ${result.startFailure}\n`
  return started + result.stdout + (result.stderr === '' ? '' : `\n--- standard error ---\n${result.stderr}`)
}
