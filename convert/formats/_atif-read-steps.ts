// The steps of one ATIF trajectory as messages with their generations: the inverse of _atif-steps.ts for our own documents, and the
// plain meaning of the fields for those of other writers, whose remaining fields stay under `atif` in the message's `extra`.

import type { Block, Json, JsonObject, Message } from '../../core/types.ts'
import { countOf, defined, isList, isObject, objectOf, textOf, without } from '../../protocols/_json.ts'
import type { Boundary, Generation, StepTokens, Trajectory, TrajectoryStep } from '../trajectory.ts'
import { readContent, readToolCall } from './_atif-content.ts'
import { readForeignMetrics, readTokens, readUsage } from './_atif-metrics.ts'
import type { createToolReader } from './_atif-tools.ts'

export interface ReadInputs {
  readonly isOurs: boolean
  readonly images: JsonObject
  readonly readTools: ReturnType<typeof createToolReader>
  /** Of the trajectory: names the generations of writers who give calls no id, and the model of steps without one. */
  readonly trajectoryId: string
  readonly model: string | null
}

export interface ReadSteps {
  readonly system: readonly Block[]
  readonly steps: readonly TrajectoryStep[]
  readonly boundaries: Trajectory['boundaries']
}

export function readSteps(written: readonly JsonObject[], inputs: ReadInputs): ReadSteps {
  const steps: TrajectoryStep[] = []
  const boundaries: Boundary[] = []
  const placed = new Map<string, Block>()
  let system: readonly Block[] = []
  for (const [index, step] of written.entries()) {
    const extra = inputs.isOurs ? objectOf(step['extra']) : {}
    if (extra['empty'] === true) continue
    if (inputs.isOurs && isObject(extra['change'])) boundaries.push(readBoundary(step, extra['change'], inputs))
    else if (extra['preamble'] === true || isForeignSystem(step, index, inputs)) system = readBody(step, extra, inputs)
    else if (step['source'] === 'agent') {
      const read = readAgentStep(step, extra, inputs)
      const results = readResults(step, inputs, placed)
      steps.push(read)
      if (results.length > 0) steps.push(createContext({ role: 'user', blocks: results }, read.copied, null))
    } else addContext(steps, step, { extra, inputs, placed })
  }
  return { system, steps, boundaries }
}

/** Other writers say the system prompt in a step; one with a history of its own stays a message. */
function isForeignSystem(step: JsonObject, index: number, { isOurs }: ReadInputs): boolean {
  return !isOurs && index === 0 && step['source'] === 'system' && step['observation'] === undefined && step['extra'] === undefined
}

function readBody(step: JsonObject, extra: JsonObject, { images }: ReadInputs): Block[] {
  return readContent({ message: step['message'], layout: extra['blocks'], images })
}

interface ContextInputs {
  readonly extra: JsonObject
  readonly inputs: ReadInputs
  readonly placed: ReadonlyMap<string, Block>
}

function addContext(steps: TrajectoryStep[], step: JsonObject, { extra, inputs, placed }: ContextInputs): void {
  const results = readResults(step, inputs, placed as Map<string, Block>)
  const readResult = (position: number): Block | undefined => placed.get(`${steps.length} ${position}`)
  const { images } = inputs
  const blocks = readContent({ message: step['message'], layout: extra['blocks'], results, readResult, images })
  const role = step['source'] === 'system' ? 'system' : 'user'
  const message = { role, blocks, ...readMessageExtra(step, extra, inputs) } as const
  const tokens = readContextTokens(extra['tokens'])
  const last = steps.at(-1)
  if (extra['joined'] === true && last !== undefined) {
    const joined = { ...message, blocks: [...last.message.blocks, ...blocks] }
    steps[steps.length - 1] = createContext(joined, last.copied, tokens)
  } else steps.push(createContext(message, step['is_copied_context'] === true, tokens))
}

function createContext(message: Message, copied: boolean, tokens: StepTokens | null): TrajectoryStep {
  return { message, generation: null, copied, tokens }
}

function readContextTokens(tokens: Json | undefined): StepTokens | null {
  if (!isObject(tokens)) return null
  return readTokens({ completion_token_ids: tokens['ids'] ?? null, logprobs: tokens['logprobs'] ?? null })
}

const nativeFields = [
  'step_id',
  'source',
  'message',
  'observation',
  'model_name',
  'reasoning_content',
  'tool_calls',
  'metrics',
  'is_copied_context',
] as const

/** What a step says that a message has no place for. */
function readMessageExtra(step: JsonObject, extra: JsonObject, { isOurs }: ReadInputs): { readonly extra?: JsonObject } {
  if (isOurs) return isObject(extra['message']) ? { extra: extra['message'] } : {}
  const rest = without(step, nativeFields)
  const notes = objectOf(step['observation'])['extra']
  const kept = { ...rest, ...(notes === undefined ? {} : { observation: { extra: notes } }) }
  return Object.keys(kept).length === 0 ? {} : { extra: { atif: kept } }
}

function readAgentStep(step: JsonObject, extra: JsonObject, inputs: ReadInputs): TrajectoryStep {
  const { isOurs, images } = inputs
  const written = step['tool_calls']
  const calls = isList(written) ? written.map(call => readToolCall(objectOf(call), isOurs)) : []
  const reasoning = textOf(step['reasoning_content']) ?? ''
  const blocks = readContent({ message: step['message'], layout: extra['blocks'], reasoning, calls, images })
  const message = { role: 'assistant', blocks, ...readMessageExtra(step, extra, inputs) } as const
  const isCopied = step['is_copied_context'] === true
  if (!isOurs) {
    if (isCopied || step['llm_call_count'] === 0) return createContext(message, isCopied, null)
    const { tokens, ...spent } = readForeignMetrics(step['metrics'])
    return { message, generation: { ...readForeignCall(step, inputs), ...spent }, copied: false, tokens }
  }
  const callId = textOf(extra['call_id'])
  if (callId === null) return createContext(message, isCopied && extra['unrecorded'] !== true, readContextTokens(extra['tokens']))
  const metrics = objectOf(step['metrics'])
  return { message, generation: readGeneration(callId, step, extra, metrics), copied: isCopied, tokens: readTokens(metrics) }
}

function readGeneration(callId: string, step: JsonObject, extra: JsonObject, metrics: JsonObject): Generation {
  const own = objectOf(metrics['extra'])
  return {
    callId,
    turn: countOf(extra['turn']),
    attempt: countOf(extra['attempt']),
    model: textOf(step['model_name']),
    startedAt: countOf(extra['started_at']) ?? 0,
    endedAt: countOf(extra['ended_at']),
    stopReason: textOf(extra['stop_reason']),
    usage: readUsage(own['usage']),
    costNanoUsd: countOf(own['cost_nano_usd']),
    partial: extra['partial'] === true,
    unresolvedRetry: extra['unresolved_retry'] === true,
    loggedTimes: countOf(extra['logged_times']) ?? 1,
  }
}

/** A step of another writer has no call; its place in its document names it. Without a timestamp the start is 0, which no clock shows. */
function readForeignCall(step: JsonObject, { trajectoryId, model }: ReadInputs): Omit<Generation, 'usage' | 'costNanoUsd'> {
  const startedAt = Date.parse(textOf(step['timestamp']) ?? '')
  return {
    callId: nameForeignCall(trajectoryId, step),
    turn: null,
    attempt: null,
    model: textOf(step['model_name']) ?? model,
    startedAt: Number.isFinite(startedAt) ? startedAt : 0,
    endedAt: null,
    stopReason: null,
    partial: false,
    unresolvedRetry: false,
    loggedTimes: 1,
  }
}

export function nameForeignCall(trajectoryId: string, step: JsonObject): string {
  return `${trajectoryId}#${String(step['step_id'])}`
}

/** Results in order; those that stood elsewhere are put aside under their place. */
function readResults(step: JsonObject, inputs: ReadInputs, placed: Map<string, Block>): Block[] {
  const results = objectOf(step['observation'])['results']
  const read: Block[] = []
  for (const result of isList(results) ? results.map(objectOf) : []) {
    const extra = inputs.isOurs ? objectOf(result['extra']) : {}
    if (extra['reference'] === true) continue
    const block = readResult(result, extra, inputs)
    const { position } = extra
    if (isList(position)) placed.set(position.join(' '), block)
    else read.push(block)
  }
  return read
}

function readResult(result: JsonObject, extra: JsonObject, { isOurs, images }: ReadInputs): Block {
  const foreign = without(result, ['source_call_id', 'content'])
  const kept = isOurs ? extra['block'] : Object.keys(foreign).length === 0 ? undefined : { atif: foreign }
  return {
    kind: 'tool-result',
    callId: textOf(result['source_call_id']) ?? textOf(extra['tool_call_id']) ?? '',
    content: readContent({ message: result['content'], layout: extra['blocks'], images }),
    isError: extra['is_error'] === true,
    ...(isObject(kept) ? { extra: kept } : {}),
  }
}

function readBoundary(step: JsonObject, change: JsonObject, { images, readTools }: ReadInputs): Boundary {
  const { type, shows, edits, preamble, blocks: layout } = change
  return {
    callId: textOf(change['call_id']) ?? '',
    step: countOf(change['step']) ?? 0,
    type: type as Boundary['type'],
    boundary: objectOf(objectOf(step['extra'])['context_management'])['boundary'] as Boundary['boundary'],
    edits: (isList(edits) ? edits : []) as unknown as Boundary['edits'],
    preamble: isObject(preamble)
      ? {
          system: readContent({ message: step['message'], layout, images }),
          tools: readTools(preamble['tool_definitions'], preamble['tools']),
        }
      : null,
    ...(defined({ shows: typeof shows === 'number' ? shows : undefined }) as { shows?: number }),
  }
}
