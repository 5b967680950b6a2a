// mini-vela's merged JSONL: {meta, tools, messages}, one conversation a row, so that its readers can read ours. Where that format
// has no field, ours stand beside it: ids, is_error, partial, usage per call, links. `generation` is true exactly once per recorded answer.

import type { Block, Json, JsonObject, ToolDefinition } from '../../core/types.ts'
import { objectOf } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../source.ts'
import type { Trajectory, TrajectoryStep } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'

export default {
  id: 'merged',
  title: 'merged conversations (mini-vela JSONL)',
  extension: 'jsonl',
  loses: 'signatures of thinking, the split of a message into text blocks, cache_control of messages',
  policies: ['readable', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories)
      yield {
        meta: writeMeta(trajectory, scope),
        tools: trajectory.tools.map(writeTool),
        messages: writeMessages(trajectory),
      }
  },
  listGenerations: row => {
    const messages = row['messages'] as readonly JsonObject[]
    return messages.filter(message => message['generation'] === true).map(message => String(message['call_id']))
  },
} satisfies OutputFormat

function writeMeta(trajectory: Trajectory, scope: ScopeInfo): JsonObject {
  const { metadata } = trajectory
  const generations = trajectory.steps.flatMap(step => (step.generation === null ? [] : [step.generation]))
  return {
    ...objectOf(metadata),
    ...(trajectory.maxTokens === null ? {} : { max_tokens: trajectory.maxTokens }),
    session_id: scope.name,
    biz_id: '',
    model: trajectory.model,
    trajectory_id: trajectory.id,
    scope: { kind: scope.kind, id: scope.id },
    kind: trajectory.kind,
    parent: trajectory.parent === null ? null : { call_id: trajectory.parent.callId, link: trajectory.parent.link },
    protocol: trajectory.protocol,
    preamble_changes: trajectory.boundaries.filter(boundary => boundary.type === 'preamble').length,
    calls: generations.map(generation => ({
      call_id: generation.callId,
      turn: generation.turn,
      attempt: generation.attempt,
      model: generation.model,
      stop_reason: generation.stopReason,
      usage: writeUsage(generation.usage),
    })),
    failed_calls: trajectory.failed.map(call => ({ call_id: call.callId, usage: writeUsage(call.usage) })),
    edits: trajectory.boundaries
      .filter(boundary => boundary.type === 'edit')
      .map(({ callId, edits }) => ({
        call_id: callId,
        blocks: edits.flatMap(({ block }) => (block === null ? [] : [writePart(block)])),
      })),
  }
}

function writeUsage(usage: Trajectory['failed'][number]['usage']): Json {
  if (usage === null) return null
  return {
    input: usage.input,
    cached_read: usage.cachedRead,
    cached_write_5m: usage.cachedWrite5m,
    cached_write_1h: usage.cachedWrite1h,
    cached_write_other: usage.cachedWriteOther,
    output: usage.output,
    reasoning: usage.reasoning,
  }
}

function writeTool(tool: ToolDefinition): JsonObject {
  return { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.schema } }
}

function writeMessages(trajectory: Trajectory): JsonObject[] {
  const messages: JsonObject[] = []
  if (trajectory.system.length > 0) messages.push({ role: 'system', content: trajectory.system.map(writePart) })
  /** Tool names and their order, by call id: results are written in the order of the calls. */
  let calls = new Map<string, { readonly name: string; readonly order: number }>()
  for (const step of trajectory.steps) {
    if (step.message.role === 'assistant') {
      messages.push(writeAssistant(step))
      const blocks = step.message.blocks.filter(block => block.kind === 'tool-call')
      calls = new Map([...calls, ...blocks.map((block, order) => [block.id, { name: block.name, order }] as const)])
      continue
    }
    const results = step.message.blocks.filter(block => block.kind === 'tool-result')
    results.sort((a, b) => (calls.get(a.callId)?.order ?? 0) - (calls.get(b.callId)?.order ?? 0))
    for (const result of results)
      messages.push({
        role: 'tool',
        tool_name: calls.get(result.callId)?.name ?? null,
        content: writeContent(result.content),
        tool_call_id: result.callId,
        is_error: result.isError,
      })
    const rest = step.message.blocks.filter(block => block.kind !== 'tool-result')
    if (rest.length > 0) messages.push({ role: step.message.role, content: writeContent(rest) })
  }
  return messages
}

function writeAssistant({ message, generation }: TrajectoryStep): JsonObject {
  const texts = message.blocks.flatMap(block => (block.kind === 'text' || block.kind === 'refusal' ? [block.text] : []))
  const thinking = message.blocks.flatMap(block => (block.kind === 'thinking' && block.text !== '' ? [block.text] : []))
  const calls = message.blocks.filter(block => block.kind === 'tool-call')
  const others = message.blocks.filter(block => block.kind === 'image' || block.kind === 'opaque')
  return {
    role: 'assistant',
    content: texts.join(''),
    ...(thinking.length > 0 ? { reasoning_content: thinking.join('\n') } : {}),
    generation: generation !== null,
    ...(calls.length > 0
      ? { tool_calls: calls.map(call => ({ name: call.name, arguments: call.input ?? call.inputText, id: call.id })) }
      : {}),
    ...(others.length > 0 ? { other_content: others.map(writePart) } : {}),
    ...(generation !== null ? { call_id: generation.callId } : {}),
    ...(generation?.partial === true ? { partial: true } : {}),
  }
}

/** Text alone is a string, as mini-vela has it; anything with images or unknown parts is a list. */
function writeContent(blocks: readonly Block[]): Json {
  const texts = blocks.filter(block => block.kind === 'text')
  return texts.length === blocks.length ? texts.map(block => block.text).join('') : blocks.map(writePart)
}

function writePart(block: Block): JsonObject {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: block.text, ...block.extra }
    case 'refusal':
      return { type: 'refusal', refusal: block.text }
    case 'thinking':
      return { type: 'thinking', thinking: block.text }
    case 'image':
      return { type: 'image', media_type: block.mediaType, data: block.data }
    case 'tool-call':
      return { type: 'tool_use', id: block.id, name: block.name, input: block.input ?? block.inputText }
    case 'tool-result':
      return { type: 'tool_result', tool_use_id: block.callId, content: writeContent(block.content), is_error: block.isError }
    case 'opaque':
      return { type: 'opaque', of: block.type, raw: block.raw }
  }
}
