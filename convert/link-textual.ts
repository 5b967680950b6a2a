// Links for beginnings without a past: the words of a sub-agent's task stand in a tool call, the words of a summary in an answer.
// Knows only the calls noted so far; a tool call is a candidate until its result has been seen.

import type { EpochMs } from '../core/types.ts'
import type { ExpandedCall } from './expansion.ts'
import type { History } from './history.ts'
import { type Line, nameLine, readArgumentLines, readLines } from './lines.ts'
import type { Evidence, Link } from './link.ts'

export interface TextualLink {
  /** Index of the call. */
  readonly parent: number
  readonly via: string | null
  readonly evidence: readonly Evidence[]
}

export interface TextualLinks {
  /** In the tree's order, each call after it was linked. */
  readonly note: (index: number, expanded: ExpandedCall, link: Link) => void
  /** The tool call whose arguments hold one of these lines; with `isMarked` also one that was answered already. */
  readonly findTask: (lines: readonly Line[], now: EpochMs, isMarked: boolean) => TextualLink | null
  /** Lines by which a beginning was found to go on from a summary; in later openings they are history. */
  readonly noteSummary: (lines: readonly Line[]) => void
  /** The answer that these lines repeat. */
  readonly findSummary: (lines: readonly Line[]) => TextualLink | null
  /** The only tool call of a call that waits for its result. */
  readonly findOnlyOpen: (index: number) => string | null
}

interface Task {
  readonly call: number
  readonly id: string
  readonly lines: readonly number[]
  /** A result was seen: further results are others'. */
  isClosed: boolean
  /** The result was there before the call that is looked at, by the log's clock. */
  isAnswered: boolean
}

export function createTextualLinks(history: History): TextualLinks {
  /** Tool calls without a result that no lane works for yet, by the lines of their arguments. */
  const waiting = new Map<number, Set<Task>>()
  /** The last that was given to a lane, and the last that was answered. */
  const taken = new Map<number, Task>()
  const answered = new Map<number, Task>()
  const byId = new Map<string, Task[]>()
  const openByCall = new Map<number, Set<Task>>()
  /** Call whose answer has a line; -1 = several. */
  const speakers = new Map<number, number>()
  const summed = new Set<number>()
  let closed: Array<{ readonly task: Task; readonly at: EpochMs }> = []
  let nextClosed = Number.POSITIVE_INFINITY

  const stopWaiting = (task: Task, next: Map<number, Task>): void => {
    for (const line of task.lines) {
      waiting.get(line)?.delete(task)
      next.set(line, task)
    }
  }
  const noteTask = (call: number, id: string, lines: readonly Line[]): void => {
    const task: Task = { call, id, lines: [...new Set(lines.map(line => line.hash))], isClosed: false, isAnswered: false }
    const same = byId.get(id)
    if (same !== undefined) same.push(task)
    else if (id !== '') byId.set(id, [task])
    addTo(openByCall, call, task)
    for (const line of task.lines) addTo(waiting, line, task)
  }
  /** A result without an id answers the first call that waits; an id that repeats says something only beside its own answer. */
  const noteResult = (id: string | null, parent: number | null, at: EpochMs): void => {
    const open = [...(openByCall.get(parent ?? -1) ?? [])]
    const own = id === null ? open[0] : open.find(task => task.id === id)
    const named = byId.get(id ?? '') ?? []
    const task = own ?? (named.length === 1 ? named[0] : undefined)
    if (task === undefined || task.isClosed) return
    task.isClosed = true
    openByCall.get(task.call)?.delete(task)
    closed.push({ task, at })
    nextClosed = Math.min(nextClosed, at)
  }
  /** Of calls with the same time in the log it is not known which came first: a result of that moment is none yet. */
  const settle = (now: EpochMs): void => {
    if (nextClosed >= now) return
    const later = closed.filter(({ at }) => at >= now)
    for (const { task } of closed.filter(({ at }) => at < now)) {
      task.isAnswered = true
      stopWaiting(task, answered)
    }
    closed = later
    nextClosed = later.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY)
  }
  const noteText = (index: number, text: string): void => {
    for (const { hash } of readLines(text)) speakers.set(hash, (speakers.get(hash) ?? index) === index ? index : -1)
  }
  const noteAnswer = (index: number, { request, answer }: ExpandedCall): void => {
    for (const node of history.between(request, answer)) {
      const { block } = history.blockOf(node)
      if (block.kind === 'tool-call') noteTask(index, block.id, readArgumentLines(block.input ?? block.inputText))
      if (block.kind === 'text') noteText(index, block.text)
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
    note: (index, expanded, { parent, known }) => {
      // A request without a past answers no tool call that was recorded.
      for (const node of parent === null ? [] : history.nodesFrom(expanded.request, known)) {
        const { block, callId } = history.blockOf(node)
        if (block.kind === 'tool-result') noteResult(callId, parent, expanded.call.startedAt)
      }
      noteAnswer(index, expanded)
    },
    findTask: (lines, now, isMarked) => {
      settle(now)
      // The line that fewest tool calls have says most.
      let best: { readonly task: Task; readonly line: Line; readonly rivals: number } | null = null
      for (const line of lines) {
        const task = findTaskOf(line, isMarked)
        const rivals = waiting.get(line.hash)?.size ?? 0
        if (task !== undefined && (best === null || rivals < best.rivals)) best = { task, line, rivals }
      }
      if (best === null) return null
      const { task, line } = best
      if (!task.isAnswered) stopWaiting(task, taken)
      const named = task.id === '' ? [] : [{ kind: 'tool-call-id', value: task.id } as const]
      const evidence = [...named, { kind: 'line', value: nameLine(line.text) } as const]
      return { parent: task.call, via: task.id === '' ? null : task.id, evidence }
    },
    noteSummary: lines => {
      for (const { hash } of lines) summed.add(hash)
    },
    findSummary: lines => {
      const fresh = lines.filter(({ hash }) => !summed.has(hash))
      return findMostRepeated(fresh, speakers) ?? findMostRepeated(lines, speakers)
    },
    findOnlyOpen: index => {
      const open = [...(openByCall.get(index) ?? [])]
      return open.length === 1 ? (open[0]?.id ?? null) : null
    },
  }
}

/** Whose lines are most; the latest of those with equally many, because earlier summaries are kept and summed up again. */
function findMostRepeated(lines: readonly Line[], speakers: ReadonlyMap<number, number>): TextualLink | null {
  const repeated = new Map<number, { count: number; readonly line: string }>()
  for (const { hash, text } of lines) {
    const speaker = speakers.get(hash) ?? -1
    if (speaker < 0) continue
    const known = repeated.get(speaker)
    if (known === undefined) repeated.set(speaker, { count: 1, line: text })
    else known.count += 1
  }
  const [first] = [...repeated].sort(([one, a], [other, b]) => b.count - a.count || other - one)
  if (first === undefined) return null
  return { parent: first[0], via: null, evidence: [{ kind: 'line', value: nameLine(first[1].line) }] }
}

function addTo<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}
