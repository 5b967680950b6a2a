// Where the context of a lane changes in another way than by growing, as `readable` shows it: what kind of change, and the steps that say
// what the context became. Pure.

import type { ContextReader } from './context.ts'
import { holdsSummary } from './continuation.ts'
import { readLineage } from './lineage.ts'
import type { Edit } from './link.ts'
import type { Boundary, TrajectoryStep } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface Change {
  readonly boundaries: readonly Boundary[]
  /** Context steps: what the context became, then what is new. */
  readonly steps: readonly TrajectoryStep[]
}

/** How `call` goes on from `before`, which stands before it in the row; `step` is the index of the next step. */
export function readChange(tree: CallTree, reader: ContextReader, before: TreeCall, call: TreeCall, step: number): Change {
  const boundaries: Boundary[] = []
  if (before.call.preamble !== call.call.preamble) boundaries.push(readPreamble(tree, call, step))
  const { relation, known, edits } = readLineage(tree, call)
  if (relation === 'compact') {
    const steps = reader.readWhole(call, 'parent')
    boundaries.push({ ...open(call, step), type: 'compaction', boundary: 'replace', shows: steps.length })
    return { boundaries, steps }
  }
  const fresh = reader.readNew(call, known)
  if (holdsSummary(tree, before, call)) boundaries.push({ ...open(call, step), type: 'compaction', boundary: 'replace' })
  if (relation !== 'edit') return { boundaries, steps: fresh }
  const shown = reader.readBlocks(
    call,
    edits.flatMap(({ position }) => (position === null ? [] : [position])),
  )
  boundaries.push(readEdit(tree, call, edits, step, shown.length))
  return { boundaries, steps: [...shown, ...fresh] }
}

function open({ call }: TreeCall, step: number): Pick<Boundary, 'callId' | 'step' | 'edits' | 'preamble'> {
  return { callId: call.id, step, edits: [], preamble: null }
}

function readEdit(
  { scope: { history } }: CallTree,
  call: TreeCall,
  changed: readonly Edit[],
  step: number,
  shows: number,
): Boundary {
  const edits = changed.map(({ kind, position }) => ({
    kind,
    block: position === null ? null : history.blockOf(history.ancestorAt(call.request, position + 1)).block,
  }))
  const isGone = edits.length > 0 && edits.every(({ block }) => block === null)
  return { ...open(call, step), type: 'edit', boundary: isGone ? 'truncate' : 'append', edits, shows }
}

function readPreamble({ scope }: CallTree, call: TreeCall, step: number): Boundary {
  const preamble = scope.preambles[call.call.preamble] ?? null
  return { ...open(call, step), type: 'preamble', boundary: 'append', preamble }
}
