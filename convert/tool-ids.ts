// Which provider ids of tool calls identify: some servers start again at call_0 with every answer, some gateways write ids of their own.
// Decided over a whole scope, so that it does not depend on the order of records.

import type { History } from './history.ts'

export interface ToolIds {
  /** Takes in the history nodes added since; true when an id turned out to name two things. */
  readonly scan: () => boolean
  /** Takes in an answer's blocks; true when that changes what was thought of an id in history nodes below `since`. */
  readonly noteAnswer: (request: number, answer: number, since: number) => boolean
  /** It names two calls of one conversation, or calls with other words in two answers. */
  readonly isAmbiguous: (id: string) => boolean
  /** Some recorded answer made it. */
  readonly wasGenerated: (id: string) => boolean
}

export function createToolIds(history: History): ToolIds {
  const ambiguous = new Set<string>()
  /** Weak key of the first answer with this id. */
  const generated = new Map<string, number>()
  /** Where the id stands as a tool call. */
  const places = new Map<string, number[]>()
  let scanned = 1

  const scanNode = (node: number): boolean => {
    const { block, callId } = history.blockOf(node)
    if (block.kind !== 'tool-call' || callId === null || ambiguous.has(callId)) return false
    const others = places.get(callId)
    if (others === undefined) {
      places.set(callId, [node])
      return false
    }
    const repeats = others.some(other => history.continues(node, other))
    others.push(node)
    if (!repeats) return false
    ambiguous.add(callId)
    places.delete(callId)
    return true
  }

  return {
    scan: () => {
      let changed = false
      for (; scanned < history.size(); scanned += 1) changed = scanNode(scanned) || changed
      return changed
    },
    noteAnswer: (request, answer, since) => {
      let changed = false
      for (const node of history.between(request, answer)) {
        const { block, callId, weak } = history.blockOf(node)
        if (block.kind !== 'tool-call' || callId === null) continue
        const before = generated.get(callId)
        // A history that had the id before any answer did was read as that of a stranger.
        if (before === undefined && (places.get(callId) ?? []).some(place => place < since)) changed = true
        if (before !== undefined && before !== weak && !ambiguous.has(callId)) {
          ambiguous.add(callId)
          changed = true
        }
        if (before === undefined) generated.set(callId, weak)
      }
      return changed
    },
    isAmbiguous: id => ambiguous.has(id),
    wasGenerated: id => generated.has(id),
  }
}
