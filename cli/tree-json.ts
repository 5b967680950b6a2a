// The call trees of a REF as one JSON document: what `turnpike tree --json` prints. Snake case; parents and lanes by call id.

import type { TreeCall } from '../convert/tree/tree.ts'
import { sumWritten } from '../core/usage.ts'
import { writeTime } from './listing.ts'
import type { ReadTree } from './read-trees.ts'
import type { CallRole } from './tree-outline.ts'

export interface TreeJson {
  readonly calls: readonly TreeCallJson[]
  readonly lanes: readonly object[]
  readonly links: Readonly<Record<string, number>>
  readonly undecodable: number
}

export interface TreeCallJson {
  readonly id: string
  readonly [key: string]: unknown
}

export function writeTrees(trees: readonly ReadTree[]): TreeJson {
  const links: Record<string, number> = { declared: 0, exact: 0, copied: 0, textual: 0, unlinked: 0 }
  for (const { tree } of trees) for (const { link } of tree.calls) links[link.kind] = (links[link.kind] ?? 0) + 1
  return {
    calls: trees.flatMap(writeCalls),
    lanes: trees.flatMap(writeLanes),
    links,
    undecodable: trees.reduce((sum, { tree }) => sum + tree.scope.undecodable, 0),
  }
}

function writeLanes({ scope, tree, lanes }: ReadTree): object[] {
  return lanes.lanes.map(({ kind, steps, failed }) => {
    const first = steps[0]?.call
    return {
      id: first?.call.id ?? null,
      scope: scope.id,
      kind,
      side: first?.link.side ?? null,
      parent: nameCall(tree.calls, first?.link.parent ?? null),
      calls: steps.length,
      alternatives: steps.reduce((sum, step) => sum + step.alternatives.length, 0),
      failed: failed.length,
    }
  })
}

export function writeCalls({ scope, tree, lanes, exchanges }: ReadTree): TreeCallJson[] {
  const places = new Map<number, { readonly lane: string; readonly role: CallRole }>()
  for (const { steps, failed } of lanes.lanes) {
    const lane = steps[0]?.call.call.id ?? ''
    for (const { call, alternatives } of steps) {
      places.set(call.index, { lane, role: 'step' })
      for (const other of alternatives) places.set(other.index, { lane, role: 'alternative' })
    }
    for (const call of failed) places.set(call.index, { lane, role: 'failed' })
  }
  return tree.calls.map(treeCall => {
    const { call, link, index } = treeCall
    const place = places.get(index)
    const exchange = exchanges.get(call.id)
    return {
      id: call.id,
      scope: scope.id,
      turn: call.turn,
      attempt: call.attempt,
      started_at: writeTime(call.startedAt),
      ms: call.endedAt === null ? null : Math.round(call.endedAt - call.startedAt),
      relation: link.relation,
      kind: link.kind,
      parent: nameCall(tree.calls, link.parent),
      lane: place?.lane ?? null,
      role: place?.role ?? 'failed',
      via: link.via,
      side: link.side,
      evidence: link.evidence,
      edits: link.edits,
      retry_of: nameCall(tree.calls, treeCall.retryOf),
      preamble_changed: treeCall.preambleChanged,
      logged_times: treeCall.loggedTimes,
      model: call.model,
      status: exchange?.status ?? null,
      outcome: exchange?.outcome ?? null,
      stop_reason: call.stopReason,
      partial: call.answer !== null && !call.complete,
      tools: (call.answerMessage?.blocks ?? []).flatMap(block => (block.kind === 'tool-call' ? [block.name] : [])),
      usage: writeUsage(treeCall),
    }
  })
}

function writeUsage({ call: { usage } }: TreeCall): object | null {
  if (usage === null) return null
  return {
    input: usage.input,
    cached_read: usage.cachedRead,
    cached_write: sumWritten(usage),
    output: usage.output,
  }
}

function nameCall(calls: readonly TreeCall[], index: number | null): string | null {
  return index === null ? null : (calls[index]?.call.id ?? null)
}
