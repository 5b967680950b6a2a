// Lanes cut where what the model saw is not what it saw before, its answer, and something new: rows to train on. Pure.
// Shared by the policies that differ only in what they take for a continuation.

import { readBeginning } from './continuation.ts'
import type { Lane, Lanes } from './lanes.ts'
import { nameLane, type PlannedCall, planAlternatives, type RowPlan } from './row-plan.ts'
import type { BreakReason } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

/** How a call goes on from the one before it in its lane. */
export interface Joint {
  /** Null: in the same row. */
  readonly breakReason: BreakReason | null
  readonly known: number
  /** In the same row, though not to the letter. */
  readonly isApproximate: boolean
}

export interface SegmentRules {
  readonly readJoint: (before: TreeCall, call: TreeCall) => Joint
  /** Why a row that shows the whole context of this call does not show what the model saw; null = it does. */
  readonly readBeginning?: (call: TreeCall) => BreakReason | null
}

export function planSegments(tree: CallTree, { lanes }: Lanes, rules: SegmentRules): RowPlan[] {
  const begin = rules.readBeginning ?? ((call: TreeCall) => readBeginning(tree, call))
  return lanes.flatMap(lane => [...splitLane(lane, { ...rules, readBeginning: begin }), ...planAlternatives(lane, begin)])
}

function* splitLane(lane: Lane, { readJoint, readBeginning: begin }: Required<SegmentRules>): Generator<RowPlan> {
  const name = nameLane(lane)
  let calls: PlannedCall[] = []
  let head: Pick<RowPlan, 'kind' | 'failed' | 'breakReason'> = { kind: lane.kind, failed: lane.failed, breakReason: null }
  let approximate = false
  const close = (): RowPlan => ({ ...head, lane: name, calls, alternativeTo: null, repeats: 'parent', approximate })
  for (const { call } of lane.steps) {
    const before = calls.at(-1)?.call
    const joint = before === undefined ? null : readJoint(before, call)
    if (joint === null) {
      head = { ...head, breakReason: begin(call) }
      calls.push({ call, newFrom: null })
    } else if (joint.breakReason === null) {
      calls.push({ call, newFrom: joint.known })
      approximate ||= joint.isApproximate
    } else {
      yield close()
      head = { kind: 'segment', failed: [], breakReason: begin(call) ?? joint.breakReason }
      calls = [{ call, newFrom: null }]
      approximate = false
    }
  }
  yield close()
}
