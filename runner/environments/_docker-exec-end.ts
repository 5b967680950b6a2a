// How a command in a container ended, from what the daemon knows and what the supervisor's marks say. Beside _docker-exec.ts. A command that a daemon in
// trouble never began, or has lost, is nobody's result.

import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import { type Ended, type ExecResult, waitFor } from '../processes.ts'
import { askDocker, unknownUser } from './_docker-client.ts'

export type ExecOutcome = ExecResult & { readonly directoryGone: boolean }

/** A busy daemon takes a second. */
const exitWaitMs = 15_000

/** The daemon may still be writing it down when the streams have closed. One that never does has lost it: nobody knows how the command ended. */
export async function readExit(exec: Docker.Exec): Promise<number | null> {
  const deadline = performance.now() + exitWaitMs
  for (let pauseMs = 2; performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 20)) {
    const found = await askDocker('the end of a command cannot be read', () => exec.inspect())
    if (!found.Running) return found.ExitCode
    await waitFor(pauseMs)
  }
  throw commandLost()
}

export const commandLost = (): TurnpikeError =>
  new TurnpikeError('E_ENVIRONMENT_FAILED', 'the daemon has lost a command that ran in the container', {
    details: { lost: true },
  })

interface End {
  readonly ended: Ended
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
  readonly startedAt: number
  readonly mark: string | null
}

/** A shell that its agent has replaced may keep silent about a command and claim that it succeeded: that is a failure, and the agent's own. */
export async function settle(end: End, isTampered?: () => Promise<boolean>): Promise<ExecOutcome> {
  if (!isSilent(end)) return describeEnd(end)
  if (await isTampered?.()) return describeEnd({ ...end, exit: end.exit || 126 })
  throw neverBegan(end.stdout + end.stderr)
}

const beganLine = (mark: string | null): string => (mark === null ? '' : `${mark} began\n`)

/** 128 + n is how a shell says that signal n ended a command; who was killed from outside has no status of its own. */
const isKilled = (exit: number | null): boolean => exit === null || exit === 137 || exit === 143

/** The supervisor has not said a word, and nothing else that is known of says why. */
function isSilent({ ended, exit, stdout, stderr, mark }: End): boolean {
  return ended === 'exited' && !isKilled(exit) && !stderr.startsWith(beganLine(mark)) && !placeWords.test(stdout + stderr)
}

function describeEnd({ ended, exit, stdout, stderr, startedAt, mark }: End): ExecOutcome {
  const ms = performance.now() - startedAt
  const began = beganLine(mark)
  const said = stderr.startsWith(began) ? stderr.slice(began.length) : stderr
  const marked = mark !== null && said.startsWith(`${mark} `) ? said.slice(mark.length + 1).split('\n', 1)[0] : null
  const missing = ended === 'exited' && marked === 'missing'
  return {
    ended: missing ? 'failed-to-start' : ended,
    exit: missing || ended !== 'exited' || isKilled(exit) ? null : exit,
    stdout,
    stderr: marked === null ? said : '',
    ms,
    startFailure: missing ? 'there is no such program in the container' : null,
    directoryGone: marked === 'directory',
  }
}

/** A place without a shell or its libraries, which an agent may have removed: no trouble of the daemon. */
const placeWords = /OCI runtime|shared librar|exec format error|no such file|not found|permission denied/i

function neverBegan(said: string): TurnpikeError {
  const reason = said.trim().slice(0, 300)
  return new TurnpikeError('E_ENVIRONMENT_FAILED', `a command never began in the container: ${reason}`, {
    // Another container would not know the user either.
    details: unknownUser.test(reason) ? {} : { lost: true },
  })
}

export function interrupted(startedAt: number): ExecOutcome {
  const ms = performance.now() - startedAt
  return { ended: 'interrupted', exit: null, stdout: '', stderr: '', ms, startFailure: null, directoryGone: false }
}
