// The steps of one trajectory as ATIF steps. Results stand in the observation of the step whose call they answer; what is out of the
// usual order says where it stood, so that _atif-read-steps.ts gives back the very messages. One pass, nothing copied.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import { defined, objectOf } from '../../protocols/_json.ts'
import type { Boundary, Generation, Trajectory, TrajectoryStep } from '../trajectory.ts'
import { dropWire, type Images, joinThinking, type ToolResult, writeContent } from './_atif-content.ts'
import { writeMetrics } from './_atif-metrics.ts'
import type { ToolTable } from './_atif-tools.ts'

/** What the parts of one document share. */
export interface DocumentNotes {
  readonly images: Images
  readonly tools: ToolTable
}

/** A lane that works for a tool call of one of the steps. */
export interface SpawnedLane {
  readonly callId: string
  readonly via: string
  readonly trajectoryId: string
}

/** A step while its results are still coming. */
interface Draft {
  readonly fields: JsonObject
  readonly results: JsonObject[]
  readonly callIds: ReadonlySet<string>
}

export function writeSteps(trajectory: Trajectory, spawned: readonly SpawnedLane[], notes: DocumentNotes): JsonObject[] {
  const writer: Writer = { ...notes, drafts: [], owners: new Map(), byGeneration: new Map() }
  addSystem(writer, trajectory.system)
  let boundary = 0
  const addBoundaries = (upTo: number): void => {
    for (;;) {
      const next = trajectory.boundaries[boundary]
      if (next === undefined || next.step > upTo) return
      push(writer, { source: 'system', ...writeBoundary(next, notes) })
      boundary += 1
    }
  }
  for (const [index, step] of trajectory.steps.entries()) {
    addBoundaries(index)
    addStep(writer, step, index, trajectory.steps[index - 1])
  }
  addBoundaries(Number.POSITIVE_INFINITY)
  for (const lane of spawned) refer(writer, lane)
  return writer.drafts.map(({ fields, results }, index) => ({
    step_id: index + 1,
    ...fields,
    ...(results.length === 0 ? {} : { observation: { results } }),
  }))
}

interface Writer extends DocumentNotes {
  readonly drafts: Draft[]
  /** The latest step that made a call of that id. */
  readonly owners: Map<string, Draft>
  readonly byGeneration: Map<string, Draft>
}

function push(writer: Writer, fields: JsonObject, results: JsonObject[] = [], calls: readonly JsonObject[] = []): Draft {
  const draft = { fields, results, callIds: new Set(calls.map(call => String(call['tool_call_id']))) }
  writer.drafts.push(draft)
  for (const id of draft.callIds) writer.owners.set(id, draft)
  return draft
}

function addSystem(writer: Writer, blocks: readonly Block[]): void {
  if (blocks.length === 0) return
  const { message, layout } = writeContent(blocks, { images: writer.images })
  push(writer, { source: 'system', message, extra: { preamble: true, ...(layout === null ? {} : { blocks: layout }) } })
}

function addStep(writer: Writer, step: TrajectoryStep, index: number, before: TrajectoryStep | undefined): void {
  if (step.message.role === 'assistant') return addAssistant(writer, step)
  const { blocks } = step.message
  const count = blocks.findIndex(block => block.kind !== 'tool-result')
  const results = (count < 0 ? blocks : blocks.slice(0, count)).filter(isResult)
  const rest = blocks.slice(results.length)
  const asked =
    before?.message.role === 'assistant' ? writer.drafts.findLast(({ fields }) => fields['source'] === 'agent') : undefined
  const isUsual = asked !== undefined && results.length > 0 && isPlain(step, before, rest)
  if (!isUsual || results.some(({ callId }) => (writer.owners.get(callId) ?? asked) !== asked))
    return addContext(writer, step, { blocks, index, joined: false })
  for (const result of results) observe(writer, result, asked)
  if (rest.length > 0) addContext(writer, step, { blocks: rest, index, joined: true })
}

function addAssistant(writer: Writer, step: TrajectoryStep): void {
  const thinking: string[] = []
  const calls: JsonObject[] = []
  const { message, layout } = writeContent(step.message.blocks, { images: writer.images, thinking, calls })
  const { generation } = step
  const foreign = objectOf(step.message.extra?.['atif'])
  const isDeterministic = foreign['llm_call_count'] === 0
  const fields = defined({
    ...writeTime(generation, foreign),
    source: 'agent',
    message,
    model_name: generation?.model ?? undefined,
    reasoning_effort: foreign['reasoning_effort'],
    reasoning_content: joinThinking(thinking),
    tool_calls: calls.length === 0 ? undefined : calls,
    metrics: generation === null ? undefined : writeMetrics(generation, step.tokens),
    is_copied_context: step.copied || (generation === null && !isDeterministic) ? true : undefined,
    llm_call_count: generation !== null ? (foreign['llm_call_count'] ?? 1) : isDeterministic ? 0 : undefined,
    ...keepExtra({ ...writeGeneration(generation, step.copied), ...writeRest(step, layout) }),
  })
  const draft = push(writer, fields, [], calls)
  if (generation !== null) writer.byGeneration.set(generation.callId, draft)
}

interface ContextPart {
  readonly blocks: readonly Block[]
  /** Of the step in its trajectory. */
  readonly index: number
  /** Said in one message with the results before it. */
  readonly joined: boolean
}

function addContext(writer: Writer, step: TrajectoryStep, { blocks, index, joined }: ContextPart): void {
  const own: Pick<Draft, 'results' | 'callIds'> = { results: [], callIds: new Set() }
  const placeResult = (result: ToolResult, position: number): Json => {
    const owner = writer.owners.get(result.callId)
    observe(writer, result, owner ?? own, owner === undefined ? undefined : [index, position])
    return owner === undefined ? 'tool-result' : { kind: 'tool-result', elsewhere: true }
  }
  const { message, layout } = writeContent(blocks, { images: writer.images, placeResult })
  const foreign = objectOf(step.message.extra?.['atif'])
  const extra = { ...(joined ? { joined } : {}), ...writeRest(step, layout) }
  const fields = { ...writeTime(null, foreign), source: step.message.role, message }
  push(writer, { ...fields, ...(step.copied ? { is_copied_context: true } : {}), ...keepExtra(extra) }, own.results)
}

/** A result as the observation of a step; `source_call_id` only where the step made that call. */
function observe(
  { images }: Writer,
  result: ToolResult,
  draft: Pick<Draft, 'results' | 'callIds'>,
  position?: readonly number[],
): void {
  const isOwn = draft.callIds.has(result.callId)
  const { message: content, layout } = writeContent(result.content, { images })
  const extra = defined({
    tool_call_id: isOwn || result.callId === '' ? undefined : result.callId,
    is_error: result.isError ? true : undefined,
    blocks: layout ?? undefined,
    block: result.extra,
    position,
  })
  draft.results.push({ ...(isOwn ? { source_call_id: result.callId } : {}), content, ...keepExtra(extra) })
}

/** The answer to the call that a lane works for, or a place for one that never came, names the lane. */
function refer(writer: Writer, { callId, via, trajectoryId }: SpawnedLane): void {
  const draft = writer.byGeneration.get(callId)
  if (draft === undefined) return
  const isOwn = draft.callIds.has(via)
  const found = draft.results.findIndex(result => isOwn && result['source_call_id'] === via)
  const place: JsonObject = { ...(isOwn ? { source_call_id: via } : {}), extra: { reference: true } }
  const result = draft.results[found] ?? place
  const known = result['subagent_trajectory_ref']
  const references = [...(Array.isArray(known) ? known : []), { trajectory_id: trajectoryId }]
  draft.results.splice(found < 0 ? draft.results.length : found, 1, { ...result, subagent_trajectory_ref: references })
}

function isResult(block: Block): block is ToolResult {
  return block.kind === 'tool-result'
}

/** Reading gives back the message of an observation with nothing of its own: no notes, no later results, copied as its call is. */
function isPlain(step: TrajectoryStep, before: TrajectoryStep | undefined, rest: readonly Block[]): boolean {
  if (step.message.role !== 'user' || step.copied !== before?.copied || rest.some(isResult)) return false
  return rest.length > 0 || (step.message.extra === undefined && step.tokens === null)
}

function keepExtra(extra: JsonObject): JsonObject {
  return Object.keys(extra).length === 0 ? {} : { extra }
}

function writeRest({ message, generation, tokens }: TrajectoryStep, layout: readonly Json[] | null): JsonObject {
  return defined({
    blocks: layout ?? undefined,
    message: message.extra,
    tokens: generation !== null || tokens === null ? undefined : { ids: tokens.ids, logprobs: tokens.logprobs },
  })
}

/** When the call began; a moment that is not known, or that no clock can show, is not given. */
function writeTime(generation: Generation | null, foreign: JsonObject): JsonObject {
  if (typeof foreign['timestamp'] === 'string') return { timestamp: foreign['timestamp'] }
  if (generation === null || generation.startedAt <= 0 || generation.startedAt > latest) return {}
  return { timestamp: new Date(generation.startedAt).toISOString() }
}

/** The last millisecond of the year 9999: later ones are spelled in another way. */
const latest = 253_402_300_799_999

function writeGeneration(generation: Generation | null, copied: boolean): JsonObject {
  // Reading must tell what was said before from what nobody recorded.
  if (generation === null) return copied ? {} : { unrecorded: true }
  return defined({
    call_id: generation.callId,
    turn: generation.turn ?? undefined,
    attempt: generation.attempt ?? undefined,
    started_at: generation.startedAt,
    ended_at: generation.endedAt ?? undefined,
    stop_reason: generation.stopReason ?? undefined,
    partial: generation.partial ? true : undefined,
    unresolved_retry: generation.unresolvedRetry ? true : undefined,
    logged_times: generation.loggedTimes === 1 ? undefined : generation.loggedTimes,
  })
}

/** ATIF's words for a change of the context; ours stand beside them. */
const changes = { compaction: 'compaction', preamble: 'injection' } as const

function writeBoundary(change: Boundary, { images, tools }: DocumentNotes): JsonObject {
  const { callId, step, type, boundary, edits, preamble, shows } = change
  const named = type === 'edit' ? (boundary === 'truncate' ? 'pruning' : 'injection') : changes[type]
  const system = preamble === null ? null : writeContent(preamble.system, { images })
  const written = preamble === null ? {} : tools.write(preamble.tools)
  return {
    message: system?.message ?? '',
    extra: {
      context_management: { type: named, boundary },
      change: defined({
        type,
        call_id: callId,
        step,
        shows,
        edits: edits.length === 0 ? undefined : edits.map(({ kind, block }) => ({ kind, block: block && dropWire(block) })),
        preamble: preamble === null ? undefined : defined({ tool_definitions: written.definitions, tools: written.notes }),
        blocks: system?.layout ?? undefined,
      }),
    },
  }
}
