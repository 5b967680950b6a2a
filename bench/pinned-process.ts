// Starts the processes of a benchmark: pinned to a core where taskset is there, ready when they say so, stopped by their own id.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import net from 'node:net'
import { cpus } from 'node:os'

const tasksetWorks = spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** With two cores or more: what is measured on the first, what measures it on the second. */
export const pinning = tasksetWorks && cpus().length >= 2

export type Core = 'measured' | 'measuring' | 'any'

function pinnedCommand(core: Core, command: string, args: readonly string[]): [string, string[]] {
  if (!pinning || core === 'any') return [command, [...args]]
  return ['taskset', ['-c', core === 'measured' ? '0' : '1', command, ...args]]
}

export interface Started {
  readonly child: ChildProcess
  readonly pid: number
  /** What it has printed so far, for messages. */
  readonly output: () => string
  /** SIGTERM, then SIGKILL after ten seconds. Resolves when it has ended. */
  readonly stop: () => Promise<void>
}

export interface StartOptions {
  readonly core: Core
  readonly env?: Readonly<Record<string, string>>
  /** Adds an IPC channel. */
  readonly ipc?: boolean
}

export function start(command: string, args: readonly string[], options: StartOptions): Started {
  const [file, argv] = pinnedCommand(options.core, command, args)
  const child = spawn(file, argv, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
  })
  let output = ''
  const keep = (text: string): void => {
    output = (output + text).slice(-400_000)
  }
  child.stdout?.setEncoding('utf8').on('data', keep)
  child.stderr?.setEncoding('utf8').on('data', keep)
  child.on('error', error => keep(error.message))
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** A TypeScript file of this folder in a process of its own; messages are answered one at a time. */
export function startHelper(
  file: URL,
  core: Core,
): { readonly started: Started; readonly first: Promise<unknown>; readonly ask: (message: object) => Promise<unknown> } {
  const started = start(process.execPath, ['--import', 'tsx', file.pathname], { core, ipc: true })
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const failed = (): void => reject(new Error(`${file.pathname} ended:\n${started.output()}`))
      started.child.once('close', failed)
      started.child.once('message', message => {
        started.child.off('close', failed)
        resolve(message)
      })
    })
  return {
    started,
    first: next(),
    ask: message => {
      const answer = next()
      started.child.send(message)
      return answer
    },
  }
}

/** Waits for a line on stdout that matches; rejects when the process ends before. */
export async function waitForOutput(started: Started, pattern: RegExp, limitMs = 20_000): Promise<RegExpExecArray> {
  for (const deadline = Date.now() + limitMs; ; ) {
    const match = pattern.exec(started.output())
    if (match !== null) return match
    if (started.child.exitCode !== null || Date.now() > deadline) throw new Error(`not ready:\n${started.output()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Waits until something accepts connections on the port. */
export async function waitForPort(started: Started, port: number, limitMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; ; ) {
    const open = await new Promise<boolean>(resolve => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    if (started.child.exitCode !== null || Date.now() > deadline) throw new Error(`not ready:\n${started.output()}`)
    await new Promise(resolve => setTimeout(resolve, 30))
  }
}

export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = net.createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}
