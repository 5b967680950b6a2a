// Kappa: what makes two blocks the same block, blind to how the wire spelled them. Version 1; trajectories depend on it.
// Each block has a strong key (tool calls and results by provider id) and a weak one (by content) for ids that repeat.

import type { Block, Json, Role } from '../core/types.ts'

export const kappaVersion = 1

/** Null: never part of identity (thinking, empty text). */
export function readStrongKey(role: Role, block: Block): string | null {
  // By id: clients add default arguments to the input they send back.
  if (block.kind === 'tool-call' && block.id !== '') return `c ${block.name} # ${block.id}`
  const weak = readWeakKey(role, block)
  return block.kind === 'tool-result' && block.callId !== '' ? `${weak} # ${block.callId}` : weak
}

/** Identity by content alone, for ids that do not identify. Costs a canonical JSON for tool calls and opaque blocks. */
export function readWeakKey(role: Role, block: Block): string | null {
  switch (block.kind) {
    case 'text': {
      // Clients trim what they send back of an answer.
      const text = role === 'assistant' ? block.text.trimEnd() : block.text
      return text === '' ? null : `t ${role} ${text}`
    }
    case 'thinking':
      return null
    case 'tool-call':
      return `c ${block.name} ${block.input === null ? block.inputText : writeCanonical(block.input)}`
    case 'tool-result':
      return `r ${block.isError} ${block.content.map(part => readWeakKey('user', part) ?? '').join('\n')}`
    case 'image':
      return `i ${role} ${block.mediaType} ${block.data}`
    case 'refusal':
      return `f ${block.text.trimEnd()}`
    case 'opaque':
      return `o ${role} ${block.type} ${writeCanonical(withoutCacheControl(block.raw))}`
  }
}

/** Provider id of a tool call or of the call a result belongs to. */
export function readCallId(block: Block): string | null {
  if (block.kind === 'tool-call') return block.id === '' ? null : block.id
  return block.kind === 'tool-result' && block.callId !== '' ? block.callId : null
}

/** Only at the top of a block; a tool's own argument of that name is content. */
function withoutCacheControl(raw: Json): Json {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return raw
  return Object.fromEntries(Object.entries(raw).filter(([key]) => key !== 'cache_control'))
}

/** JSON with sorted keys. */
export function writeCanonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => writeCanonical(item as Json)).join(',')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${writeCanonical(item as Json)}`).join(',')}}`
}
