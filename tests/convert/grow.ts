// Scripted calls as a tree: what the tests of history, links, lanes and the live tree share.

import { buildLanes } from '../../convert/lanes.ts'
import { createLoader } from '../../convert/load.ts'
import type { SourceCall } from '../../convert/source.ts'
import { buildTree, type CallTree } from '../../convert/tree.ts'
import type { HeaderList, ToolDefinition } from '../../core/types.ts'
import { decode, type ScriptedCall } from './script.ts'

export interface GrownCall extends ScriptedCall {
  readonly headers?: HeaderList
  readonly tools?: readonly ToolDefinition[]
  readonly maxTokens?: number
  readonly endedAt?: number | null
  readonly continues?: SourceCall['continues']
}

export function asSource(call: GrownCall): SourceCall {
  const decoded = decode(call)
  const { headers, tools, maxTokens, endedAt } = call
  return {
    ...decoded,
    exchange: {
      ...decoded.exchange,
      requestHeaders: headers ?? [],
      endedAt: endedAt === undefined ? decoded.exchange.endedAt : endedAt,
    },
    conversation: {
      ...decoded.conversation,
      tools: tools ?? decoded.conversation.tools,
      maxTokens: maxTokens ?? decoded.conversation.maxTokens,
    },
    continues: call.continues ?? null,
  }
}

export function grow(calls: readonly GrownCall[], scopeId = 's'): CallTree {
  const loader = createLoader()
  for (const call of calls) loader.add(asSource(call))
  return buildTree({ ...loader.finish(), undecodable: 0 }, scopeId)
}

/** `child relation parent` of each call, by ids. */
export function describeLinks(tree: CallTree): string[] {
  return tree.calls.map(({ call, link }) =>
    [call.id, link.relation, link.parent === null ? '' : (tree.calls[link.parent]?.call.id ?? '?')].join(' ').trim(),
  )
}

export function describeLanes(tree: CallTree): string[] {
  return buildLanes(tree).lanes.map(({ kind, steps }) => `${kind} ${steps.map(step => step.call.call.id).join(' ')}`)
}

export function findCall(tree: CallTree, id: string) {
  const found = tree.calls.find(call => call.call.id === id)
  if (found === undefined) throw new Error(`no call ${id}`)
  return found
}
