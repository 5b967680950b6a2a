// The key by which each block of a history is known: its provider id where that identifies, else its content. Gateways that write ids of
// their own are seen through: an id that no answer made is traced to the one made in its place.

import { addTo } from '../../core/groups.ts'
import type { EpochMs } from '../../core/types.ts'
import type { BlockTable } from './blocks.ts'
import type { History } from './history.ts'
import { readStrongKey, writeCallKey } from './identity.ts'
import type { ToolIds } from './tool-ids.ts'

export interface KeyReader {
  /** `before`: identity of the conversation up to the block; `at`: when it was sent. */
  readonly readKey: (node: number, before: number, at: EpochMs) => number
  /** By which results in a row are sorted. */
  readonly readResultId: (node: number) => string
  /** A tool call that was generated behind `before`; false when its place had been asked for, and may now be another's. */
  readonly noteGenerated: (node: number, before: number, at: EpochMs) => boolean
}

interface Generated {
  readonly id: string
  readonly weak: number
  readonly at: EpochMs
}

export function createKeyReader(table: BlockTable, history: History, ids: ToolIds): KeyReader {
  /** Generated tool calls by the identity before them and their name. */
  const generated = new Map<string, Generated[]>()
  const asked = new Set<string>()
  /** Tool calls whose id a gateway wrote: the id that was generated in their place. */
  const traced = new Map<number, string>()

  const isAssistant = (node: number): boolean => node !== 0 && history.blockOf(node).role === 'assistant'
  /** The same input first, else the latest of that name by then: behind one point of a conversation the place of a call is its number. */
  const traceCall = (node: number, before: number, at: EpochMs): string | null => {
    const { block, callId, weak } = history.blockOf(node)
    if (block.kind !== 'tool-call' || callId === null || ids.wasGenerated(callId)) return null
    const place = `${before} ${block.name}`
    asked.add(place)
    const candidates = generated.get(place) ?? []
    const found =
      candidates.find(candidate => candidate.weak === weak) ??
      candidates.findLast(candidate => candidate.at <= at) ??
      candidates[0]
    if (found !== undefined) traced.set(node, found.id)
    return found?.id ?? null
  }
  /** The call a result answers, in the answer just before its run. */
  const readResultId = (node: number): string => {
    const callId = history.blockOf(node).callId ?? ''
    if (traced.size === 0 || ids.wasGenerated(callId)) return callId
    let at = history.parentOf(node)
    while (at !== 0 && !isAssistant(at)) at = history.parentOf(at)
    for (; isAssistant(at); at = history.parentOf(at)) {
      const { block } = history.blockOf(at)
      if (block.kind === 'tool-call' && block.id === callId) return traced.get(at) ?? callId
    }
    return callId
  }

  return {
    readResultId,
    readKey: (node, before, at) => {
      const { block, callId, strong, weak, role } = history.blockOf(node)
      if (callId === null) return strong
      if (ids.isAmbiguous(callId)) return weak
      if (block.kind === 'tool-call') {
        const id = traceCall(node, before, at)
        return id === null ? strong : table.internKey(writeCallKey(block.name, id))
      }
      const id = readResultId(node)
      if (id === callId || block.kind !== 'tool-result') return strong
      return table.internKey(readStrongKey(role, { ...block, callId: id }) ?? '')
    },
    noteGenerated: (node, before, at) => {
      const { block, callId, weak } = history.blockOf(node)
      if (block.kind !== 'tool-call' || callId === null || ids.isAmbiguous(callId)) return true
      const place = `${before} ${block.name}`
      addTo(generated, place, { id: callId, weak, at })
      return !asked.has(place)
    },
  }
}
