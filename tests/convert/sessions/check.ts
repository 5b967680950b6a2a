// The product on a simulated scope, and what it says of each call in the script's words.

import { buildLanes, type Lanes } from '../../../convert/lanes.ts'
import type { EditKind, LinkKind, Relation } from '../../../convert/link.ts'
import { createLoader } from '../../../convert/load.ts'
import type { SourceCall } from '../../../convert/source.ts'
import { buildTree, type CallTree, type TreeCall } from '../../../convert/tree.ts'
import { openDefects } from './open-defects.ts'
import type { Truth } from './truth.ts'

export interface Built {
  readonly tree: CallTree
  readonly lanes: Lanes
}

export function build(calls: readonly SourceCall[]): Built {
  const loader = createLoader()
  for (const call of calls) loader.add(call)
  const tree = buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
  return { tree, lanes: buildLanes(tree) }
}

/** The same calls as a source gives them that reads only what is new: each names an earlier one whose messages it begins with. */
export function giveNews(calls: readonly SourceCall[]): SourceCall[] {
  const given: Array<{ readonly id: string; readonly messages: readonly string[] }> = []
  return calls.map(call => {
    const messages = call.conversation.messages.map(message => JSON.stringify(message))
    let best = { callId: '', messages: 0 }
    for (const { id, messages: before } of given.slice(-12)) {
      const differs = messages.findIndex((message, index) => message !== before[index])
      const shared = differs < 0 ? messages.length : differs
      if (shared > best.messages) best = { callId: id, messages: shared }
    }
    given.push({ id: call.exchange.id, messages })
    if (best.messages === 0) return call
    const conversation = { ...call.conversation, messages: call.conversation.messages.slice(best.messages) }
    return { ...call, conversation, continues: best }
  })
}

export interface Placed {
  readonly relation: Relation
  readonly parent: string | null
  readonly via: string | null
  readonly retryOf: string | null
  readonly call: TreeCall
}

/** By the script's ids: a call that was logged twice goes by its first writing, whichever the tree kept. */
export function placeCalls({ tree }: Built, truth: readonly Truth[]): Map<string, Placed> {
  const names = new Map(truth.flatMap(one => one.records.map(record => [record, one.id] as const)))
  const nameOf = (index: number | null): string | null =>
    index === null ? null : (names.get(tree.calls[index]?.call.id ?? '') ?? '?')
  return new Map(
    tree.calls.map(call => [
      names.get(call.call.id) ?? call.call.id,
      { relation: call.link.relation, parent: nameOf(call.link.parent), via: call.link.via, retryOf: nameOf(call.retryOf), call },
    ]),
  )
}

/** Every way in which a scope was placed otherwise than it was made; empty when all is right. */
export function listDisagreements(truth: readonly Truth[], placed: ReadonlyMap<string, Placed>): string[] {
  const wrong: string[] = []
  for (const expected of truth) {
    const found = placed.get(expected.id)
    const say = (what: string, found: unknown, allowed: unknown) =>
      wrong.push(
        `${expected.id} (${expected.relations.join('|')}): ${what} is ${JSON.stringify(found)}, not ${JSON.stringify(allowed)}`,
      )
    if (found === undefined) {
      say('call', 'missing', 'there')
      continue
    }
    const { parents, relations, via, side, retryOf, records } = expected
    if (!parents.includes('*') && !parents.includes(found.parent)) say('parent', found.parent, parents)
    if (!relations.includes(found.relation)) say('relation', found.relation, relations)
    if (!via.includes(found.via) && !relations.includes('root')) say('via', found.via, via)
    if (side !== 'any' && found.call.link.side !== side) say('side', found.call.link.side, side)
    if (!retryOf.includes(found.retryOf)) say('retryOf', found.retryOf, retryOf)
    if (found.call.loggedTimes !== records.length) say('loggedTimes', found.call.loggedTimes, records.length)
    checkLink(found.call, say)
    const kinds = found.call.link.edits.map(edit => edit.kind)
    const isPart = openDefects.partOfAnswerCopied && expected.repeats
    if (expected.edit !== null && !isPart && found.relation === 'edit' && !describes(kinds, expected.edit))
      say('edits', kinds, [expected.edit])
    if (found.relation === 'edit' && kinds.length === 0) say('edits', kinds, 'at least one')
    if (found.relation !== 'edit' && kinds.length > 0) say('edits', kinds, [])
  }
  if (placed.size !== truth.length) wrong.push(`${placed.size} calls instead of ${truth.length}`)
  return wrong
}

const kindOf: Readonly<Record<Relation, readonly LinkKind[]>> = {
  declared: ['declared'],
  extend: ['exact'],
  fork: ['exact'],
  edit: ['copied'],
  subagent: ['textual'],
  compact: ['textual'],
  side: ['textual', 'unlinked'],
  root: ['unlinked'],
}

/** What holds of a link whoever its parent is. */
function checkLink({ link }: TreeCall, say: (what: string, found: unknown, allowed: unknown) => void): void {
  if (!kindOf[link.relation].includes(link.kind)) say('kind', link.kind, kindOf[link.relation])
  if ((link.parent === null) !== (link.kind === 'unlinked')) say('kind without a parent', link.kind, 'unlinked')
  if (link.relation !== 'subagent' && link.via !== null) say('via', link.via, null)
  if (link.kind === 'textual' && link.known !== 0) say('known', link.known, 0)
  const proven = ['declared', 'edit', 'subagent', 'compact'].includes(link.relation)
  if (proven && link.evidence.length === 0) say('evidence', [], 'at least one')
}

/** A text that reads otherwise may also be told as one that is gone and one that is new. */
function describes(kinds: readonly EditKind[], edit: EditKind): boolean {
  const told = [...kinds].sort().join()
  return told === edit || (edit === 'text-changed' && told === 'inserted,text-dropped')
}
