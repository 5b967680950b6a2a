// What a call goes on from, as rows see it: the nearest call above that generated something. A failed try in between is shown nowhere,
// so what only it said is new in the call behind it. Pure.

import type { Edit, Link } from './link.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface Lineage {
  readonly parent: TreeCall | null
  readonly relation: Link['relation']
  /** Leading blocks of the request that the parent's request and answer account for. */
  readonly known: number
  readonly edits: readonly Edit[]
}

export function readLineage({ calls }: CallTree, call: TreeCall): Lineage {
  let { relation, known, edits } = call.link
  let parent = call.link.parent === null ? undefined : calls[call.link.parent]
  while (parent !== undefined && parent.answer === null) {
    known = Math.min(known, parent.link.known)
    // Whatever changed, changed on the way to the try that failed.
    if (relation === 'extend' || relation === 'fork' || relation === 'declared') ({ relation, edits } = parent.link)
    parent = parent.link.parent === null ? undefined : calls[parent.link.parent]
  }
  return { parent: parent ?? null, relation, known, edits }
}
