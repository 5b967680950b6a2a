// The product on a simulated scope, and what it says of each call in the script's words.

import { buildLanes, type Lanes } from '../../../convert/lanes.ts'
import type { Relation } from '../../../convert/link.ts'
import { createLoader } from '../../../convert/load.ts'
import type { SourceCall } from '../../../convert/source.ts'
import { buildTree, type CallTree, type TreeCall } from '../../../convert/tree.ts'
import type { Truth } from './truth.ts'

export interface Built {
  readonly tree: CallTree
  readonly lanes: Lanes
}

export function build(calls: readonly SourceCall[]): Built {
  const loader = createLoader()
  for (const call of calls) loader.add(call)
  const tree = buildTree({ ...loader.finish(), undecodable: 0 })
  return { tree, lanes: buildLanes(tree) }
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
    if (!via.includes(found.via)) say('via', found.via, via)
    if (found.call.link.side !== side) say('side', found.call.link.side, side)
    if (found.retryOf !== retryOf) say('retryOf', found.retryOf, retryOf)
    if (found.call.loggedTimes !== records.length) say('loggedTimes', found.call.loggedTimes, records.length)
    const kinds = found.call.link.edits.map(edit => edit.kind)
    if (expected.edit !== null && (kinds.length !== 1 || kinds[0] !== expected.edit)) say('edits', kinds, [expected.edit])
    if (relations.includes('edit') && kinds.length === 0) say('edits', kinds, 'at least one')
    if (!relations.includes('edit') && kinds.length > 0) say('edits', kinds, [])
  }
  if (placed.size !== truth.length) wrong.push(`${placed.size} calls instead of ${truth.length}`)
  return wrong
}
