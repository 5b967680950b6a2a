// A command whose pipes stay open: one process that holds a conversation over many requests. Beside processes.ts, which runs commands
// to their end. Never leaves a process of its group behind once `ended` has resolved.

import { type ChildProcess, spawn } from 'node:child_process'
import { terminateGraceMs } from '../core/limits.ts'
import { createCappedText } from './capped-text.ts'
import type { RunningCommand } from './environments/_adapter.ts'
import { type Ended, type ExecResult, pause, readFirst, signalGroup, startLimit } from './processes.ts'

export interface TalkOptions {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number | null
  readonly signal: AbortSignal
  readonly outputCharsMax: number
  /** How the command is asked to end; absent = SIGTERM to its group. */
  readonly terminate?: (group: number) => void
  /** Runs when the command itself has ended: the place to kill what it left. */
  readonly onExit: (group: number, told: Promise<string>) => Promise<void>
  /** As for commands that run to their end. */
  readonly tells?: boolean
}

/** Resolves when the process runs; a program that cannot be started is a result of `ended`, never a rejection. */
export async function startTalk(options: TalkOptions): Promise<RunningCommand> {
  const startedAt = performance.now()
  const stderr = createCappedText(options.outputCharsMax)
  const [program = '', ...rest] = options.argv
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(options.tells === true ? ['pipe' as const] : [])],
  })
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // Whoever talks notices a closed pipe by the end of the process.
  child.stdin.on('error', () => undefined)
  let why: Ended = 'exited'
  const finish = (ended: Ended, exit: number | null, startFailure: string | null): ExecResult => ({
    ended,
    exit,
    stdout: '',
    stderr: stderr.text(),
    ms: performance.now() - startedAt,
    startFailure,
  })
  const ended = waitForEnd(child, options.onExit).then(({ exit, failure }) =>
    failure === null ? finish(why, exit, null) : finish('failed-to-start', null, failure),
  )
  const end = async (reason: Exclude<Ended, 'failed-to-start'>): Promise<void> => {
    why = reason
    if (child.pid !== undefined) {
      if (options.terminate === undefined) signalGroup(child.pid, 'SIGTERM')
      else options.terminate(child.pid)
      await Promise.race([ended, pause(terminateGraceMs)])
      signalGroup(child.pid, 'SIGKILL')
    }
    await ended
  }
  const onAbort = (): void => void end('interrupted')
  options.signal.addEventListener('abort', onAbort, { once: true })
  const timer = startLimit(options.timeoutMs, () => void end('timed-out'))
  void ended.then(() => {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  })
  if (options.signal.aborted) onAbort()
  return { stdin: child.stdin, stdout: child.stdout, ended, end }
}

async function waitForEnd(child: ChildProcess, onExit: TalkOptions['onExit']) {
  const told = readFirst(child.stdio[3])
  const outcome = await new Promise<{ exit: number | null; failure: string | null }>(resolve => {
    child.once('error', error => resolve({ exit: null, failure: error.message }))
    child.once('exit', exit => resolve({ exit, failure: null }))
  })
  if (child.pid !== undefined) await onExit(child.pid, told)
  return outcome
}
