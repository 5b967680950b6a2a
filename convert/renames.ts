// Gateways give the tool calls of an answer ids of their own: a client then answers ids that the answer itself does not have.
// Where an answer stands as it was generated, the results behind it are given back its ids. Pure; pairs by order, never by guess.

import type { Block } from '../core/types.ts'
import type { TrajectoryStep } from './trajectory.ts'
import type { CallTree, TreeCall } from './tree.ts'

type ToolCall = Extract<Block, { kind: 'tool-call' }>

/** By the id that the client has, the id that was generated; `known` = depth behind the answer of `before` in the request. */
export function readRenames(
  { scope: { history } }: CallTree,
  before: TreeCall,
  call: TreeCall,
  known: number,
): ReadonlyMap<string, string> {
  const said = (before.call.answerMessage?.blocks ?? []).filter(isToolCall)
  const sent: ToolCall[] = []
  for (
    let node = history.ancestorAt(call.request, known);
    node !== 0 && sent.length < said.length;
    node = history.parentOf(node)
  ) {
    const { role, block } = history.blockOf(node)
    if (role !== 'assistant') break
    if (isToolCall(block)) sent.unshift(block)
  }
  const pairs = said.map((one, index) => [sent[index], one] as const)
  if (!pairs.every(([is, was]) => is?.name === was.name)) return new Map()
  return new Map(pairs.flatMap(([is, was]) => (is === undefined || is.id === was.id ? [] : [[is.id, was.id]])))
}

function isToolCall(block: Block): block is ToolCall {
  return block.kind === 'tool-call'
}

export function renameResults(steps: readonly TrajectoryStep[], renames: ReadonlyMap<string, string>): readonly TrajectoryStep[] {
  if (renames.size === 0) return steps
  const rename = (block: Block): Block => {
    const id = block.kind === 'tool-result' ? renames.get(block.callId) : undefined
    return id === undefined || block.kind !== 'tool-result' ? block : { ...block, callId: id }
  }
  return steps.map(step => ({ ...step, message: { ...step.message, blocks: step.message.blocks.map(rename) } }))
}
