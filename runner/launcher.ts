// Runs commands as processes.ts does, but lets a small process of our own start them: to start one from here copies the map of all memory that this
// process holds, while everything else in it, the proxy too, stands still. Beside processes.ts. Never started before it is needed.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TurnpikeError } from '../core/errors.ts'
import { type ExecResult, type GroupOptions, runGroup } from './processes.ts'

/** What a command needs to know, as far as it can be sent. */
export interface Order extends Omit<GroupOptions, 'signal' | 'terminate' | 'onExit'> {
  /** Whether somebody here ends it in a way of his own, or looks after its end. */
  readonly terminates: boolean
  readonly looksAfter: boolean
}

export type ToLauncher =
  | { readonly kind: 'run'; readonly id: number; readonly order: Order }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'looked-after'; readonly id: number }

export type FromLauncher =
  | { readonly kind: 'ready' }
  | { readonly kind: 'terminate'; readonly id: number; readonly group: number }
  | { readonly kind: 'ended'; readonly id: number; readonly group: number; readonly told: string }
  | { readonly kind: 'result'; readonly id: number; readonly result: ExecResult }

interface Job {
  readonly options: GroupOptions
  /** What went wrong here while its end was looked after. */
  failure: { readonly error: unknown } | null
  readonly settle: (end: { readonly result: ExecResult } | { readonly error: unknown } | 'never-started') => void
}

interface Launcher {
  readonly run: (options: GroupOptions) => Promise<ExecResult>
}

let current: Launcher | null = null
/** Where it cannot be started commands are started from here. */
let isBroken = false

/** As `runGroup`: this never rejects because of the command. Throws E_ENVIRONMENT_FAILED when the process that started it is gone. */
export async function runApart(options: GroupOptions): Promise<ExecResult> {
  if (isBroken || options.signal.aborted) return runGroup(options)
  current ??= openLauncher()
  return current.run(options)
}

/** So that the first command need not wait for it. */
export function prepareLauncher(): void {
  if (!isBroken) current ??= openLauncher()
}

/** Sources run under vitest and tsx; the process runs what was compiled. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../dist/runner/launcher-process.js' : './launcher-process.js', import.meta.url),
)

function openLauncher(): Launcher {
  // In a session of its own: what a person sends to us from a terminal is ours to answer. It ends with the channel, so with us.
  const child = fork(program, [], {
    cwd: '/',
    env: {},
    execArgv: [],
    detached: true,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const jobs = new Map<number, Job>()
  let isReady = false
  let nextId = 1
  child.unref()
  child.channel?.unref()
  const send = (message: ToLauncher): void => {
    // Without a channel it has ended, and its end settles every job.
    if (child.connected) child.send(message, () => undefined)
  }
  const close = (): void => {
    if (current === launcher) current = null
    isBroken ||= !isReady
    const error = new TurnpikeError('E_ENVIRONMENT_FAILED', 'the process that starts commands has ended')
    for (const job of jobs.values()) job.settle(isReady ? { error } : 'never-started')
  }
  child.once('exit', close)
  child.once('error', close)
  child.on('message', message => {
    const told = message as FromLauncher
    if (told.kind === 'ready') isReady = true
    else attend(told, jobs.get(told.id), send)
  })
  const launcher: Launcher = {
    run: options => {
      const id = nextId++
      return new Promise((resolve, reject) => {
        const onAbort = (): void => send({ kind: 'abort', id })
        const settle: Job['settle'] = end => {
          jobs.delete(id)
          options.signal.removeEventListener('abort', onAbort)
          if (jobs.size === 0) child.channel?.unref()
          if (end === 'never-started') resolve(runGroup(options))
          else if ('error' in end) reject(end.error)
          else resolve(end.result)
        }
        jobs.set(id, { options, failure: null, settle })
        child.channel?.ref()
        options.signal.addEventListener('abort', onAbort, { once: true })
        if (hasEnded(child)) close()
        else send({ kind: 'run', id, order: writeOrder(options) })
      })
    },
  }
  return launcher
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null || !child.connected

function writeOrder({ signal: _, terminate, onExit, ...order }: GroupOptions): Order {
  return { ...order, terminates: terminate !== undefined, looksAfter: onExit !== undefined }
}

function attend(told: Exclude<FromLauncher, { kind: 'ready' }>, job: Job | undefined, send: (message: ToLauncher) => void): void {
  if (job === undefined) return
  if (told.kind === 'terminate') job.options.terminate?.(told.group)
  else if (told.kind === 'result') job.settle(job.failure ?? { result: told.result })
  else {
    const work = job.options.onExit?.(told.group, Promise.resolve(told.told)) ?? Promise.resolve()
    void work
      .catch((error: unknown) => {
        job.failure = { error }
      })
      .then(() => send({ kind: 'looked-after', id: told.id }))
  }
}
