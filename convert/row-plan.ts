// What a row will hold, before it is built: a few numbers per call, so that all rows of a scope can be put in order and then be built
// one at a time. Policies plan, trajectory-builder.ts builds.

import type { Repeats } from './context.ts'
import type { Lane, LaneStep, Lanes } from './lanes.ts'
import type { BreakReason, TrajectoryKind } from './trajectory.ts'
import type { TreeCall } from './tree.ts'

export interface RowPlan {
  readonly kind: TrajectoryKind
  /** Id of the first call of the lane. */
  readonly lane: string
  readonly calls: readonly PlannedCall[]
  readonly failed: readonly TreeCall[]
  /** The call whose place this one could have taken; null on all other rows. */
  readonly alternativeTo: TreeCall | null
  /** Which of the context at its beginning another row says already. */
  readonly repeats: Repeats
  readonly breakReason: BreakReason | null
  readonly approximate: boolean
}

export interface PlannedCall {
  readonly call: TreeCall
  /** Depth of its request behind which it says something new; null: the row shows its whole context. */
  readonly newFrom: number | null
}

const plain = { failed: [], alternativeTo: null, repeats: 'parent', breakReason: null, approximate: false } as const

export function nameLane(lane: Lane): string {
  return lane.steps[0]?.call.call.id ?? ''
}

/** A row of one call with its whole context. */
export function planCall(lane: Lane, call: TreeCall, more: Partial<RowPlan> & Pick<RowPlan, 'kind'>): RowPlan {
  return { ...plain, lane: nameLane(lane), calls: [{ call, newFrom: null }], ...more }
}

/** The answers beside each step of a lane, a row each. */
export function planAlternatives(lane: Lane, readReason: (call: TreeCall) => BreakReason | null): RowPlan[] {
  const plan = ({ call: kept, alternatives }: LaneStep): RowPlan[] =>
    alternatives.map(call =>
      planCall(lane, call, { kind: 'alternative', alternativeTo: kept, repeats: 'all', breakReason: readReason(call) }),
    )
  return lane.steps.flatMap(plan)
}

/** By first call; the plans of a scope are as many as its calls at most. */
export function sortPlans(plans: readonly RowPlan[]): RowPlan[] {
  const first = ({ calls }: RowPlan): number => calls[0]?.call.index ?? -1
  return [...plans].sort((a, b) => first(a) - first(b))
}

/** Answers of which it is not known whether the client used them: of several, none of which was continued, the one that is kept. */
export function findUnresolved({ lanes }: Lanes): ReadonlySet<number> {
  return new Set(lanes.flatMap(({ steps }) => steps.flatMap(step => (step.unresolvedRetry ? [step.call.index] : []))))
}
