// The newest request bodies of each conversation, in memory, to tell what is new in the next one without looking at the disk.
// Bounded by bytes, least recently used first. Holds bodies as sent, so it must never be written anywhere.

import type { Hash } from 'node:crypto'
import { recentBodiesBytesMax } from '../core/limits.ts'
import type { MaskedRange } from './_adapter.ts'
import { commonPrefix } from './overlap.ts'

/** A scope may hold several conversations at once: a main agent, sub-agents, title writers. */
const bodiesPerScopeMax = 8

export interface RecentBody {
  readonly seq: number
  readonly depth: number
  /** Made by `keepBytes`, or null when only the masked bytes are known (after a restart). */
  readonly sent: Buffer | null
  /** The same object as `sent` when nothing was masked. */
  readonly stored: Buffer
  readonly ids: readonly number[]
  /** End of each piece in `stored`. */
  readonly ends: readonly number[]
  readonly secrets: readonly string[]
  readonly ranges: readonly MaskedRange[]
  /** SHA-256 states of the body as sent, to go on hashing from. */
  readonly snapshots: ReadonlyArray<{ readonly at: number; readonly hash: Hash }>
}

export interface Parent {
  readonly body: RecentBody
  /** Bytes at the start equal in both. */
  readonly prefix: number
}

export interface RecentBodies {
  readonly has: (scopeId: string) => boolean
  /** The body that shares the longest beginning with `bytes`. `side` says which of its two forms is compared. */
  readonly findParent: (scopeId: string, bytes: Buffer, side: 'sent' | 'stored') => Parent | null
  /** `replaced` is the body this one continues: it will not be continued a second time. */
  readonly add: (scopeId: string, body: RecentBody, replaced: RecentBody | null) => void
  readonly forget: () => void
}

export function createRecentBodies(bytesMax: number = recentBodiesBytesMax): RecentBodies {
  const scopes = new Map<string, RecentBody[]>()
  let bytes = 0
  const evict = (): void => {
    for (const [oldest, bodies] of scopes) {
      if (bytes <= bytesMax) return
      scopes.delete(oldest)
      for (const body of bodies) bytes -= memoryOf(body)
    }
  }
  return {
    has: scopeId => scopes.has(scopeId),
    findParent: (scopeId, body, side) => {
      let best: Parent | null = null
      for (const candidate of scopes.get(scopeId)?.toReversed() ?? []) {
        if (!candidate[side]) continue
        const prefix = commonPrefix(candidate[side], body)
        if (prefix > (best?.prefix ?? 0)) best = { body: candidate, prefix }
        // Nearly all of it: no other conversation can share more that matters.
        if (prefix * 10 > candidate.stored.length * 9) break
      }
      return best
    },
    add: (scopeId, body, replaced) => {
      const bodies = (scopes.get(scopeId) ?? []).filter(known => known !== replaced)
      bodies.push(body)
      bytes += memoryOf(body) - (replaced ? memoryOf(replaced) : 0)
      const dropped = bodies.length > bodiesPerScopeMax ? bodies.shift() : undefined
      if (dropped) bytes -= memoryOf(dropped)
      scopes.delete(scopeId)
      scopes.set(scopeId, bodies)
      evict()
    },
    forget: () => {
      scopes.clear()
      bytes = 0
    },
  }
}

function memoryOf(body: RecentBody): number {
  const sent = body.sent === null || body.sent === body.stored ? 0 : body.sent.buffer.byteLength
  return body.stored.buffer.byteLength + sent + body.ids.length * 16
}

/** A copy of `bytes` that may stay. The memory of the body it continues is used again: only what differs has to be copied. */
export function keepBytes(bytes: Buffer, continued: Parent | null): Buffer {
  const old = continued?.body.sent
  const isReusable = continued && old && old.buffer.byteLength >= bytes.length
  if (!isReusable) {
    // A quarter more, for the calls to come. Never from the common pool: the whole buffer is this body's.
    const kept = Buffer.allocUnsafeSlow(Math.ceil(bytes.length * 1.25)).subarray(0, bytes.length)
    bytes.copy(kept)
    return kept
  }
  const kept = Buffer.from(old.buffer, 0, bytes.length)
  bytes.copy(kept, continued.prefix, continued.prefix)
  return kept
}
