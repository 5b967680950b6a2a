// Requests without their histories: model, system text, tools, settings. Few differ within a session, so each is read once, and equal
// tools and system texts are given back as the same objects. Bounded; what is forgotten is only read again.

import type { Block, Conversation, Json, JsonObject, ToolDefinition } from '../core/types.ts'
import type { ProtocolAdapter, RequestAddress } from '../protocols/_adapter.ts'
import { preambleElements, type Track } from './history-track.ts'

const skeletonsMax = 256

export interface SkeletonInputs {
  readonly protocol: ProtocolAdapter
  readonly address: RequestAddress
  /** Equal keys, equal bodies. */
  readonly key: string
  /** The body with an empty history; null when it is not one that can be read in parts. */
  readonly readBody: () => JsonObject | null
  readonly track: Track
}

export interface Skeletons {
  /** The conversation without messages; null when it must be read whole. */
  readonly read: (inputs: SkeletonInputs) => Conversation | null
}

export function createSkeletons(): Skeletons {
  const known = new Map<string, Conversation | null>()
  const systems = new Map<string, readonly Block[]>()
  const tools = new Map<string, readonly ToolDefinition[]>()
  const preambleNames = new WeakMap<Track['preamble'], string>()

  const namePreamble = (track: Track): string => {
    if (track.preamble.length === 0) return ''
    const name = preambleNames.get(track.preamble) ?? JSON.stringify(preambleElements(track))
    preambleNames.set(track.preamble, name)
    return name
  }
  const read = ({ protocol, address, readBody, track }: SkeletonInputs): Conversation | null => {
    const body = readBody()
    if (body === null) return null
    // A spread keeps the order of fields, and a `__proto__` as the field it is.
    const conversation = protocol.readRequest({ ...body, [protocol.history.field]: preambleElements(track) }, address)
    return {
      ...conversation,
      messages: [],
      system: keepFirst(systems, conversation.system),
      tools: keepFirst(tools, conversation.tools),
    }
  }
  return {
    read: inputs => {
      const { protocol, address, key, track } = inputs
      const name = [protocol.id, address.path, address.query, key, namePreamble(track)].join('\n')
      const found = known.get(name)
      if (found !== undefined) {
        known.delete(name)
        known.set(name, found)
        return found
      }
      const made = read(inputs)
      known.set(name, made)
      forgetOldest(known)
      return made
    },
  }
}

function keepFirst<T extends readonly unknown[]>(known: Map<string, T>, value: T): T {
  const text = JSON.stringify(value)
  const first = known.get(text) ?? value
  known.delete(text)
  known.set(text, first)
  forgetOldest(known)
  return first
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys()
  if (map.size > skeletonsMax && oldest !== undefined) map.delete(oldest)
}

/** Pairs as an object, each key once; null when one comes twice. */
export function joinMembers(members: ReadonlyArray<readonly [string, Json]>): JsonObject | null {
  const body = Object.fromEntries(members)
  return Object.keys(body).length === members.length ? body : null
}
