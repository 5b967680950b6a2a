// Where the runner's time goes, seen from outside: clocks around what it asks of the environment and the store, and a count of the processes
// that it starts. The product knows nothing of it; what no clock was put around is `the rest` (snapshots, mostly).

import { AsyncLocalStorage } from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Environment } from '../runner/environments/_adapter.ts'
import type { ToLauncher } from '../runner/launcher.ts'
import type { Store } from '../store/_adapter.ts'

interface Frame {
  nestedMs: number
  readonly onCopy: boolean
}

export interface Stages {
  /** Milliseconds by stage; what a stage does within another counts once, for itself. */
  readonly ms: ReadonlyMap<string, number>
  /** Started, by program. */
  readonly processes: ReadonlyMap<string, number>
  readonly watchEnvironment: (environment: Environment) => Environment
  readonly watchStore: (store: Store) => Store
  /** Forgets what was counted up to now. */
  readonly reset: () => void
  readonly stop: () => void
}

/** Members of an environment and what a reader calls them; the rest of it is not called in a turn. */
const environmentStages: Partial<Record<keyof Environment, string>> = {
  exec: 'agent command',
  endProcesses: 'search for processes',
  beginCopy: 'search for processes',
  onCopy: 'copy of the workspace',
  makeScratch: 'verifier files',
  removeScratch: 'verifier files',
  writeFiles: 'verifier files',
  readFile: 'verifier files',
  exportWorkspace: 'export of the workspace',
  copyOut: 'home',
}

const storeStages: Partial<Record<keyof Store, string>> = {
  put: 'store, written',
  list: 'store, read',
  exchanges: 'store, read',
  readBody: 'store, read',
}

export function watchStages(): Stages {
  const ms = new Map<string, number>()
  const processes = new Map<string, number>()
  const frames = new AsyncLocalStorage<Frame>()
  const time = async (stage: string, work: () => Promise<unknown>): Promise<unknown> => {
    const outer = frames.getStore()
    const frame: Frame = { nestedMs: 0, onCopy: stage === environmentStages.onCopy || outer?.onCopy === true }
    const startedAt = performance.now()
    try {
      return await frames.run(frame, work)
    } finally {
      const wholeMs = performance.now() - startedAt
      if (outer !== undefined) outer.nestedMs += wholeMs
      const name = stage === environmentStages.exec && outer?.onCopy === true ? 'verifier command' : stage
      ms.set(name, (ms.get(name) ?? 0) + wholeMs - frame.nestedMs)
    }
  }
  const onSpawn = (message: unknown): void => {
    const child = (message as { process: ChildProcess }).process
    const count = (program: string): void => {
      const name = basename(program)
      processes.set(name, (processes.get(name) ?? 0) + 1)
    }
    // It is told of before it is started.
    queueMicrotask(() => {
      count(child.spawnfile ?? 'unknown')
      // What another process is asked to start counts as well.
      const { send } = child
      if (typeof send !== 'function') return
      const watched = (...given: unknown[]): unknown => {
        const { kind, order } = given[0] as Partial<Extract<ToLauncher, { kind: 'run' }>>
        if (kind === 'run') count(order?.argv[0] ?? 'unknown')
        return Reflect.apply(send, child, given)
      }
      Object.assign(child, { send: watched })
    })
  }
  subscribe('child_process', onSpawn)
  return {
    ms,
    processes,
    watchEnvironment: environment => watch(environment, environmentStages, time),
    watchStore: store => watch(store, storeStages, time),
    reset: () => {
      ms.clear()
      processes.clear()
    },
    stop: () => void unsubscribe('child_process', onSpawn),
  }
}

type Time = (stage: string, work: () => Promise<unknown>) => Promise<unknown>

function watch<T extends object>(watched: T, stages: Partial<Record<keyof T, string>>, time: Time): T {
  const members = Object.entries(stages as Record<string, string>).flatMap(([name, stage]) => {
    const member: unknown = Reflect.get(watched, name)
    if (typeof member !== 'function') return []
    return [[name, (...given: unknown[]) => time(stage, async () => Reflect.apply(member, watched, given))] as const]
  })
  return { ...watched, ...Object.fromEntries(members) }
}

/**
 * CPU time of this process with its threads, and of its children that have ended and were waited for; milliseconds. The process that starts commands
 * lives as long as this one: it counts among the children, with its own.
 */
export function readCpu(): { readonly selfMs: number; readonly childrenMs: number } {
  const { user, system } = process.cpuUsage()
  const living = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ').filter(Boolean)
  let childrenMs = readTimes('self').endedMs
  for (const id of living) {
    const { ownMs, endedMs } = readTimes(id)
    childrenMs += ownMs + endedMs
  }
  return { selfMs: (user + system) / 1000, childrenMs }
}

function readTimes(id: string): { readonly ownMs: number; readonly endedMs: number } {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    return { ownMs: ((fields[11] ?? 0) + (fields[12] ?? 0)) * 10, endedMs: ((fields[13] ?? 0) + (fields[14] ?? 0)) * 10 }
  } catch {
    return { ownMs: 0, endedMs: 0 }
  }
}
