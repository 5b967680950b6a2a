// The calls as a tree, for trainers that compute what rows share only once: each part goes as far as nothing branches off, and says where
// it joins. The parts from a beginning to a call, one behind the other, are what `calls` gives for that call.

import { createContextReader } from '../context.ts'
import type { Lane, Lanes } from '../lanes.ts'
import { nameLane } from '../row-plan.ts'
import { buildStepTree, type Step, type StepTree } from '../step-tree.ts'
import type { Trajectory, TrajectoryParent, TrajectoryStep } from '../trajectory.ts'
import { createTrajectoryBuilder, readHead, readParent, type TrajectoryBuilder, writeFailedCall } from '../trajectory-builder.ts'
import type { CallTree, TreeCall } from '../tree.ts'
import type { Policy } from './_adapter.ts'

/** A run of steps without a branch, from the first to the last. */
interface Part {
  readonly id: string
  readonly top: Step
  readonly steps: readonly Step[]
}

export default {
  id: 'tree',
  title: 'one row per stretch that nothing branches off, with where it joins',
  *build(tree, lanes) {
    const builder = createTrajectoryBuilder(tree, lanes, 'tree')
    const laneOf = nameLanes(lanes)
    const calls = tree.calls.filter(call => laneOf.has(call.index))
    const stepTree = buildStepTree(tree, calls)
    const { parts, byLast } = listParts(stepTree)
    const readSteps = createStepReader(tree, builder)
    for (const part of parts) {
      const answers = part.steps.filter(step => step.isAnswer).map(step => step.call)
      const first = answers[0] ?? part.top.call
      const lane = laneOf.get(first.index)
      yield {
        ...readHead(tree, answers.at(-1) ?? first),
        id: part.id,
        policy: 'tree',
        kind: 'node',
        side: part.top.call.link.side,
        lane: lane === undefined ? '' : nameLane(lane),
        parent: findParent(tree, stepTree, byLast.get(part.top.parent), part),
        steps: readSteps(part),
        boundaries: [],
        breakReason: null,
        approximate: false,
        failed: answers.flatMap(call => readFailed(laneOf.get(call.index), call)),
      } satisfies Trajectory
    }
  },
} satisfies Policy

function nameLanes({ lanes }: Lanes): Map<number, Lane> {
  const laneOf = new Map<number, Lane>()
  for (const lane of lanes)
    for (const { call, alternatives } of lane.steps) for (const member of [call, ...alternatives]) laneOf.set(member.index, lane)
  return laneOf
}

/** With the part that holds the first answer of their lane. */
function readFailed(lane: Lane | undefined, call: TreeCall): Trajectory['failed'] {
  return lane?.steps[0]?.call === call ? lane.failed.map(failed => writeFailedCall(failed.call)) : []
}

/** By first call; two parts of one call in their order. */
function listParts({ steps, children }: StepTree): {
  readonly parts: readonly Part[]
  readonly byLast: ReadonlyMap<number, Part>
} {
  const byLast = new Map<number, Part>()
  for (const [index, top] of steps.entries()) {
    const before = steps[top.parent]
    if (before === undefined || (before.parent >= 0 && children[top.parent]?.count === 1)) continue
    const members: Step[] = [top]
    let last = index
    for (let family = children[last]; family?.count === 1; family = children[last]) {
      last = family.last
      members.push(steps[last] ?? top)
    }
    const answer = members.find(step => step.isAnswer)
    byLast.set(last, { id: answer?.call.call.id ?? `${top.call.call.id}@${top.level}`, top, steps: members })
  }
  const parts = [...byLast.values()].sort((a, b) => a.top.call.index - b.top.call.index || a.top.level - b.top.level)
  return { parts, byLast }
}

/** The call it hangs on; where that is none, the call that first saw what stands before it. */
function findParent(tree: CallTree, { steps }: StepTree, before: Part | undefined, part: Part): TrajectoryParent | null {
  const linked = readParent(tree, part.top.call)
  if (before === undefined) return linked
  const saw: TreeCall = steps[part.top.parent]?.call ?? part.top.call
  const parent = linked ?? { callId: saw.call.id, relation: 'alternative', link: 'exact', via: null }
  return { ...parent, continuesAt: { trajectoryId: before.id, steps: before.steps.reduce((sum, step) => sum + step.count, 0) } }
}

function createStepReader(tree: CallTree, { writeGeneration }: TrajectoryBuilder) {
  const reader = createContextReader(tree)
  return (part: Part): TrajectoryStep[] => {
    const read: TrajectoryStep[] = []
    for (let index = 0; index < part.steps.length; ) {
      const step = part.steps[index] ?? part.top
      if (step.isAnswer) {
        read.push(writeGeneration(step.call))
        index += 1
        continue
      }
      // Messages that one call was the first to see are read at once.
      let last = step
      for (; index < part.steps.length; index += 1) {
        const next = part.steps[index]
        if (next === undefined || next.isAnswer || next.call !== step.call) break
        last = next
      }
      for (const one of reader.readRange(step.call, step.from, last.end)) read.push(one)
    }
    return read
  }
}
