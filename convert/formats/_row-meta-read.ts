// The inverse of _row-meta.ts: ids, parent, calls and changes of the context from a row that its schema has found well-formed. Total on
// such rows; what a foreign row does not say is null or empty, and calls without an id are named by their place in the row.

import type { Block, Json, JsonObject, Usage } from '../../core/types.ts'
import { countOf, isList, isObject, objectOf, objectsOf, textOf } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../sources/source.ts'
import type { Boundary, Generation, Trajectory, TrajectoryKind, TrajectoryParent } from '../trajectory.ts'
import type { LinkKind } from '../tree/link.ts'
import { readPart, readTool } from './_parts.ts'
import { readCounts } from './_usage-counts.ts'

export interface RowMeta extends Omit<Trajectory, 'system' | 'tools' | 'steps' | 'model' | 'maxTokens' | 'metadata'> {
  readonly scope: ScopeInfo
  /** By the index of their step. */
  readonly calls: ReadonlyMap<number, Generation>
  readonly copied: ReadonlySet<number>
  /** Messages of the row before its first step. */
  readonly offset: number
}

/** `inferred`: messages before the first step, for rows of others that do not say. */
export function readRowMeta(meta: JsonObject, inferred: number): RowMeta {
  const offset = countOf(meta['first_step']) ?? inferred
  const calls = objectsOf(meta['calls']).map(call => [(countOf(call['message']) ?? 0) - offset, readGeneration(call)] as const)
  return {
    offset,
    id: textOf(meta['trajectory_id']) ?? '',
    policy: (meta['policy'] ?? 'readable') as Trajectory['policy'],
    kind: (meta['kind'] ?? 'root') as TrajectoryKind,
    side: (meta['side'] ?? null) as Trajectory['side'],
    lane: textOf(meta['lane']) ?? textOf(meta['trajectory_id']) ?? '',
    parent: readParent(meta['parent']),
    scope: readScope(meta),
    protocol: textOf(meta['protocol']) ?? '',
    breakReason: (meta['break_reason'] ?? null) as Trajectory['breakReason'],
    approximate: meta['approximate'] === true,
    calls: new Map(calls),
    failed: objectsOf(meta['failed_calls']).map(call => ({
      callId: textOf(call['call_id']) ?? '',
      usage: readUsage(call['usage']),
      costNanoUsd: countOf(call['cost_nano_usd']),
    })),
    boundaries: objectsOf(meta['boundaries']).map(boundary => readBoundary(boundary, offset)),
    copied: new Set((isList(meta['copied']) ? meta['copied'] : []).map(place => (countOf(place) ?? 0) - offset)),
  }
}

/** The model, the limit and the metadata, where formats without a place for them keep them. */
export function readAsked(meta: JsonObject): Pick<Trajectory, 'model' | 'maxTokens' | 'metadata'> {
  return { model: textOf(meta['model']), maxTokens: countOf(meta['max_tokens']), metadata: meta['metadata'] ?? null }
}

function readScope(meta: JsonObject): ScopeInfo {
  const scope = objectOf(meta['scope'])
  const agent = scope['agent']
  const session = textOf(meta['session_id']) ?? ''
  return {
    kind: scope['kind'] === 'trial' ? 'trial' : 'session',
    id: textOf(scope['id']) ?? session,
    name: textOf(scope['name']) ?? session,
    runId: textOf(scope['run_id']),
    task: textOf(scope['task']),
    agent: isObject(agent) ? { name: textOf(agent['name']) ?? '', version: textOf(agent['version']) } : null,
    score: countOf(scope['score']),
  }
}

function readParent(raw: Json | undefined): TrajectoryParent | null {
  if (!isObject(raw)) return null
  return {
    callId: textOf(raw['call_id']) ?? '',
    relation: (raw['relation'] ?? 'root') as TrajectoryParent['relation'],
    link: (raw['link'] ?? 'unlinked') as LinkKind,
    via: textOf(raw['via']),
  }
}

export function readGeneration(call: JsonObject): Generation {
  return {
    callId: textOf(call['call_id']) ?? '',
    turn: countOf(call['turn']),
    attempt: countOf(call['attempt']),
    model: textOf(call['model']),
    startedAt: countOf(call['started_at']) ?? 0,
    endedAt: countOf(call['ended_at']),
    answerId: textOf(call['answer_id']),
    stopReason: textOf(call['stop_reason']),
    usage: readUsage(call['usage']),
    costNanoUsd: countOf(call['cost_nano_usd']),
    partial: call['partial'] === true,
    unresolvedRetry: call['unresolved_retry'] === true,
    loggedTimes: countOf(call['logged_times']) ?? 1,
  }
}

function readUsage(raw: Json | undefined): Usage | null {
  if (!isObject(raw)) return null
  return {
    ...readCounts(raw),
    serverTools: {},
    serviceTier: null,
    source: 'wire',
    inconsistent: false,
    raw: null,
    mapping: 'turnpike-row/1',
  }
}

function readBoundary(raw: JsonObject, offset: number): Boundary {
  const preamble = raw['preamble']
  return {
    callId: textOf(raw['call_id']) ?? '',
    step: (countOf(raw['message']) ?? offset) - offset,
    type: (raw['type'] ?? 'edit') as Boundary['type'],
    boundary: (raw['boundary'] ?? 'append') as Boundary['boundary'],
    edits: objectsOf(raw['edits']).map(({ kind, block }) => ({
      kind: kind as Boundary['edits'][number]['kind'],
      block: isObject(block) ? readPart(block) : null,
    })),
    preamble: isObject(preamble) ? { system: readParts(preamble['system']), tools: readTools(preamble['tools']) } : null,
  }
}

function readParts(raw: Json | undefined): Block[] {
  return isList(raw) ? raw.map(readPart) : []
}

export function readTools(raw: Json | undefined): Trajectory['tools'] {
  return isList(raw) ? raw.map(readTool) : []
}
