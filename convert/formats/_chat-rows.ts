// Trajectories as role/content messages, one tool message per result: what openai and trl share. What a message has no place for stands in
// the row's notes with the place it was taken from; a spelling decides what that is. Pure.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import type { ScopeInfo } from '../source.ts'
import type { Trajectory, TrajectoryStep } from '../trajectory.ts'
import { writePart, writeTool } from './_parts.ts'
import { writeAsked, writeRowMeta } from './_row-meta.ts'

export interface Left {
  readonly at: number
  readonly block: Block
}

export interface Spelled<T extends Json> {
  readonly value: T
  /** The blocks it does not hold, and their places among all. */
  readonly left: readonly Left[]
}

export interface ChatSpelling {
  readonly content: (role: 'system' | 'user' | 'tool', blocks: readonly Block[]) => Spelled<Json>
  /** The whole message. */
  readonly answer: (step: TrajectoryStep) => Spelled<JsonObject>
  /** Whether tool messages name their tool. */
  readonly namesTools: boolean
}

export interface ChatRow {
  readonly messages: readonly JsonObject[]
  /** Tools that are functions; those of the provider itself are in the notes. */
  readonly tools: readonly JsonObject[]
  readonly notes: JsonObject
}

export function writeChatRow(trajectory: Trajectory, scope: ScopeInfo, spelling: ChatSpelling): ChatRow {
  const writer = createWriter(spelling)
  if (trajectory.system.length > 0) writer.addText('system', trajectory.system)
  const places = trajectory.steps.map(step => {
    const place = writer.messages.length
    writer.addStep(step)
    return place
  })
  const { messages, errors, omitted } = writer
  const tools = trajectory.tools.map(writeTool)
  return {
    messages,
    tools: tools.filter(tool => tool['raw'] === undefined),
    notes: {
      ...writeRowMeta({ trajectory, scope, placeOf: step => places[step] ?? messages.length }),
      ...writeAsked(trajectory),
      errors,
      omitted,
      server_tools: tools.filter(tool => tool['raw'] !== undefined),
    },
  }
}

function createWriter(spelling: ChatSpelling) {
  const messages: JsonObject[] = []
  const omitted: JsonObject[] = []
  const errors: number[] = []
  const names = new Map<string, string>()

  const add = (message: JsonObject, left: readonly Left[]): void => {
    for (const { at, block } of left) omitted.push({ message: messages.length, at, block: writePart(block) })
    messages.push(message)
  }
  const addText = (role: 'system' | 'user', blocks: readonly Block[]): void => {
    const { value, left } = spelling.content(role, blocks)
    add({ role, content: value }, left)
  }
  const addResult = ({ callId, content, isError }: Extract<Block, { kind: 'tool-result' }>): void => {
    if (isError) errors.push(messages.length)
    const name = spelling.namesTools ? names.get(callId) : undefined
    const { value, left } = spelling.content('tool', content)
    add({ role: 'tool', tool_call_id: callId, ...(name === undefined ? {} : { name }), content: value }, left)
  }
  const addStep = (step: TrajectoryStep): void => {
    const { role, blocks } = step.message
    if (role === 'assistant') {
      for (const block of blocks) if (block.kind === 'tool-call') names.set(block.id, block.name)
      const { value, left } = spelling.answer(step)
      return add(value, left)
    }
    for (const block of blocks) if (block.kind === 'tool-result') addResult(block)
    const others = blocks.filter(block => block.kind !== 'tool-result')
    if (others.length > 0) addText(role, others)
  }
  return { messages, omitted, errors, addText, addStep }
}

/** What stands for a block that has no place, so that nobody takes the message for whole. */
export function nameLeft(block: Block): string {
  return `[${block.kind === 'opaque' ? block.type : block.kind}]`
}
