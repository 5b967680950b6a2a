// Kappa: what makes two blocks the same block, blind to how the wire spelled them. Version 1; trajectories depend on it.
// Each block has a strong key (tool calls and results by provider id) and a weak one (by content) for ids that repeat, and a spelling:
// all the model saw of it, which tells an answer sent back word for word from one that was rewritten.

import type { Block, Json, Role } from '../core/types.ts'

export const kappaVersion = 1

/** Null: never part of identity (thinking, empty text). */
export function readStrongKey(role: Role, block: Block): string | null {
  // By id: clients add default arguments to the input they send back.
  if (block.kind === 'tool-call' && block.id !== '') return writeCallKey(block.name, block.id)
  const weak = readWeakKey(role, block)
  return block.kind === 'tool-result' && block.callId !== '' ? `${weak} # ${block.callId}` : weak
}

/** The strong key of a tool call. */
export function writeCallKey(name: string, id: string): string {
  return `c ${name} # ${id}`
}

/** Identity by content alone, for ids that do not identify. Costs a canonical JSON for tool calls and opaque blocks. */
export function readWeakKey(role: Role, block: Block): string | null {
  switch (block.kind) {
    case 'text': {
      // Clients trim what they send back of an answer.
      const text = role === 'assistant' ? block.text.trimEnd() : block.text
      return text === '' ? null : writeTextKey(role, text)
    }
    case 'thinking':
      return null
    case 'tool-call':
      return `c ${block.name} ${writeInput(block)}`
    case 'tool-result':
      return `r ${block.isError} ${block.content.map(part => measure(readWeakKey('user', part) ?? '')).join('')}`
    case 'image':
      return `i ${role} ${block.mediaType} ${block.data}`
    case 'refusal':
      return `f ${block.text.trimEnd()}`
    case 'opaque':
      return `o ${role} ${block.type} ${writeCanonical(withoutCacheControl(block.raw))}`
  }
}

export function writeTextKey(role: Role, text: string): string {
  return `t ${role} ${text}`
}

/** Everything of a block that a model reads, ids and signatures included; not `extra`, not `wire`, not where the cache ends. */
export function readSpelling(role: Role, block: Block): string {
  switch (block.kind) {
    case 'text':
      return writeTextKey(role, block.text)
    case 'thinking':
      return `h ${role} ${measure(block.signature ?? '')}${measure(block.redacted ?? '')}${block.text}`
    case 'tool-call':
      return `c ${measure(block.id)}${measure(block.name)}${writeInput(block)}`
    case 'tool-result':
      return `r ${block.isError} ${measure(block.callId)}${block.content.map(part => measure(readSpelling('user', part))).join('')}`
    case 'refusal':
      return `f ${role} ${block.text}`
    default:
      return readWeakKey(role, block) ?? ''
  }
}

/** With its length before it, a part cannot run over into the next. */
function measure(text: string): string {
  return `${text.length}:${text}`
}

function writeInput(block: Extract<Block, { kind: 'tool-call' }>): string {
  return block.input === null ? block.inputText : writeCanonical(block.input)
}

/** Provider id of a tool call or of the call a result belongs to. */
export function readCallId(block: Block): string | null {
  if (block.kind === 'tool-call') return block.id === '' ? null : block.id
  return block.kind === 'tool-result' && block.callId !== '' ? block.callId : null
}

/** Only at the top of a block; a tool's own argument of that name is content. */
export function withoutCacheControl(raw: Json): Json {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw) || !('cache_control' in raw)) return raw
  return Object.fromEntries(Object.entries(raw).filter(([key]) => key !== 'cache_control'))
}

/** JSON with sorted keys. */
export function writeCanonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => writeCanonical(item as Json)).join(',')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${writeCanonical(item as Json)}`).join(',')}}`
}
