// Puts calls of a tree together as one trajectory: the context of the first, then what is new in each. Pure; policies decide which calls.
// Copies no block: everything points into the scope's block table.

import type { Message } from '../core/types.ts'
import type { LaneStep } from './lanes.ts'
import type { Boundary, PolicyId, Trajectory, TrajectoryStep } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

export type BuildTrajectory = (
  kind: Trajectory['kind'],
  steps: readonly LaneStep[],
  failed: readonly TreeCall[],
  lane?: string,
) => Trajectory

export function createTrajectoryBuilder(tree: CallTree, policy: PolicyId): BuildTrajectory {
  const { history } = tree.scope

  return (kind, laneSteps, failed, lane) => {
    const steps: TrajectoryStep[] = []
    const boundaries: Boundary[] = []
    let before: TreeCall | undefined
    for (const { call, unresolvedRetry } of laneSteps) {
      if (before !== undefined && before.call.preamble !== call.call.preamble)
        boundaries.push(readPreamble(tree, call, steps.length))
      if (before !== undefined && call.link.edits.length > 0) boundaries.push(readEdit(tree, call, steps.length))
      const fresh = history.readMessages(call.request, before === undefined ? 0 : call.link.known)
      steps.push(...fresh.map(writeContext), writeGeneration(call, unresolvedRetry))
      before = call
    }
    const first = laneSteps[0]?.call
    return {
      ...readHead(tree, laneSteps.at(-1)?.call),
      id: first?.call.id ?? '',
      policy,
      kind,
      side: first?.link.side ?? null,
      lane: lane ?? first?.call.id ?? '',
      parent: readParent(tree, first),
      steps,
      boundaries,
      breakReason: null,
      approximate: false,
      failed: failed.map(({ call }) => ({ callId: call.id, usage: call.usage, costNanoUsd: call.costNanoUsd })),
    }
  }
}

function readEdit({ scope: { history } }: CallTree, { call, link, request }: TreeCall, step: number): Boundary {
  const edits = link.edits.map(({ kind, position }) => ({
    kind,
    block: position === null ? null : history.blockOf(history.ancestorAt(request, position + 1)).block,
  }))
  return { callId: call.id, step, type: 'edit', boundary: 'append', edits, preamble: null }
}

function readPreamble({ scope }: CallTree, { call }: TreeCall, step: number): Boundary {
  const preamble = scope.preambles[call.preamble] ?? null
  return { callId: call.id, step, type: 'preamble', boundary: 'replace', edits: [], preamble }
}

function readParent({ calls }: CallTree, first: TreeCall | undefined): Trajectory['parent'] {
  const parent = first === undefined || first.link.parent === null ? undefined : calls[first.link.parent]
  if (first === undefined || parent === undefined) return null
  const { relation, kind, via } = first.link
  return { callId: parent.call.id, relation, link: kind, via }
}

/** The latest of what may change from call to call. */
function readHead({ scope }: CallTree, last: TreeCall | undefined) {
  const preamble = scope.preambles[last?.call.preamble ?? -1]
  return {
    protocol: last?.call.protocol ?? '',
    model: last?.call.model ?? null,
    maxTokens: last?.call.maxTokens ?? null,
    metadata: last?.call.metadata ?? null,
    system: preamble?.system ?? [],
    tools: preamble?.tools ?? [],
  }
}

function writeContext(message: Message): TrajectoryStep {
  return { message, generation: null, copied: false, tokens: null }
}

function writeGeneration({ call, loggedTimes }: TreeCall, unresolvedRetry: boolean): TrajectoryStep {
  return {
    message: call.answerMessage ?? { role: 'assistant', blocks: [] },
    generation: {
      callId: call.id,
      turn: call.turn,
      attempt: call.attempt,
      model: call.model,
      startedAt: call.startedAt,
      endedAt: call.endedAt,
      stopReason: call.stopReason,
      usage: call.usage,
      costNanoUsd: call.costNanoUsd,
      partial: !call.complete,
      unresolvedRetry,
      loggedTimes,
    },
    copied: false,
    tokens: null,
  }
}
