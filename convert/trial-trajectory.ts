// The ATIF document of one trial as a file of a result tree, with its images as files beside it. Reads what was recorded; starts
// nothing and writes nothing itself.

import type { JsonObject } from '../core/types.ts'
import { isObject, objectOf, without } from '../protocols/_json.ts'
import type { Store } from '../store/_adapter.ts'
import atif from './formats/atif.ts'
import readable from './policies/readable.ts'
import { writeFailedCall } from './rows/trajectory-builder.ts'
import { readStoreScope } from './sources/source-store.ts'
import type { TrajectorySet } from './trajectory.ts'
import { buildLanes } from './tree/lanes.ts'
import { loadSource } from './tree/load.ts'
import { buildTree } from './tree/tree.ts'
import { cutByTurn } from './turn-trajectories.ts'

export interface TrialTrajectory {
  readonly document: string
  /** By the path that the document names, relative to its own place. */
  readonly images: ReadonlyMap<string, Buffer>
}

/** Null: the trial has no answer of a model, and ATIF knows no empty document. */
export async function writeTrialTrajectory(store: Store, trialId: string): Promise<TrialTrajectory | null> {
  const read = await readTrial(store, trialId)
  return read === null ? null : writeFirst(read.set)
}

/** A document for each turn in which a model answered, with what was said in that turn alone. */
export async function writeTurnTrajectories(store: Store, trialId: string): Promise<ReadonlyMap<number, TrialTrajectory>> {
  const read = await readTrial(store, trialId)
  if (read === null) return new Map()
  const written = [...cutByTurn(read.set, read.turnOf)].map(([turn, set]) => [turn, writeFirst(set)] as const)
  return new Map(written.flatMap(([turn, trajectory]) => (trajectory === null ? [] : [[turn, trajectory] as const])))
}

async function readTrial(store: Store, trialId: string) {
  const [trial] = await store.list('trials', { id: trialId })
  if (trial === undefined) return null
  const { id, name, runId, taskId: task } = trial
  const scope = { kind: 'trial', id, name, runId, task, agent: { name: trial.agent, version: null }, score: null } as const
  const tree = buildTree(await loadSource(readStoreScope(store, { scopeId: id }, scope)), id)
  const lanes = buildLanes(tree)
  const stray = lanes.stray.map(({ call }) => writeFailedCall(call))
  const turns = new Map(tree.calls.map(({ call }) => [call.id, call.turn]))
  const set: TrajectorySet = { scope, policy: 'readable', trajectories: readable.build(tree, lanes), stray }
  return { set, turnOf: (callId: string) => turns.get(callId) ?? null }
}

function writeFirst(set: TrajectorySet): TrialTrajectory | null {
  for (const document of atif.write(set)) return splitImages(document)
  return null
}

function splitImages(document: JsonObject): TrialTrajectory {
  const extra = objectOf(document['extra'])
  const images = new Map<string, Buffer>()
  const kept: Record<string, string> = {}
  for (const [path, data] of Object.entries(isObject(extra['images']) ? extra['images'] : {})) {
    const bytes = Buffer.from(String(data), 'base64')
    // What is no plain base64 would be another text when read again.
    if (bytes.toString('base64') === data) images.set(path, bytes)
    else kept[path] = String(data)
  }
  const rest = { ...without(extra, ['images']), ...(Object.keys(kept).length === 0 ? {} : { images: kept }) }
  return { document: `${JSON.stringify({ ...document, extra: rest }, null, 2)}\n`, images }
}
