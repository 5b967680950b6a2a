// Rows of {request, response} as trajectories: the inverse of anthropic.ts. Every message is a step of its own, the response is the last.
// Total on rows that their schema has found well-formed. Pure.

import { addTo } from '../../core/groups.ts'
import type { Block, Json, JsonObject, ToolDefinition } from '../../core/types.ts'
import { readBlock } from '../../protocols/_anthropic-blocks.ts'
import { countOf, isList, isObject, objectOf, objectsOf, textOf } from '../../protocols/_json.ts'
import type { TrajectorySet, TrajectoryStep } from '../trajectory.ts'
import { restore } from './_anthropic-rows.ts'
import { readPart } from './_parts.ts'
import { readAsked, readRowMeta, readTools } from './_row-meta-read.ts'

interface Noted {
  readonly at: number
  readonly inside: number | null
  readonly block: Block
}

export function readAnthropicRow(row: JsonObject): TrajectorySet {
  const request = objectOf(row['request'])
  const notes = objectOf(row['turnpike'])
  const { scope, calls, copied, offset: _, ...read } = readRowMeta(notes, 0)
  const omitted = groupByMessage(notes['omitted'], readNoted)
  const texts = groupByMessage(notes['arguments'], entry => [countOf(entry['at']) ?? 0, textOf(entry['text']) ?? ''] as const)
  const readContent = (content: Json | undefined, message: number): Block[] =>
    restore(
      (isList(content) ? content : []).map(raw => readBlock(raw)),
      omitted.get(message) ?? [],
      new Map(texts.get(message) ?? []),
    )
  const messages = [...objectsOf(request['messages']), ...(isObject(row['response']) ? [row['response']] : [])]
  const steps = messages.map(({ role, content }, index): TrajectoryStep => {
    const known = role === 'assistant' || role === 'system' ? role : 'user'
    return {
      message: { role: known, blocks: readContent(content, index) },
      generation: calls.get(index) ?? null,
      copied: copied.has(index),
      tokens: null,
    }
  })
  const trajectory = {
    ...read,
    ...readAsked(notes),
    system: readContent(request['system'], -1),
    tools: [...objectsOf(request['tools']).map(readOwnTool), ...readTools(notes['server_tools'])],
    steps,
  }
  return { scope, policy: trajectory.policy, trajectories: [trajectory] }
}

function readOwnTool(raw: JsonObject): ToolDefinition {
  const { name, description, input_schema: schema } = raw
  return { name: textOf(name) ?? '', description: textOf(description) ?? '', schema: schema ?? null, raw }
}

function readNoted({ at, inside, block }: JsonObject): Noted {
  return { at: countOf(at) ?? 0, inside: countOf(inside), block: readPart(block ?? null) }
}

function groupByMessage<T>(raw: Json | undefined, read: (entry: JsonObject) => T): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const entry of objectsOf(raw)) addTo(groups, countOf(entry['message']) ?? 0, read(entry))
  return groups
}
