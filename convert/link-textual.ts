// Links for beginnings without a past: the words of a sub-agent's task stand in a tool call (open-tasks.ts), the words of a summary in an
// answer. Knows only the calls noted so far.

import type { EpochMs } from '../core/types.ts'
import type { ExpandedCall } from './expansion.ts'
import type { History } from './history.ts'
import { type Line, nameLine, readLines } from './lines.ts'
import type { Evidence, Link } from './link.ts'
import { createOpenTasks } from './open-tasks.ts'

export interface TextualLink {
  /** Index of the call. */
  readonly parent: number
  readonly via: string | null
  readonly evidence: readonly Evidence[]
}

export interface TaskLink extends TextualLink {
  /** No lane worked for the tool call before. */
  readonly isNew: boolean
  /** The lines that say nothing else than which tool call it is. */
  readonly isOf: (line: Line) => boolean
}

export interface TextualLinks {
  /** In the tree's order, each call after it was linked. */
  readonly note: (index: number, expanded: ExpandedCall, link: Link) => void
  /** The tool call whose arguments hold one of these lines; with `isMarked` also one that was answered already. */
  readonly findTask: (lines: readonly Line[], now: EpochMs, isMarked: boolean) => TaskLink | null
  /** Lines by which a beginning was found to go on from a summary; in later openings they are history. */
  readonly noteSummary: (lines: readonly Line[]) => void
  /** The answer that these lines repeat. */
  readonly findSummary: (lines: readonly Line[]) => TextualLink | null
  /** The only tool call of a call that waits for its result. */
  readonly findOnlyOpen: (index: number) => string | null
}

export function createTextualLinks(history: History): TextualLinks {
  const tasks = createOpenTasks()
  /** Call whose answer has a line; -1 = several. */
  const speakers = new Map<number, number>()
  const summed = new Set<number>()

  const noteText = (index: number, text: string): void => {
    for (const { hash } of readLines(text)) speakers.set(hash, (speakers.get(hash) ?? index) === index ? index : -1)
  }

  return {
    note: (index, { call, request, answer }, { parent, known }) => {
      // A request without a past answers no tool call that was recorded.
      for (const node of parent === null ? [] : history.nodesFrom(request, known)) {
        const { block, callId } = history.blockOf(node)
        if (block.kind === 'tool-result' && parent !== null) tasks.noteResult(callId, parent, call.startedAt)
      }
      for (const node of history.between(request, answer)) {
        const { block } = history.blockOf(node)
        if (block.kind === 'tool-call') tasks.note(index, block.id, block.input ?? block.inputText)
        if (block.kind === 'text') noteText(index, block.text)
      }
    },
    findTask: (lines, now, isMarked) => {
      const found = tasks.find(lines, now, isMarked)
      if (found === null) return null
      const { task, line, isNew } = found
      const named = task.id === '' ? [] : [{ kind: 'tool-call-id', value: task.id } as const]
      const evidence = [...named, { kind: 'line', value: nameLine(line.text) } as const]
      const isOf = ({ hash }: Line): boolean => task.lines.has(hash)
      return { parent: task.call, via: task.id === '' ? null : task.id, evidence, isNew, isOf }
    },
    noteSummary: lines => {
      for (const { hash } of lines) summed.add(hash)
    },
    findSummary: lines => {
      const fresh = lines.filter(({ hash }) => !summed.has(hash))
      return findMostRepeated(fresh, speakers) ?? findMostRepeated(lines, speakers)
    },
    findOnlyOpen: index => tasks.findOnly(index)?.id ?? null,
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
