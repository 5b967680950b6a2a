// An ATIF document as trajectories: our own give back what was written, those of other writers (1.0 to 1.7) their plain meaning. The
// schema has been checked; what it cannot say (order of step ids, references) is read as it stands.

import type { Json, JsonObject } from '../../core/types.ts'
import { countOf, isList, isObject, objectOf, textOf, without } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../source.ts'
import type { PolicyId, Trajectory, TrajectoryParent, TrajectorySet } from '../trajectory.ts'
import { readFailed } from './_atif-metrics.ts'
import { nameForeignCall, readSteps } from './_atif-read-steps.ts'
import { createToolReader } from './_atif-tools.ts'
import { ownMark } from './_atif-write.ts'

export function readDocument(document: JsonObject): TrajectorySet {
  const extra = objectOf(document['extra'])
  const isOurs = extra['format'] === ownMark
  const inputs = {
    isOurs,
    images: isOurs ? objectOf(extra['images']) : {},
    readTools: createToolReader(),
    ids: new Set<string>(),
  }
  const found: Found[] = []
  collect(document, null, inputs, found)
  const trajectories = found.toSorted((a, b) => a.position - b.position).map(({ trajectory }) => trajectory)
  const stray = isList(extra['stray_calls']) ? { stray: extra['stray_calls'].map(readFailed) } : {}
  if (!isOurs) return { scope: readForeignScope(document), policy: 'readable', trajectories }
  const policy = (textOf(extra['policy']) ?? 'readable') as PolicyId
  return { scope: readScope(extra['scope']), policy, trajectories, ...stray }
}

interface DocumentInputs {
  readonly isOurs: boolean
  readonly images: JsonObject
  readonly readTools: ReturnType<typeof createToolReader>
  /** Of the trajectories read so far. */
  readonly ids: Set<string>
}

interface Found {
  readonly trajectory: Trajectory
  /** In the set that was written; in the document where nothing says so. */
  readonly position: number
}

/** In the order of the document, which is that of its tools' names. */
function collect(document: JsonObject, parent: TrajectoryParent | null, inputs: DocumentInputs, found: Found[]): void {
  const trajectory = readTrajectory(document, parent, inputs, found.length)
  const position = inputs.isOurs ? countOf(objectOf(document['extra'])['position']) : null
  found.push({ trajectory, position: position ?? found.length })
  const children = document['subagent_trajectories']
  const spawners = inputs.isOurs ? null : listSpawners(document, trajectory.id)
  for (const child of isList(children) ? children.map(objectOf) : [])
    collect(child, spawners?.get(textOf(child['trajectory_id']) ?? '') ?? null, inputs, found)
}

function readTrajectory(
  document: JsonObject,
  parent: TrajectoryParent | null,
  { isOurs, images, readTools, ids }: DocumentInputs,
  position: number,
): Trajectory {
  const extra = isOurs ? objectOf(document['extra']) : {}
  const agent = objectOf(document['agent'])
  const model = textOf(agent['model_name'])
  const id = nameTrajectory(document, ids)
  const tools = readTools(agent['tool_definitions'], objectOf(agent['extra'])['tools'])
  const steps = isList(document['steps']) ? document['steps'].map(objectOf) : []
  const read = readSteps(steps, { isOurs, images, readTools, trajectoryId: id, model })
  const common = { id, model, tools, ...read }
  if (!isOurs)
    return {
      ...common,
      policy: 'readable',
      kind: position === 0 ? 'root' : 'subagent',
      side: null,
      lane: id,
      parent,
      protocol: '',
      maxTokens: null,
      metadata: readForeignRest(document, steps),
      breakReason: null,
      approximate: false,
      failed: [],
    }
  return { ...common, ...readExtra(extra, id) }
}

type OwnFields = Omit<Trajectory, 'id' | 'model' | 'tools' | 'system' | 'steps' | 'boundaries'>

function readExtra(extra: JsonObject, id: string): OwnFields {
  const { failed_calls: failed } = extra
  return {
    policy: (textOf(extra['policy']) ?? 'readable') as PolicyId,
    kind: (textOf(extra['kind']) ?? 'root') as Trajectory['kind'],
    side: textOf(extra['side']) as Trajectory['side'],
    lane: textOf(extra['lane']) ?? id,
    parent: readParent(extra['parent']),
    protocol: textOf(extra['protocol']) ?? '',
    maxTokens: countOf(extra['max_tokens']),
    metadata: extra['metadata'] ?? null,
    breakReason: textOf(extra['break_reason']) as Trajectory['breakReason'],
    approximate: extra['approximate'] === true,
    failed: isList(failed) ? failed.map(readFailed) : [],
  }
}

function readParent(value: Json | undefined): TrajectoryParent | null {
  if (!isObject(value)) return null
  return {
    callId: textOf(value['call_id']) ?? '',
    relation: value['relation'] as TrajectoryParent['relation'],
    link: value['link'] as TrajectoryParent['link'],
    via: textOf(value['via']),
  }
}

/** Unique over the document: other writers may use an id again in another branch. */
function nameTrajectory(document: JsonObject, ids: Set<string>): string {
  const given = textOf(document['trajectory_id']) ?? textOf(document['session_id']) ?? 'trajectory'
  let id = given
  for (let number = 2; ids.has(id); number += 1) id = `${given}~${number}`
  ids.add(id)
  return id
}

/** The tool calls that embedded trajectories work for, by the id of these. */
function listSpawners(document: JsonObject, trajectoryId: string): Map<string, TrajectoryParent> {
  const spawners = new Map<string, TrajectoryParent>()
  const steps = isList(document['steps']) ? document['steps'].map(objectOf) : []
  for (const step of steps) {
    const results = objectOf(step['observation'])['results']
    for (const result of isList(results) ? results.map(objectOf) : []) {
      const references = result['subagent_trajectory_ref']
      for (const reference of isList(references) ? references.map(objectOf) : []) {
        const id = textOf(reference['trajectory_id'])
        const via = textOf(result['source_call_id'])
        if (id !== null)
          spawners.set(id, { callId: nameForeignCall(trajectoryId, step), relation: 'subagent', link: 'declared', via })
      }
    }
  }
  return spawners
}

/** What a trajectory has no place for, so that it is not lost. */
function readForeignRest(document: JsonObject, steps: readonly JsonObject[]): Json {
  const agent = without(objectOf(document['agent']), ['model_name', 'tool_definitions'])
  const [first] = steps
  const timestamp = first?.['source'] === 'system' && first['extra'] === undefined ? first['timestamp'] : undefined
  return {
    atif: {
      ...without(document, ['steps', 'subagent_trajectories', 'agent', 'trajectory_id']),
      agent,
      ...(timestamp === undefined ? {} : { system: { timestamp } }),
    },
  }
}

function readForeignScope(document: JsonObject): ScopeInfo {
  const { name, version } = objectOf(document['agent'])
  const id = textOf(document['session_id']) ?? textOf(document['trajectory_id']) ?? 'unknown'
  const agent = { name: textOf(name) ?? 'unknown', version: textOf(version) }
  return { kind: 'session', id, name: id, runId: null, task: null, agent, score: null }
}

function readScope(value: Json | undefined): ScopeInfo {
  const scope = objectOf(value)
  const agent = scope['agent']
  return {
    kind: scope['kind'] === 'trial' ? 'trial' : 'session',
    id: textOf(scope['id']) ?? '',
    name: textOf(scope['name']) ?? '',
    runId: textOf(scope['run_id']),
    task: textOf(scope['task']),
    agent: isObject(agent) ? { name: textOf(agent['name']) ?? '', version: textOf(agent['version']) } : null,
    score: countOf(scope['score']),
  }
}
