// Kappa: what makes two blocks the same block, blind to how the wire spelled them. Version 1; trajectories depend on it.
// Each block has a strong key (tool calls and results by provider id) and a weak one (by content) for ids that repeat.

import type { Block, Json, Role } from '../core/types.ts'

export const kappaVersion = 1

export interface BlockKeys {
  /** Null: never part of identity (thinking, empty text). */
  readonly strong: string | null
  readonly weak: string | null
  /** Provider id of a tool call or result, when it has one. */
  readonly callId: string | null
}

const none: BlockKeys = { strong: null, weak: null, callId: null }

export function readKeys(role: Role, block: Block): BlockKeys {
  switch (block.kind) {
    case 'text': {
      // Clients trim what they send back of an answer.
      const text = role === 'assistant' ? block.text.trimEnd() : block.text
      return text === '' ? none : same(`t ${role} ${text}`)
    }
    case 'thinking':
      return none
    case 'tool-call': {
      // By id: clients add default arguments to the input they send back.
      const weak = `c ${block.name} ${block.input === null ? block.inputText : writeCanonical(block.input)}`
      return block.id === '' ? same(weak) : { strong: `c ${block.name} # ${block.id}`, weak, callId: block.id }
    }
    case 'tool-result': {
      const content = block.content.map(part => readKeys('user', part).weak ?? '').join('\n')
      const weak = `r ${block.isError} ${content}`
      return block.callId === '' ? same(weak) : { strong: `r ${block.callId} ${weak}`, weak, callId: block.callId }
    }
    case 'image':
      return same(`i ${role} ${block.mediaType} ${block.data}`)
    case 'refusal':
      return same(`f ${block.text.trimEnd()}`)
    case 'opaque':
      return same(`o ${role} ${block.type} ${writeCanonical(withoutCacheControl(block.raw))}`)
  }
}

function same(key: string): BlockKeys {
  return { strong: key, weak: key, callId: null }
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
