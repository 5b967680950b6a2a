// Scripted calls through a policy, and rows as lines that can be read in a test: who says what, what is copied, which call generated it.

import { buildLanes } from '../../../convert/lanes.ts'
import { createLoader } from '../../../convert/load.ts'
import { findPolicy } from '../../../convert/policies/_all.ts'
import type { SourceCall } from '../../../convert/source.ts'
import type { PolicyId, Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import { buildTree } from '../../../convert/tree.ts'
import type { Block, JsonObject, Message, ToolDefinition } from '../../../core/types.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, user } from '../script.ts'

export interface PolicyCall extends ScriptedCall {
  readonly protocol?: string
  /** Beside the answer. */
  readonly said?: JsonObject
  readonly tools?: readonly ToolDefinition[]
}

export function decodeCall({ protocol, said, tools, ...call }: PolicyCall): SourceCall {
  const decoded = decode(call)
  return {
    ...decoded,
    exchange: { ...decoded.exchange, protocol: protocol ?? decoded.exchange.protocol },
    conversation: { ...decoded.conversation, tools: tools ?? decoded.conversation.tools },
    answer: decoded.answer === null || said === undefined ? decoded.answer : { ...decoded.answer, extra: said },
  }
}

export function buildSession(calls: readonly PolicyCall[]) {
  const loader = createLoader()
  for (const call of calls) loader.add(decodeCall(call))
  const tree = buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
  return { tree, lanes: buildLanes(tree) }
}

export function convert(calls: readonly PolicyCall[], policy: PolicyId): Trajectory[] {
  const { tree, lanes } = buildSession(calls)
  return [...findPolicy(policy).build(tree, lanes)]
}

/** `user: text`, `*assistant: text` when it is copied, `assistant<id>: text` when call `id` generated it. */
export function writeLine({ message, copied, generation }: TrajectoryStep): string {
  const who = `${copied ? '*' : ''}${message.role}${generation === null ? '' : `<${generation.callId}>`}`
  return `${who}: ${message.blocks.map(writeBlock).join(' | ')}`
}

function writeBlock(block: Block): string {
  if (block.kind === 'text' || block.kind === 'refusal') return block.text
  if (block.kind === 'thinking') return `(${block.text || block.redacted})`
  if (block.kind === 'tool-call') return `${block.id}=${block.inputText}`
  return block.kind === 'tool-result' ? `${block.callId}:${block.content.map(writeBlock).join('')}` : `[${block.kind}]`
}

export const linesOf = (row: Trajectory | undefined): string[] => (row?.steps ?? []).map(writeLine)

/** Ids of the calls each row generates. */
export const answersOf = (rows: readonly Trajectory[]): string[][] =>
  rows.map(row => row.steps.flatMap(step => (step.generation === null ? [] : [step.generation.callId])))

export const reasonsOf = (rows: readonly Trajectory[]) => rows.map(row => row.breakReason)

export const thought = (value: string): Block => ({ kind: 'thinking', text: value, signature: `signed ${value}` })

/** Two tool calls and a farewell; `rewrite` is what the client does to each message it sends again. */
export function playLinear(rewrite: (message: Message, at: number) => Message = message => message): PolicyCall[] {
  const messages: Message[] = [user('look around')]
  const calls: PolicyCall[] = []
  const answers = [
    assistant(thought('first'), text('On it.\n'), toolCall('t1', 'ls')),
    assistant(thought('second'), text('More.'), toolCall('t2', 'pwd')),
    assistant(text('Done.')),
  ]
  for (const [index, answer] of answers.entries()) {
    calls.push({
      id: 'abc'[index] ?? '',
      at: index + 1,
      messages: messages.map((message, at) => (at + 1 < messages.length ? rewrite(message, at) : message)),
      answer,
    })
    messages.push(answer, toolResult(`t${index + 1}`, `out ${index + 1}`))
  }
  return calls
}

export function onBlocks(message: Message, change: (block: Block) => Block | null): Message {
  return { ...message, blocks: message.blocks.flatMap(block => change(block) ?? []) }
}
