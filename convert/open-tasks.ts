// Tool calls that may have a sub-agent at work: those whose result has not been seen. A beginning finds its own by the words of the
// arguments; calls with the same words are given one beginning each. Knows only the calls noted so far.

import type { EpochMs, Json } from '../core/types.ts'
import { type Line, readArgumentLines } from './lines.ts'

export interface Task {
  readonly call: number
  readonly id: string
  readonly lines: ReadonlySet<number>
  /** A lane works for it already. */
  isTaken: boolean
  /** A result was seen: further results are others'. */
  isClosed: boolean
  /** The result was there before the call that is looked at, by the log's clock. */
  isAnswered: boolean
}

export interface FoundTask {
  readonly task: Task
  readonly line: Line
  /** No lane worked for it before. */
  readonly isNew: boolean
}

export interface OpenTasks {
  readonly note: (call: number, id: string, input: Json) => void
  /** A result in a request that goes on from a call. */
  readonly noteResult: (id: string | null, parent: number, at: EpochMs) => void
  /** `now`: when the beginning was sent. With `isMarked` also a tool call that was answered already. */
  readonly find: (lines: readonly Line[], now: EpochMs, isMarked: boolean) => FoundTask | null
  /** The only tool call of a call that waits for its result. */
  readonly findOnly: (call: number) => Task | null
}

export function createOpenTasks(): OpenTasks {
  /** Tool calls without a result that no lane works for yet, by the lines of their arguments. */
  const waiting = new Map<number, Set<Task>>()
  /** The last that was given to a lane, and the last that was answered. */
  const taken = new Map<number, Task>()
  const answered = new Map<number, Task>()
  const byId = new Map<string, Task[]>()
  const openByCall = new Map<number, Set<Task>>()
  const results = createResults(task => stopWaiting(task, answered))

  const stopWaiting = (task: Task, next: Map<number, Task>): void => {
    for (const line of task.lines) {
      waiting.get(line)?.delete(task)
      next.set(line, task)
    }
  }
  const findTaskOf = (line: Line, isMarked: boolean): Task | undefined => {
    const [first] = waiting.get(line.hash) ?? []
    const last = taken.get(line.hash)
    if (first !== undefined) return first
    if (last !== undefined && !last.isAnswered) return last
    return isMarked ? answered.get(line.hash) : undefined
  }

  return {
    note: (call, id, input) => {
      const lines = new Set(readArgumentLines(input).map(line => line.hash))
      const task: Task = { call, id, lines, isTaken: false, isClosed: false, isAnswered: false }
      const same = byId.get(id)
      if (same !== undefined) same.push(task)
      else if (id !== '') byId.set(id, [task])
      addTo(openByCall, call, task)
      for (const line of lines) addTo(waiting, line, task)
    },
    // A result without an id answers the first call that waits; an id that repeats says something only beside its own answer.
    noteResult: (id, parent, at) => {
      const open = [...(openByCall.get(parent) ?? [])]
      const own = id === null ? open[0] : open.find(task => task.id === id)
      const named = byId.get(id ?? '') ?? []
      const task = own ?? (named.length === 1 ? named[0] : undefined)
      if (task === undefined || task.isClosed) return
      task.isClosed = true
      openByCall.get(task.call)?.delete(task)
      results.note(task, at)
    },
    find: (lines, now, isMarked) => {
      results.settle(now)
      // The line that fewest tool calls have says most.
      let best: { readonly task: Task; readonly line: Line; readonly rivals: number } | null = null
      for (const line of lines) {
        const task = findTaskOf(line, isMarked)
        const rivals = waiting.get(line.hash)?.size ?? 0
        if (task !== undefined && (best === null || rivals < best.rivals)) best = { task, line, rivals }
      }
      if (best === null) return null
      const found = { ...best, isNew: !best.task.isTaken }
      if (!best.task.isAnswered) stopWaiting(best.task, taken)
      best.task.isTaken = true
      return found
    },
    findOnly: call => {
      const open = [...(openByCall.get(call) ?? [])]
      return open.length === 1 ? (open[0] ?? null) : null
    },
  }
}

/** Results by the log's clock: of calls with the same time it is not known which came first, so a result of that moment is none yet. */
function createResults(onAnswered: (task: Task) => void) {
  let closed: Array<{ readonly task: Task; readonly at: EpochMs }> = []
  let next = Number.POSITIVE_INFINITY
  return {
    note: (task: Task, at: EpochMs): void => {
      closed.push({ task, at })
      next = Math.min(next, at)
    },
    settle: (now: EpochMs): void => {
      if (next >= now) return
      const settled = closed.filter(({ at }) => at < now)
      closed = closed.filter(({ at }) => at >= now)
      next = closed.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY)
      for (const { task } of settled) {
        task.isAnswered = true
        onAnswered(task)
      }
    },
  }
}

function addTo<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}
