// ShareGPT: {conversations: [{from, value}], tools}, as fine-tuning frameworks read it: asking and answering turns alternate, a turn with
// calls is `function_call` and holds nothing else. What that loses stands beside as keys of our own; `lossy` says so in every row.

import type { Block, JsonObject } from '../../core/types.ts'
import type { ScopeInfo } from '../source.ts'
import type { Trajectory, TrajectoryStep } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'
import { nameLeft } from './_chat-rows.ts'
import { argumentsOf, writePart, writeTool } from './_parts.ts'
import { isTrained, writeAsked, writeRowMeta } from './_row-meta.ts'
import { listCalls } from './_row-schema.ts'

export default {
  id: 'sharegpt',
  title: 'ShareGPT conversations',
  extension: 'jsonl',
  loses:
    'ids of tool calls (results are paired by order), error flags, where results and texts begin, system text in the middle (it becomes human text); text and thinking beside tool calls, images and documents stand in keys that its readers ignore',
  policies: ['readable', 'exact', 'tolerant', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) yield writeRow(trajectory, scope)
  },
  listGenerations: row => listCalls(row['turnpike']),
} satisfies OutputFormat

function writeRow(trajectory: Trajectory, scope: ScopeInfo): JsonObject {
  const items: JsonObject[] = []
  const places: number[] = []
  if (trajectory.system.length > 0) items.push({ from: 'system', value: joinTexts(trajectory.system) })
  /** What is said to the model until it answers. */
  let asked: Block[] = []
  const close = (): void => {
    if (asked.length > 0) items.push(writeAsking(asked))
    asked = []
  }
  for (const step of trajectory.steps) {
    const isAnswer = step.message.role === 'assistant'
    if (isAnswer) close()
    places.push(items.length)
    if (isAnswer) items.push(writeAnswer(step))
    else asked.push(...step.message.blocks)
  }
  close()
  return {
    conversations: items,
    tools: JSON.stringify(trajectory.tools.map(writeTool)),
    lossy: true,
    turnpike: {
      ...writeRowMeta({ trajectory, scope, placeOf: step => places[step] ?? items.length }),
      ...writeAsked(trajectory),
    },
  }
}

function writeAsking(blocks: readonly Block[]): JsonObject {
  const results = blocks.filter(block => block.kind === 'tool-result')
  const others = blocks.filter(block => block.kind !== 'tool-result')
  const value = [...results.map(result => joinTexts(result.content)), joinTexts(others)].filter(text => text !== '').join('\n\n')
  const inside = [...results.flatMap(result => result.content), ...others].filter(block => block.kind !== 'text')
  return {
    from: results.length > 0 ? 'observation' : 'human',
    value,
    ...(inside.length === 0 ? {} : { other_content: inside.map(writePart) }),
  }
}

function writeAnswer({ message: { blocks }, generation }: TrajectoryStep): JsonObject {
  const text = blocks.flatMap(block => (block.kind === 'text' || block.kind === 'refusal' ? [block.text] : [])).join('')
  const thinking = blocks.flatMap(block => (block.kind === 'thinking' && block.text !== '' ? [block.text] : []))
  const calls = blocks.filter(block => block.kind === 'tool-call')
  const others = blocks.filter(block => block.kind === 'image' || block.kind === 'opaque')
  const beside = {
    ...(thinking.length === 0 ? {} : { reasoning: thinking.join('\n') }),
    ...(others.length === 0 ? {} : { other_content: others.map(writePart) }),
    train: isTrained(generation),
    ...(generation === null ? {} : { call_id: generation.callId }),
  }
  if (calls.length === 0) return { from: 'gpt', value: text, ...beside }
  const written = calls.map(call => ({ name: call.name, arguments: argumentsOf(call) }))
  const value = JSON.stringify(written.length === 1 ? written[0] : written)
  return { from: 'function_call', value, ...(text === '' ? {} : { text }), ...beside }
}

function joinTexts(blocks: readonly Block[]): string {
  return blocks.map(block => (block.kind === 'text' ? block.text : nameLeft(block))).join('\n\n')
}
