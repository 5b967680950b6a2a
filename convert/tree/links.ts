// The rules that place a call, in their order: declared, extend, edit, fork, then those of link-beginnings.ts (side calls are told apart
// from roots in sides.ts, duplicates in duplicates.ts). A call is linked only to calls that come before it in the tree's order.

import { listEdits } from './edits.ts'
import type { ExpandedCall } from './expansion.ts'
import type { Generators } from './generators.ts'
import { assistantsBehind, type History } from './history.ts'
import type { IdentityTrie } from './identity-trie.ts'
import type { Evidence, Link } from './link.ts'
import { createBeginningLinks, createLink } from './link-beginnings.ts'
import type { LoadedCall } from './load.ts'
import type { Openings } from './openings.ts'

export interface LinkInputs {
  readonly history: History
  readonly identities: IdentityTrie
  readonly generators: Generators
  readonly openings: Openings
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
  readonly link: Link
  /** Identity of what the first of its children that generated something asked, whatever its preamble. */
  continued: number | null
}

export function createLinker(inputs: LinkInputs): Linker {
  const { history, identities, generators, standFor } = inputs
  const beginnings = createBeginningLinks(history, inputs.openings)
  const owners = createOwners(inputs)
  const placed: Placed[] = []
  const indexOf = new Map<string, number>()
  const firstAsked = new Map<string, number>()

  const linkByContent = (expanded: ExpandedCall): Link => {
    const extended = generators.findExtended(expanded)
    const index = extended === null ? undefined : indexOf.get(standFor(extended.parent).id)
    const copied = owners.findCopied(expanded.request, extended?.node ?? 0)
    if (copied !== null)
      return beginnings.markSubagent(linkCopied(inputs, placed[copied.parent]?.expanded, expanded.request, copied), expanded)
    if (extended === null || index === undefined) return beginnings.link(expanded)
    return beginnings.markSubagent(linkExtended(index, extended.node, expanded.request), expanded)
  }

  const linkExtended = (parent: number, node: number, request: number): Link => {
    const before = placed[parent]
    const isFirst = before === undefined || before.continued === null || before.continued === identities.place(request)
    const id = before?.expanded.call.answerId ?? null
    const evidence: Evidence[] = id === null ? [] : [{ kind: 'answer-id', value: id }]
    return createLink(isFirst ? 'extend' : 'fork', parent, history.depthOf(node), evidence)
  }

  /** Null: the request names no answer, or one that was not recorded. */
  const linkDeclared = (expanded: ExpandedCall): Link | null => {
    const { call, declared, isWhole, request } = expanded
    const parent = declared === null ? undefined : indexOf.get(standFor(declared).id)
    const before = placed[parent ?? -1]?.expanded
    if (parent === undefined || before === undefined) return null
    const evidence: Evidence[] = [{ kind: 'answer-id', value: call.previousAnswerId ?? '' }]
    if (before.answer !== null && !isWhole) return createLink('declared', parent, history.depthOf(before.answer), evidence)
    const content = linkByContent(expanded)
    if (before.answer === null) {
      // A warm-up has no answer to go on from; what follows it may still go on from an answer before.
      if (content.relation !== 'root') return { ...content, evidence: [...content.evidence, ...evidence] }
      return createLink('declared', parent, history.depthOf(before.request), evidence)
    }
    if (content.parent === parent) return { ...content, relation: 'declared', kind: 'declared', evidence }
    const known = history.depthOf(history.commonAncestor(before.answer, request))
    return createLink('declared', parent, known, [...evidence, { kind: 'mark', value: 'declared-mismatch' }])
  }

  const findLink = (expanded: ExpandedCall, asked: string): Link => {
    const same = placed[firstAsked.get(asked) ?? -1]?.link
    // A beginning asked again belongs where it belonged before; where that was nowhere, what it belongs to may have been stamped later.
    if (same?.kind === 'textual') return same
    if (same !== undefined && same.parent === null) {
      const found = history.depthOf(expanded.request) === 0 ? same : beginnings.link(expanded)
      return found.kind === 'textual' ? found : same
    }
    const declared = linkDeclared(expanded)
    if (declared !== null) return declared
    const link = linkByContent(expanded)
    if (expanded.call.previousAnswerId === null || expanded.isWhole) return link
    return { ...link, evidence: [...link.evidence, { kind: 'mark', value: 'history-not-visible' }] }
  }

  return {
    add: (index, expanded) => {
      const { call, request, answer } = expanded
      const asked = `${identities.place(request)} ${call.preamble}`
      const link = findLink(expanded, asked)
      placed.push({ expanded, link, continued: null })
      indexOf.set(call.id, index)
      if (!firstAsked.has(asked)) firstAsked.set(asked, index)
      beginnings.note(index, expanded, link)
      owners.note(index, expanded)
      const before = placed[link.parent ?? -1]
      if (before !== undefined && answer !== null && link.relation !== 'compact' && link.relation !== 'subagent')
        before.continued ??= identities.place(request)
      return link
    },
  }
}

interface Copied {
  readonly parent: number
  readonly node: number
}

function linkCopied(inputs: LinkInputs, before: ExpandedCall | undefined, request: number, { parent, node }: Copied): Link {
  const { history, identities } = inputs
  const end = before === undefined ? node : findCopiedEnd(inputs, before, request, node)
  const edits = listEdits(history, identities, before?.answer ?? 0, end)
  const { callId } = history.blockOf(node)
  const evidence: Evidence =
    callId === null
      ? { kind: 'block', value: identities.nodeId(identities.place(node)) }
      : { kind: 'tool-call-id', value: callId }
  return { ...createLink('edit', parent, history.depthOf(end), [evidence]), edits }
}

/** The last block of the copied answer: behind the one that is surely copied, others of that answer may stand that others made as well. */
function findCopiedEnd({ history, identities }: LinkInputs, before: ExpandedCall, request: number, node: number): number {
  const keys = history.between(before.request, before.answer).map(identities.keyOf)
  let at = keys.lastIndexOf(identities.keyOf(node))
  let end = node
  for (const next of history.nodesFrom(request, history.depthOf(node))) {
    if (history.blockOf(next).role !== 'assistant') break
    const key = identities.keyOf(next)
    const found = key < 0 ? -1 : keys.indexOf(key, at + 1)
    if (found > at) [at, end] = [found, next]
  }
  return end
}

/** Who generated which block, as far as calls were noted. */
function createOwners({ history, identities }: LinkInputs) {
  /** -1 = several did, which proves nothing. */
  const owners = new Map<number, number>()
  return {
    note: (index: number, { request, answer }: ExpandedCall): void => {
      for (const node of history.between(request, answer)) {
        const key = identities.keyOf(node)
        if (key >= 0) owners.set(key, (owners.get(key) ?? index) === index ? index : -1)
      }
    },
    /** The last block of a request, behind what extends an answer, that one call generated. */
    findCopied: (request: number, extended: number): Copied | null => {
      for (const node of assistantsBehind(history, request, extended)) {
        const key = identities.keyOf(node)
        const parent = key < 0 ? undefined : owners.get(key)
        if (parent !== undefined && parent >= 0) return { parent, node }
      }
      return null
    },
  }
}
