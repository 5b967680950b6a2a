// Builds the row that a plan describes: the context of its first call, then what is new in each, every answer marked as generated. Pure.
// Copies no block: everything points into the scope's block table.

import { readChange } from './boundaries.ts'
import { type ContextReader, createContextReader } from './context.ts'
import type { Lanes } from './lanes.ts'
import { readLineage } from './lineage.ts'
import type { LoadedCall } from './load.ts'
import { readRenames, renameResults } from './renames.ts'
import { findUnresolved, type PlannedCall, type RowPlan } from './row-plan.ts'
import type { Boundary, FailedCall, PolicyId, Trajectory, TrajectoryParent, TrajectoryStep } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface TrajectoryBuilder {
  readonly build: (plan: RowPlan) => Trajectory
  readonly writeGeneration: (call: TreeCall) => TrajectoryStep
}

export interface BuilderOptions {
  /** Edits and compactions are shown as boundaries of a row. */
  readonly hasBoundaries?: boolean
}

export function createTrajectoryBuilder(
  tree: CallTree,
  lanes: Lanes,
  policy: PolicyId,
  options: BuilderOptions = {},
): TrajectoryBuilder {
  const reader = createContextReader(tree)
  const unresolved = findUnresolved(lanes)
  const generate = (call: TreeCall): TrajectoryStep => writeGeneration(call, unresolved.has(call.index))
  const hasBoundaries = options.hasBoundaries ?? false

  const build = (plan: RowPlan): Trajectory => {
    const { kind, lane, calls, breakReason, approximate, alternativeTo } = plan
    const first = calls[0]?.call
    return {
      ...readHead(tree, calls.at(-1)?.call),
      ...joinCalls({ tree, reader, plan, generate, hasBoundaries }),
      id: first?.call.id ?? '',
      policy,
      kind,
      side: first?.link.side ?? null,
      lane,
      parent: alternativeTo === null ? readParent(tree, first) : writeAlternative(alternativeTo),
      breakReason,
      approximate,
      failed: plan.failed.map(({ call }) => writeFailedCall(call)),
    }
  }

  return { build, writeGeneration: generate }
}

interface JoinInputs {
  readonly tree: CallTree
  readonly reader: ContextReader
  readonly plan: RowPlan
  readonly generate: (call: TreeCall) => TrajectoryStep
  readonly hasBoundaries: boolean
}

function joinCalls({ tree, reader, plan, generate, hasBoundaries }: JoinInputs): Pick<Trajectory, 'steps' | 'boundaries'> {
  const steps: TrajectoryStep[] = []
  const boundaries: Boundary[] = []
  const readContext = ({ call, newFrom }: PlannedCall, before: TreeCall | undefined): readonly TrajectoryStep[] => {
    if (before === undefined || newFrom === null) return reader.readWhole(call, plan.repeats)
    const known = hasBoundaries ? readLineage(tree, call).known : newFrom
    const renames = readRenames(tree, before, call, known)
    if (!hasBoundaries) return renameResults(reader.readNew(call, newFrom), renames)
    const change = readChange(tree, reader, before, call, steps.length)
    boundaries.push(...change.boundaries)
    return renameResults(change.steps, renames)
  }
  let before: TreeCall | undefined
  for (const planned of plan.calls) {
    for (const step of readContext(planned, before)) steps.push(step)
    steps.push(generate(planned.call))
    before = planned.call
  }
  return { steps, boundaries }
}

/** Under any policy: the call that this one hangs on. */
export function readParent(tree: CallTree, first: TreeCall | undefined): TrajectoryParent | null {
  if (first === undefined) return null
  const { parent, relation } = readLineage(tree, first)
  return parent === null ? null : { callId: parent.call.id, relation, link: first.link.kind, via: first.link.via }
}

/** The same request: as sure as a link can be. */
export function writeAlternative({ call }: TreeCall): TrajectoryParent {
  return { callId: call.id, relation: 'alternative', link: 'exact', via: null }
}

/** The latest of what may change from call to call. */
export function readHead({ scope }: CallTree, last: TreeCall | undefined) {
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

export function writeFailedCall(call: LoadedCall): FailedCall {
  return {
    callId: call.id,
    usage: call.usage,
    costNanoUsd: call.costNanoUsd,
    startedAt: call.startedAt,
    endedAt: call.endedAt,
    model: call.model,
    status: call.status,
    error: call.error,
  }
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
