// Starts agents in process groups of their own and ends every process that lives in their home directory, daemons included. A turn has
// a hard time limit; nothing an agent started outlives it.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Started {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface TurnResult {
  readonly exit: number | null
  readonly timedOut: boolean
  readonly output: string
  readonly ms: number
}

export function start({ program, args, cwd, env }: Started): ChildProcessWithoutNullStreams {
  return spawn(program, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
}

export function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

/** Runs to the end, or to the time limit. */
export function runToEnd(started: Started, stdin: string, timeoutMs: number): Promise<TurnResult> {
  const startedAt = Date.now()
  return new Promise(resolve => {
    const child = start(started)
    let output = ''
    let timedOut = false
    const collect = (bytes: Buffer): void => {
      output += bytes.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child)
    }, timeoutMs)
    const finish = (exit: number | null): void => {
      clearTimeout(timer)
      resolve({ exit, timedOut, output, ms: Date.now() - startedAt })
    }
    child.on('error', error => {
      output += String(error)
      finish(null)
    })
    // `close` would wait for daemons that inherited the pipes.
    child.on('exit', code => setTimeout(() => finish(code), 50))
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
  })
}

/** Ends whatever still runs with this home directory, also what has moved to a session of its own. */
export function endAllOf(home: string): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`))
        process.kill(Number(pid), 'SIGKILL')
    } catch {
      // Not ours, or gone already.
    }
  }
}
