// Trajectories of a whole trial cut into those of its turns: each has what was said in its turn and nothing of the turns before, so that
// what is counted in one is counted once. Pure; shares every step with what it is given.

import type { FailedCall, Trajectory, TrajectorySet, TrajectoryStep } from './trajectory.ts'

/** The turn of a call; null = not known, and then it is the one of the call before. */
export type TurnOf = (callId: string) => number | null

/** By turn, only turns in which something was generated. */
export function cutByTurn(set: TrajectorySet, turnOf: TurnOf): ReadonlyMap<number, TrajectorySet> {
  const cut = [...set.trajectories].flatMap(trajectory => cutTrajectory(trajectory, turnOf))
  const turns = new Map<number, Trajectory[]>()
  for (const { turn, trajectory } of cut) turns.set(turn, [...(turns.get(turn) ?? []), trajectory])
  const { stray = [] } = set
  const ordered = [...turns].sort(([a], [b]) => a - b)
  return new Map(
    ordered.map(([turn, trajectories]) => {
      const own = stray.filter(call => (turnOf(call.callId) ?? 1) === turn)
      return [turn, { scope: set.scope, policy: set.policy, trajectories, ...(own.length === 0 ? {} : { stray: own }) }]
    }),
  )
}

interface Part {
  readonly turn: number
  readonly trajectory: Trajectory
}

function cutTrajectory(trajectory: Trajectory, turnOf: TurnOf): Part[] {
  const spans = findSpans(trajectory.steps, turnOf)
  if (spans.length <= 1) return spans.map(({ turn }) => ({ turn, trajectory }))
  return spans.map(span => ({ turn: span.turn, trajectory: takeSpan(trajectory, span, turnOf) }))
}

interface Span {
  readonly turn: number
  readonly from: number
  readonly to: number
}

/** What stands before an answer belongs to the answer's turn; what stands behind the last one, to the last. */
function findSpans(steps: readonly TrajectoryStep[], turnOf: TurnOf): Span[] {
  const spans: Span[] = []
  let from = 0
  for (const [index, { generation }] of steps.entries()) {
    if (generation === null) continue
    const last = spans.at(-1)
    const turn = turnOf(generation.callId) ?? last?.turn ?? 1
    // Time does not run backwards in a conversation: a call that names an earlier turn is a late one of this.
    if (last !== undefined && turn <= last.turn) spans[spans.length - 1] = { ...last, to: index + 1 }
    else spans.push({ turn, from, to: index + 1 })
    from = index + 1
  }
  const last = spans.at(-1)
  if (last !== undefined) spans[spans.length - 1] = { ...last, to: steps.length }
  return spans
}

function takeSpan(trajectory: Trajectory, { turn, from, to }: Span, turnOf: TurnOf): Trajectory {
  const steps = trajectory.steps.slice(from, to)
  const first = steps.find(step => step.generation !== null)?.generation
  const isFirst = from === 0
  const before = trajectory.boundaries.filter(boundary => !isFirst && boundary.step <= from)
  const preamble = before.findLast(boundary => boundary.preamble !== null)?.preamble ?? trajectory
  const failed = (call: FailedCall): boolean => {
    const at = turnOf(call.callId)
    return at === null ? isFirst : at === turn
  }
  return {
    ...trajectory,
    id: isFirst ? trajectory.id : (first?.callId ?? trajectory.id),
    model: first?.model ?? trajectory.model,
    system: preamble.system,
    tools: preamble.tools,
    steps,
    boundaries: trajectory.boundaries
      .filter(boundary => boundary.step < to && !before.includes(boundary))
      .map(boundary => ({ ...boundary, step: boundary.step - from })),
    failed: trajectory.failed.filter(failed),
  }
}
