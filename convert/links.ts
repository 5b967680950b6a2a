// The rules that place a call, in their order: declared, extend, edit, fork, sub-agent, compaction, root (side calls are told apart from
// roots in sides.ts, duplicates in duplicates.ts). A call is linked only to calls that come before it in the tree's order.

import type { Block } from '../core/types.ts'
import { listEdits } from './edits.ts'
import type { ExpandedCall } from './expansion.ts'
import type { Generators } from './generators.ts'
import type { History } from './history.ts'
import type { IdentityTrie } from './identity-trie.ts'
import type { createLineReader } from './lines.ts'
import type { Evidence, Link, LinkKind, Relation } from './link.ts'
import { createTextualLinks, type TextualLink } from './link-textual.ts'
import type { LoadedCall } from './load.ts'

export interface LinkInputs {
  readonly history: History
  readonly identities: IdentityTrie
  readonly generators: Generators
  readonly lines: ReturnType<typeof createLineReader>
  /** The call that stands for a call and its duplicates. */
  readonly standFor: (call: LoadedCall) => LoadedCall
}

export interface Linker {
  /** Call it in the tree's order, with each index once. */
  readonly add: (index: number, expanded: ExpandedCall) => Link
}

/** What the linker keeps of a call it has placed. */
interface Placed {
  readonly expanded: ExpandedCall
  readonly asked: string
  readonly link: Link
  /** What the first of its children that generated something asked. */
  continued: string | null
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

export function createLinker({ history, identities, generators, lines, standFor }: LinkInputs): Linker {
  const textual = createTextualLinks(history)
  const placed: Placed[] = []
  const indexOf = new Map<string, number>()
  /** Call that generated a block; -1 when several did, which proves nothing. */
  const owners = new Map<number, number>()
  const firstAsked = new Map<string, number>()
  /** Latest call of each agent or thread that generated something. */
  const latestOf = new Map<string, number>()

  const findIndex = (call: LoadedCall): number | undefined => indexOf.get(standFor(call).id)

  /** The last block of a request, behind what extends an answer, that one earlier call generated. */
  const findCopied = (request: number, extended: number): { readonly parent: number; readonly node: number } | null => {
    for (let node = request; node !== extended; node = history.parentOf(node)) {
      if (history.blockOf(node).role !== 'assistant') continue
      const key = identities.keyOf(node)
      const parent = key < 0 ? undefined : owners.get(key)
      if (parent !== undefined && parent >= 0) return { parent, node }
    }
    return null
  }

  const linkByContent = (expanded: ExpandedCall, asked: string): Link => {
    const extended = generators.findExtended(expanded)
    const index = extended === null ? undefined : findIndex(extended.parent)
    const copied = findCopied(expanded.request, extended?.node ?? 0)
    if (copied !== null) return linkCopied(expanded, copied.parent, copied.node)
    if (extended !== null && index !== undefined) return linkExtended(expanded, index, extended.node, asked)
    return linkByText(expanded)
  }

  const linkCopied = ({ call, request }: ExpandedCall, parent: number, node: number): Link => {
    const before = placed[parent]?.expanded
    const edits = listEdits(history, identities, before?.answer ?? 0, node)
    const { callId } = history.blockOf(node)
    const evidence: Evidence =
      callId === null
        ? { kind: 'block', value: identities.nodeId(identities.place(node)) }
        : { kind: 'tool-call-id', value: callId }
    const link = { ...createLink('edit', parent, history.depthOf(node), [evidence]), edits }
    return markSubagent(link, call, request)
  }

  const linkExtended = ({ call, request }: ExpandedCall, parent: number, node: number, asked: string): Link => {
    const before = placed[parent]
    const relation = before === undefined || before.continued === null || before.continued === asked ? 'extend' : 'fork'
    const id = before?.expanded.call.answerId ?? null
    const evidence: Evidence[] = id === null ? [] : [{ kind: 'answer-id', value: id }]
    return markSubagent(createLink(relation, parent, history.depthOf(node), evidence), call, request)
  }

  /** A copy of the parent's history that another agent goes on with: its lane is a sub-agent's, as surely linked as it was. */
  const markSubagent = (link: Link, call: LoadedCall, request: number): Link => {
    const parent = placed[link.parent ?? -1]?.expanded.call
    const { subagent, actor } = call.marks
    if (subagent === null || parent === undefined || parent.marks.actor === actor) return link
    const task = textual.findTask(lines.linesOf(history.nodesFrom(request, link.known)), true)
    const via = task?.parent === link.parent ? task.via : textual.findOnlyOpen(link.parent ?? -1)
    const evidence = [...link.evidence, { kind: 'mark', value: subagent } as const]
    return { ...link, relation: 'subagent', via, evidence }
  }

  const linkByText = (expanded: ExpandedCall): Link => {
    const { marks } = expanded.call
    const opening = lines.readOpening(expanded.request)
    const mark = marks.subagent === null ? [] : [{ kind: 'mark', value: marks.subagent } as const]
    const task = textual.findTask(opening.lines, marks.subagent !== null)
    if (task !== null) return writeTextual('subagent', task, mark)
    const employer = marks.subagent === null ? undefined : latestOf.get(marks.parentActor ?? '')
    if (employer !== undefined && placed[employer]?.expanded.call.marks.actor !== marks.actor)
      return writeTextual('subagent', { parent: employer, via: textual.findOnlyOpen(employer), evidence: [] }, mark)
    const summary = textual.findSummary(opening.lines) ?? findCompaction(expanded, opening.blocks)
    return summary === null ? createLink('root', null, 0, mark) : writeTextual('compact', summary, [])
  }

  /** A compaction the protocol has a word for stands for what the same agent said before. */
  const findCompaction = ({ call }: ExpandedCall, opening: readonly Block[]): TextualLink | null => {
    const isDeclared = opening.some(block => block.kind === 'opaque' && /^(context_)?compaction/.test(block.type))
    const parent = isDeclared ? latestOf.get(call.marks.actor ?? '') : undefined
    return parent === undefined ? null : { parent, via: null, evidence: [{ kind: 'mark', value: 'compaction' }] }
  }

  const linkDeclared = (expanded: ExpandedCall, asked: string): Link => {
    const { call, declared, isWhole, request } = expanded
    const parent = declared === null ? undefined : findIndex(declared)
    const before = placed[parent ?? -1]?.expanded
    if (parent === undefined || before === undefined) {
      const link = linkByContent(expanded, asked)
      const mark: Evidence = { kind: 'mark', value: 'history-not-visible' }
      return call.previousAnswerId === null || isWhole ? link : { ...link, evidence: [...link.evidence, mark] }
    }
    const evidence: Evidence[] = [{ kind: 'answer-id', value: call.previousAnswerId ?? '' }]
    if (before.answer !== null && !isWhole) return createLink('declared', parent, history.depthOf(before.answer), evidence)
    const content = linkByContent(expanded, asked)
    // A warm-up has no answer to go on from; what follows it may still go on from an answer before.
    if (before.answer === null && content.relation !== 'root') return content
    if (before.answer === null) return createLink('declared', parent, history.depthOf(before.request), evidence)
    if (content.parent === parent) return { ...content, relation: 'declared', kind: 'declared', evidence }
    const known = history.depthOf(history.commonAncestor(before.answer, request))
    return createLink('declared', parent, known, [...evidence, { kind: 'mark', value: 'declared-mismatch' }])
  }

  const noteOwned = (index: number, { request, answer }: ExpandedCall): void => {
    for (const node of answer === null ? [] : history.nodesFrom(answer, history.depthOf(request))) {
      const key = identities.keyOf(node)
      if (key >= 0) owners.set(key, (owners.get(key) ?? index) === index ? index : -1)
    }
  }

  return {
    add: (index, expanded) => {
      const { call, request, answer } = expanded
      const asked = `${identities.place(request)} ${call.preamble}`
      const same = placed[firstAsked.get(asked) ?? -1]?.link
      // A beginning asked again belongs where it belonged before.
      const link = same !== undefined && (same.kind === 'textual' || same.parent === null) ? same : linkDeclared(expanded, asked)
      placed.push({ expanded, asked, link, continued: null })
      indexOf.set(call.id, index)
      if (!firstAsked.has(asked)) firstAsked.set(asked, index)
      textual.note(index, expanded, link.parent, link.known)
      noteOwned(index, expanded)
      const before = placed[link.parent ?? -1]
      if (before !== undefined && answer !== null && link.kind !== 'textual') before.continued ??= asked
      if (answer !== null) latestOf.set(call.marks.actor ?? '', index)
      return link
    },
  }
}

function createLink(
  relation: Exclude<Relation, 'side'>,
  parent: number | null,
  known: number,
  evidence: readonly Evidence[],
): Link {
  return { relation, kind: kinds[relation], parent, known, edits: [], evidence, via: null, side: null }
}

function writeTextual(relation: 'subagent' | 'compact', found: TextualLink, more: readonly Evidence[]): Link {
  return { ...createLink(relation, found.parent, 0, [...found.evidence, ...more]), via: found.via }
}
