// mini-vela's merged JSONL: {meta, tools, messages}, one conversation a row, so that its readers can read ours. Where that format
// has no field, ours stand beside it: ids, is_error, partial, usage per call, links. `generation` is true exactly once per recorded answer.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import { isList, isObject, objectOf, without } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../source.ts'
import type { Trajectory, TrajectoryStep } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'
import { nameGeneration, ourKeys, readMergedRow } from './_merged-read.ts'
import { argumentsOf, findSplits, writeContent, writePart, writeTool } from './_parts.ts'
import { writeRowMeta } from './_row-meta.ts'
import { readRowWith } from './_row-schema.ts'
import schema from './schemas/merged.schema.json' with { type: 'json' }

const check = readRowWith('merged', schema)

export default {
  id: 'merged',
  title: 'merged conversations (mini-vela JSONL)',
  extension: 'jsonl',
  loses:
    'signatures of thinking and redacted thinking, the order of thinking, texts and calls within an answer, how arguments were spelled, cache_control and citations of messages',
  policies: ['readable', 'exact', 'tolerant', 'calls', 'tree', 'tokens'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) yield writeRow(trajectory, scope)
  },
  read: row => readMergedRow(check(row)),
  listGenerations: row => {
    const messages = isList(row['messages']) ? row['messages'] : []
    return messages.flatMap((message, index) =>
      isObject(message) && message['generation'] === true ? [nameGeneration(message, index)] : [],
    )
  },
} satisfies OutputFormat

function writeRow(trajectory: Trajectory, scope: ScopeInfo): JsonObject {
  const messages: JsonObject[] = []
  if (trajectory.system.length > 0) messages.push({ role: 'system', content: trajectory.system.map(writePart) })
  const places: number[] = []
  /** Tool names and their order, by call id: results are written in the order of the calls. */
  const calls = new Map<string, Call>()
  for (const step of trajectory.steps) {
    const place = messages.length
    places.push(place)
    if (step.message.role === 'assistant') {
      messages.push(writeAnswer(step))
      for (const [order, block] of step.message.blocks.filter(block => block.kind === 'tool-call').entries())
        if (block.id !== '') calls.set(block.id, { name: block.name, order })
    } else messages.push(...writeAsking(step.message, calls))
    const first = messages[place]
    if (first !== undefined && step.tokens !== null) messages[place] = { ...first, tokens: { ...step.tokens } }
  }
  return {
    meta: {
      ...writeClientFields(trajectory.metadata),
      ...(trajectory.maxTokens === null ? {} : { max_tokens: trajectory.maxTokens }),
      session_id: scope.name,
      biz_id: '',
      model: trajectory.model,
      ...writeRowMeta({ trajectory, scope, placeOf: step => places[step] ?? messages.length }),
    },
    tools: trajectory.tools.map(writeTool),
    messages,
  }
}

/** What the client sent as metadata stands among the fields, as mini-vela has it; whole beside them where a name is taken. */
function writeClientFields(metadata: Json): JsonObject {
  const fields = objectOf(metadata)
  const taken = !isObject(metadata) || Object.keys(fields).some(key => ourKeys.includes(key))
  return { ...without(fields, ourKeys), ...(taken && metadata !== null ? { metadata } : {}) }
}

interface Call {
  readonly name: string
  readonly order: number
}

function writeAsking({ role, blocks }: TrajectoryStep['message'], calls: ReadonlyMap<string, Call>): JsonObject[] {
  const orderOf = (result: { readonly callId: string }): number => calls.get(result.callId)?.order ?? 0
  const results = blocks.filter(block => block.kind === 'tool-result').sort((a, b) => orderOf(a) - orderOf(b))
  const rest = blocks.filter(block => block.kind !== 'tool-result')
  return [
    ...results.map(result => ({
      role: 'tool',
      // Rows of others have names and no ids.
      tool_name: calls.get(result.callId)?.name ?? result.extra?.['tool_name'] ?? null,
      content: writeContent(result.content),
      ...writeSplits(result.content),
      ...(result.callId === '' ? {} : { tool_call_id: result.callId }),
      is_error: result.isError,
    })),
    ...(rest.length === 0 ? [] : [{ role, content: writeContent(rest), ...writeSplits(rest) }]),
  ]
}

/** Where the texts that are glued to one string begin. */
function writeSplits(blocks: readonly Block[]): JsonObject {
  const splits = blocks.every(block => block.kind === 'text') ? findSplits(blocks) : []
  return splits.length === 0 ? {} : { splits }
}

function writeAnswer({ message, generation }: TrajectoryStep): JsonObject {
  const texts = message.blocks.filter(block => block.kind === 'text')
  const refusals = message.blocks.flatMap(block => (block.kind === 'refusal' ? [block.text] : []))
  const thinking = message.blocks.flatMap(block => (block.kind === 'thinking' && block.text !== '' ? [block.text] : []))
  const calls = message.blocks.filter(block => block.kind === 'tool-call')
  const others = message.blocks.filter(block => block.kind === 'image' || block.kind === 'opaque')
  return {
    role: 'assistant',
    content: texts.map(block => block.text).join('') + refusals.join(''),
    reasoning_content: thinking.join('\n'),
    generation: generation !== null,
    ...(calls.length > 0 ? { tool_calls: calls.map(writeCall) } : {}),
    ...writeSplits(texts),
    ...(refusals.length > 0 ? { refusal: refusals.join('') } : {}),
    ...(others.length > 0 ? { other_content: others.map(writePart) } : {}),
    ...(generation !== null ? { call_id: generation.callId } : {}),
    ...(generation?.partial === true ? { partial: true } : {}),
    ...(generation?.unresolvedRetry === true ? { unresolved_retry: true } : {}),
  }
}

function writeCall(call: Extract<Block, { kind: 'tool-call' }>): JsonObject {
  return { name: call.name, arguments: argumentsOf(call), ...(call.id === '' ? {} : { id: call.id }) }
}
