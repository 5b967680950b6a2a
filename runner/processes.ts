// Runs one command in its own process group and tells how it ended. Below whatever of the runner starts a program.
// Never waits for grandchildren that hold the pipes, never lets a timeout kill the direct child only.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { terminateGraceMs, timerMsMax } from '../core/limits.ts'
import { createCappedText } from './capped-text.ts'

export type Ended = 'exited' | 'timed-out' | 'interrupted' | 'failed-to-start'

export interface GroupOptions {
  readonly argv: readonly string[]
  readonly cwd: string
  /** The whole environment of the process; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** Written to its standard input, which is empty otherwise. */
  readonly stdin?: string | Buffer
  readonly timeoutMs: number | null
  readonly signal: AbortSignal
  readonly outputCharsMax: number
  /** How long output may still arrive after the command itself has ended, from children it left behind. */
  readonly lingerMs?: number
  /** How the command is asked to end, for commands that run inside another; absent = SIGTERM to its group. */
  readonly terminate?: (group: number) => void
  /** Runs when the command itself has ended, before its last output is collected: the place to kill what it left. */
  readonly onExit?: (group: number, told: Promise<string>) => Promise<void>
  /** Opens a pipe as descriptor 3 of the command; `onExit` gets the first that was written there, or an empty text. */
  readonly tells?: boolean
}

export interface ExecResult {
  readonly ended: Ended
  /** Exit status; null when a signal ended it or it never started. */
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  /** Why it could not be started; null otherwise. */
  readonly startFailure: string | null
  /** All that was written on descriptor 3, where it was a pipe. */
  readonly told?: string
  /** How many of its processes the kernel ended for want of memory, where that is known; absent = none, or not known. */
  readonly memoryKills?: number
}

/** A command that fails, cannot be found, or takes too long is a result; this never rejects because of the command. */
export async function runGroup(options: GroupOptions): Promise<ExecResult> {
  const startedAt = performance.now()
  const stdout = createCappedText(options.outputCharsMax)
  const stderr = createCappedText(options.outputCharsMax)
  const finish = (ended: Ended, exit: number | null, startFailure: string | null): ExecResult => {
    return { ended, exit, stdout: stdout.text(), stderr: stderr.text(), ms: performance.now() - startedAt, startFailure }
  }
  if (options.signal.aborted) return finish('interrupted', null, null)
  let child: ChildProcess
  try {
    const [program = '', ...rest] = options.argv
    // Without input it gets /dev/null: on a pipe of Node's (a socket) bash takes itself for a remote login and reads ~/.bashrc.
    const stdin = options.stdin === undefined ? 'ignore' : 'pipe'
    const stdio: StdioOptions = [stdin, 'pipe', 'pipe', ...(options.tells === true ? ['pipe' as const] : [])]
    child = spawn(program, rest, { cwd: options.cwd, env: { ...options.env }, detached: true, stdio })
  } catch (error) {
    return finish('failed-to-start', null, error instanceof Error ? error.message : String(error))
  }
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes))
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const told = readFirst(child.stdio[3])
  const allTold = createCappedText(options.outputCharsMax)
  child.stdio[3]?.on('data', (bytes: Buffer) => allTold.push(bytes))
  const started = await waitForStart(child)
  if (started !== null) return finish('failed-to-start', null, started)
  // A command that does not read its input closes the pipe: that is its right.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(options.stdin)

  const { ended, exit } = await waitForExit(child, options)
  if (child.pid !== undefined) await options.onExit?.(child.pid, told)
  await Promise.race([closed, pause(options.lingerMs ?? 2_000)])
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.stdio[3]?.destroy()
  return { ...finish(ended, exit, null), ...(options.tells === true ? { told: allTold.text() } : {}) }
}

/** The first that arrives on a pipe; an empty text when it closes before. */
export function readFirst(pipe: ChildProcess['stdio'][3]): Promise<string> {
  return new Promise(resolve => {
    if (!pipe) return resolve('')
    pipe.once('data', (bytes: Buffer) => resolve(bytes.toString()))
    pipe.once('close', () => resolve(''))
    pipe.once('error', () => resolve(''))
  })
}

function waitForStart(child: ChildProcess): Promise<string | null> {
  return new Promise(resolve => {
    child.once('spawn', () => resolve(null))
    child.once('error', error => resolve(error.message))
  })
}

/** Null = no limit. */
export function startLimit(timeoutMs: number | null, onLate: () => void): NodeJS.Timeout | undefined {
  return timeoutMs === null ? undefined : setTimeout(onLate, Math.min(timeoutMs, timerMsMax))
}

async function waitForExit(child: ChildProcess, options: GroupOptions): Promise<{ ended: Ended; exit: number | null }> {
  let ended: Ended = 'exited'
  let exit: number | null = child.exitCode
  let killTimer: NodeJS.Timeout | undefined
  const end = (why: Ended): void => {
    if (ended !== 'exited' || child.pid === undefined) return
    ended = why
    const group = child.pid
    if (options.terminate === undefined) signalGroup(group, 'SIGTERM')
    else options.terminate(group)
    killTimer = setTimeout(() => signalGroup(group, 'SIGKILL'), terminateGraceMs)
  }
  const onAbort = (): void => end('interrupted')
  const timer = startLimit(options.timeoutMs, () => end('timed-out'))
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) onAbort()
  if (child.exitCode === null && child.signalCode === null) {
    exit = await new Promise(resolve => child.once('exit', code => resolve(code)))
  }
  clearTimeout(timer)
  options.signal.removeEventListener('abort', onAbort)
  clearTimeout(killTimer)
  if (ended !== 'exited' && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  return { ended, exit }
}

/** Sends a signal to a process group; false when no process of the group is left. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}

/** For races: does not keep this process alive when nothing else does. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms).unref()
  })
}

/** For looking again: what is looked for must be found even when this process has nothing else to do. */
export function waitFor(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms)
  })
}
