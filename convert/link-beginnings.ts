// Where a request without a past comes from: the tool call it works for, the answer it sums up, or nowhere. And copies of a history that
// another agent goes on with. Marks that clients set (marks.ts) count beside the words; without either nothing is guessed.

import type { ExpandedCall } from './expansion.ts'
import type { History } from './history.ts'
import type { Evidence, Link, LinkKind, Relation } from './link.ts'
import { createTextualLinks, type TextualLink } from './link-textual.ts'
import type { Openings } from './openings.ts'

export interface BeginningLinks {
  readonly link: (expanded: ExpandedCall) => Link
  /** A link by content, as a sub-agent's where another agent goes on with a copy of the parent's history: as sure as it was. */
  readonly markSubagent: (link: Link, expanded: ExpandedCall) => Link
  /** In the tree's order, each call after it was linked. */
  readonly note: (index: number, expanded: ExpandedCall, link: Link) => void
}

const kinds: Readonly<Record<Exclude<Relation, 'side'>, LinkKind>> = {
  declared: 'declared',
  extend: 'exact',
  fork: 'exact',
  edit: 'copied',
  subagent: 'textual',
  compact: 'textual',
  root: 'unlinked',
}

export function createLink(
  relation: Exclude<Relation, 'side'>,
  parent: number | null,
  known: number,
  evidence: readonly Evidence[],
): Link {
  return { relation, kind: kinds[relation], parent, known, edits: [], evidence, via: null, side: null }
}

export function createBeginningLinks(history: History, openings: Openings): BeginningLinks {
  const textual = createTextualLinks(history)
  const calls: ExpandedCall[] = []
  /** Latest call of each agent or thread that generated something. */
  const latestOf = new Map<string, number>()
  const marksOf = (index: number | undefined) => calls[index ?? -1]?.call.marks

  /** The agent a call says it works for, at what it said last. */
  const findEmployer = ({ call: { marks } }: ExpandedCall): TextualLink | null => {
    const employer = marks.subagent === null ? undefined : latestOf.get(marks.parentActor ?? '')
    if (employer === undefined || marksOf(employer)?.actor === marks.actor) return null
    return { parent: employer, via: textual.findOnlyOpen(employer), evidence: [] }
  }
  /** A compaction the protocol or the client has a word for stands for what the same agent said before. */
  const findCompaction = ({ call: { marks } }: ExpandedCall, isItem: boolean): TextualLink | null => {
    const before = latestOf.get(marks.actor ?? '')
    const earlier = marksOf(before)
    if (before === undefined || earlier === undefined) return null
    const isWindow = marks.window !== null && earlier.window !== null && marks.window !== earlier.window
    const value = isItem ? 'compaction' : `x-codex-window-id: ${marks.window}`
    return isItem || isWindow ? { parent: before, via: null, evidence: [{ kind: 'mark', value }] } : null
  }

  return {
    link: expanded => {
      const { startedAt, marks } = expanded.call
      const { subagent } = marks
      const opening = openings.read(expanded.request)
      const mark = subagent === null ? [] : [{ kind: 'mark', value: subagent } as const]
      const found = textual.findTask(opening.lines, startedAt, subagent !== null)
      // A sub-agent that sums up what it did keeps its task before the summary.
      const resumed = found === null || found.isNew ? null : textual.findSummary(opening.lines.filter(line => !found.isOf(line)))
      if (resumed !== null) return writeTextual('compact', resumed, [])
      const task = found ?? findEmployer(expanded)
      if (task !== null) return writeTextual('subagent', task, mark)
      const summary = textual.findSummary(opening.lines) ?? findCompaction(expanded, opening.isCompacted)
      return summary === null ? createLink('root', null, 0, mark) : writeTextual('compact', summary, [])
    },
    markSubagent: (link, { call, request }) => {
      const { subagent, actor } = call.marks
      if (subagent === null || link.parent === null || marksOf(link.parent)?.actor === actor) return link
      const task = textual.findTask(openings.linesOf(history.nodesFrom(request, link.known)), call.startedAt, true)
      const via = task?.parent === link.parent ? task.via : textual.findOnlyOpen(link.parent)
      return { ...link, relation: 'subagent', via, evidence: [...link.evidence, { kind: 'mark', value: subagent }] }
    },
    note: (index, expanded, link) => {
      calls.push(expanded)
      textual.note(index, expanded, link)
      if (link.relation === 'compact') textual.noteSummary(openings.read(expanded.request).lines)
      if (expanded.answer !== null) latestOf.set(expanded.call.marks.actor ?? '', index)
    },
  }
}

function writeTextual(relation: 'subagent' | 'compact', found: TextualLink, more: readonly Evidence[]): Link {
  return { ...createLink(relation, found.parent, 0, [...found.evidence, ...more]), via: found.via }
}
