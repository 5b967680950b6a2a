// What a row says about its trajectory beside the conversation: ids, parent, calls with usage and cost, changes of the context. One shape for
// all formats, written here and read by _row-meta-read.ts; docs/convert.md documents it. Never repeats the conversation.

import type { JsonObject } from '../../core/types.ts'
import type { ScopeInfo } from '../sources/source.ts'
import type { Boundary, Generation, Trajectory } from '../trajectory.ts'
import { writePart, writeTool } from './_parts.ts'
import { writeCounts } from './_usage-counts.ts'

/** Changed when a reader of older rows would be wrong. */
export const rowVersion = 1

export interface RowMetaInputs {
  readonly trajectory: Trajectory
  readonly scope: ScopeInfo
  /** Index of the row's message that a step begins with; of the one that follows when the step is said by none, or is past the last. */
  readonly placeOf: (step: number) => number
}

/** By default nothing is trained on that was cut, or that the client may have thrown away. */
export function isTrained(generation: Generation | null): boolean {
  return generation !== null && !generation.partial && !generation.unresolvedRetry
}

export function writeRowMeta({ trajectory, scope, placeOf }: RowMetaInputs): JsonObject {
  const { parent, steps } = trajectory
  const copied = steps.flatMap((step, index) => (step.copied ? listPlaces(placeOf(index), placeOf(index + 1)) : []))
  return {
    version: rowVersion,
    trajectory_id: trajectory.id,
    policy: trajectory.policy,
    kind: trajectory.kind,
    side: trajectory.side,
    lane: trajectory.lane,
    parent: parent && { call_id: parent.callId, relation: parent.relation, link: parent.link, via: parent.via },
    scope: writeScope(scope),
    protocol: trajectory.protocol,
    break_reason: trajectory.breakReason,
    approximate: trajectory.approximate,
    calls: steps.flatMap(({ generation }, index) => (generation === null ? [] : [writeCall(generation, placeOf(index))])),
    failed_calls: trajectory.failed.map(({ callId, usage, costNanoUsd }) => ({
      call_id: callId,
      usage: usage && writeCounts(usage),
      ...(costNanoUsd === null ? {} : { cost_nano_usd: costNanoUsd }),
    })),
    boundaries: trajectory.boundaries.map(boundary => writeBoundary(boundary, placeOf(boundary.step))),
    copied,
    first_step: placeOf(0),
  }
}

/** What formats without a place for them keep with the rest. */
export function writeAsked({ model, maxTokens, metadata }: Trajectory): JsonObject {
  return { model, max_tokens: maxTokens, metadata }
}

function listPlaces(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function writeScope({ kind, id, name, runId, task, agent, score }: ScopeInfo): JsonObject {
  return { kind, id, name, run_id: runId, task, agent: agent && { name: agent.name, version: agent.version }, score }
}

function writeCall(generation: Generation, message: number): JsonObject {
  return {
    call_id: generation.callId,
    message,
    turn: generation.turn,
    attempt: generation.attempt,
    model: generation.model,
    started_at: generation.startedAt,
    ended_at: generation.endedAt,
    answer_id: generation.answerId,
    stop_reason: generation.stopReason,
    usage: generation.usage && writeCounts(generation.usage),
    cost_nano_usd: generation.costNanoUsd,
    partial: generation.partial,
    unresolved_retry: generation.unresolvedRetry,
    logged_times: generation.loggedTimes,
  }
}

function writeBoundary({ callId, type, boundary, edits, preamble }: Boundary, message: number): JsonObject {
  return {
    call_id: callId,
    message,
    type,
    boundary,
    edits: edits.map(({ kind, block }) => ({ kind, block: block && writePart(block) })),
    preamble: preamble && { system: preamble.system.map(writePart), tools: preamble.tools.map(writeTool) },
  }
}
