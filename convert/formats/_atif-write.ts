// Trajectories of one scope as one ATIF document: the main conversation is the document, every other one is embedded, sub-agents in the
// trajectory whose tool call they work for, all others at the top. Every trajectory once, whatever its links say.

import { assert } from '../../core/errors.ts'
import { addTo } from '../../core/groups.ts'
import type { JsonObject } from '../../core/types.ts'
import { defined, isObject, objectOf, textOf } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../sources/source.ts'
import type { Trajectory, TrajectorySet } from '../trajectory.ts'
import type { Images } from './_atif-content.ts'
import { joinTotals, listSpent, writeFailed, writeFinalMetrics } from './_atif-metrics.ts'
import { type DocumentNotes, type SpawnedLane, writeSteps } from './_atif-steps.ts'
import { createToolTable } from './_atif-tools.ts'

export const schemaVersion = 'ATIF-v1.7'

/** Says that the extras of a document are ours, and in which version. */
export const ownMark = 'turnpike/1'

export function* writeDocuments(set: TrajectorySet): Iterable<JsonObject> {
  // Each call repeats its whole history: together in one document they would grow with the square of their number.
  if (set.policy !== 'calls') {
    const all = [...set.trajectories]
    if (all.length > 0) yield writeDocument(set, all)
    return
  }
  let { stray = [] } = set
  for (const trajectory of set.trajectories) {
    yield writeDocument({ ...set, stray }, [trajectory])
    // Of no conversation: the first document has them, as any would do.
    stray = []
  }
}

function writeDocument(set: TrajectorySet, trajectories: readonly Trajectory[]): JsonObject {
  const main = chooseMain(trajectories)
  const images: Images = {}
  const notes: DocumentNotes = { images, tools: createToolTable() }
  const family = groupFamily(trajectories, main)
  const totals = trajectories.map(listSpent)
  const positions = new Map(trajectories.map((trajectory, position) => [trajectory.id, position]))
  const { schema_version: version, ...document } = writeTrajectory({
    trajectory: main,
    scope: set.scope,
    family,
    notes,
    positions,
  })
  const { stray = [] } = set
  return {
    schema_version: version ?? schemaVersion,
    session_id: set.scope.id,
    ...document,
    extra: {
      format: ownMark,
      scope: writeScope(set.scope),
      totals: writeFinalMetrics(joinTotals([...totals, { generated: [], failed: stray }]), undefined, {}),
      ...objectOf(document['extra']),
      ...(stray.length === 0 ? {} : { stray_calls: stray.map(writeFailed) }),
      ...(Object.keys(images).length === 0 ? {} : { images }),
    },
  }
}

function writeScope({ kind, id, name, runId, task, agent, score }: ScopeInfo): JsonObject {
  return { kind, id, name, run_id: runId, task, agent: agent && { name: agent.name, version: agent.version }, score }
}

/**
 * Of the lanes that begin without a parent the one with the most generations, then the one that reaches furthest; of its parts the last.
 * Not simply the one that ends last: a title asked for at the end is a root as well.
 */
function chooseMain(trajectories: readonly Trajectory[]): Trajectory {
  const lanes = new Map<string, Trajectory[]>()
  for (const trajectory of trajectories) {
    if (trajectory.kind === 'alternative' && trajectory.lane !== trajectory.id) continue
    addTo(lanes, trajectory.lane, trajectory)
  }
  const ranked = [...lanes.values()].map(parts => ({ last: parts.at(-1), rank: rankLane(parts) }))
  let best = ranked[0]
  for (const lane of ranked) if (best !== undefined && compareRanks(lane.rank, best.rank) > 0) best = lane
  const [first] = trajectories
  assert(first !== undefined, 'a document has a trajectory')
  return best?.last ?? first
}

function rankLane(parts: readonly Trajectory[]): readonly number[] {
  const [first] = parts
  const generations = parts.flatMap(part => part.steps.flatMap(step => (step.generation === null ? [] : [step.generation])))
  const isRoot = first !== undefined && first.parent === null && first.kind !== 'side' && first.kind !== 'subagent'
  return [isRoot ? 1 : 0, generations.length, generations.reduce((end, { startedAt }) => Math.max(end, startedAt), 0)]
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - (b[index] ?? 0)
  return 0
}

/** Embedded trajectories by the id of the one they stand in, and the references to them. */
interface Family {
  readonly embedded: ReadonlyMap<string, readonly Trajectory[]>
  readonly spawned: ReadonlyMap<string, readonly SpawnedLane[]>
}

function groupFamily(trajectories: readonly Trajectory[], main: Trajectory): Family {
  const owners = new Map<string, { readonly trajectory: Trajectory; readonly position: number }>()
  for (const [position, trajectory] of trajectories.entries())
    for (const { generation } of trajectory.steps)
      if (generation !== null) owners.set(generation.callId, { trajectory, position })
  const embedded = new Map<string, Trajectory[]>()
  const spawned = new Map<string, SpawnedLane[]>()
  for (const [position, trajectory] of trajectories.entries()) {
    if (trajectory === main) continue
    const { parent } = trajectory
    const owner = parent?.relation === 'subagent' ? owners.get(parent.callId) : undefined
    // A worker begins after the one it works for; anything else would not lead back to the document.
    const home = owner !== undefined && (owner.trajectory === main || owner.position < position) ? owner.trajectory : undefined
    addTo(embedded, (home ?? main).id, trajectory)
    if (home !== undefined && parent !== null && parent.via !== null)
      addTo(spawned, home.id, { callId: parent.callId, via: parent.via, trajectoryId: trajectory.id })
  }
  return { embedded, spawned }
}

interface TrajectoryInputs {
  readonly trajectory: Trajectory
  readonly scope: ScopeInfo
  readonly family: Family
  readonly notes: DocumentNotes
  /** In the set: a document has them in another order. */
  readonly positions: ReadonlyMap<string, number>
}

function writeTrajectory(inputs: TrajectoryInputs): JsonObject {
  const { trajectory, scope, family, notes } = inputs
  const tools = notes.tools.write(trajectory.tools)
  const foreign = objectOf(objectOf(trajectory.metadata)['atif'])
  const steps = writeSteps(trajectory, family.spawned.get(trajectory.id) ?? [], notes)
  const embedded = family.embedded.get(trajectory.id) ?? []
  return {
    schema_version: schemaVersion,
    trajectory_id: trajectory.id,
    agent: defined({
      name: scope.agent?.name ?? 'unknown',
      version: scope.agent?.version ?? 'unknown',
      model_name: trajectory.model ?? undefined,
      tool_definitions: tools.definitions,
      extra: tools.notes === undefined ? undefined : { tools: tools.notes },
    }),
    // A document needs a step; a conversation of which nothing is known has this one.
    steps: steps.length > 0 ? steps : [{ step_id: 1, source: 'system', message: '', extra: { empty: true } }],
    ...defined({ notes: textOf(foreign['notes']) ?? undefined }),
    final_metrics: writeFinalMetrics(listSpent(trajectory), steps.length, readForeignTotals(foreign)),
    ...(embedded.length === 0
      ? {}
      : { subagent_trajectories: embedded.map(child => writeTrajectory({ ...inputs, trajectory: child })) }),
    extra: writeExtra(trajectory, inputs.positions.get(trajectory.id) ?? 0),
  }
}

/** Writers that know only the sums of a session give no metrics to its steps. */
function readForeignTotals(foreign: JsonObject): JsonObject {
  const totals = foreign['final_metrics']
  if (!isObject(totals)) return {}
  return Object.fromEntries(Object.entries(totals).filter(([key]) => key !== 'total_steps'))
}

function writeExtra(trajectory: Trajectory, position: number): JsonObject {
  const { parent } = trajectory
  return defined({
    kind: trajectory.kind,
    policy: trajectory.policy,
    position,
    side: trajectory.side ?? undefined,
    lane: trajectory.lane,
    parent:
      parent === null
        ? undefined
        : defined({ call_id: parent.callId, relation: parent.relation, link: parent.link, via: parent.via ?? undefined }),
    protocol: trajectory.protocol,
    max_tokens: trajectory.maxTokens ?? undefined,
    metadata: trajectory.metadata ?? undefined,
    break_reason: trajectory.breakReason ?? undefined,
    approximate: trajectory.approximate ? true : undefined,
    failed_calls: trajectory.failed.length === 0 ? undefined : trajectory.failed.map(writeFailed),
  })
}
