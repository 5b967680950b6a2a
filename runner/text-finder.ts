// Finds thousands of texts in megabytes of others in one pass, most of which it jumps over (after Wu and Manber). Below request-search.ts: what an
// agent sends grows with every call, and so does what must not stand in it.

import { TurnpikeError } from '../core/errors.ts'

export interface TextFinder {
  /** From now on it is looked for. False: it was before. */
  readonly add: (text: string) => boolean
  /** Tells every place where one of the texts begins, in order. */
  readonly find: (bytes: Uint8Array, note: (text: string, start: number) => void) => void
}

interface Wanted {
  readonly text: string
  readonly bytes: Buffer
}

/** Bytes of each text that decide how far can be jumped: no text may be shorter. */
export const textBytesMin = 32

const blockBytes = 4
const farthest = textBytesMin - blockBytes + 1
const tableBits = 18

export function createTextFinder(): TextFinder {
  // By a hash of four bytes: how far it is from these to the end of the nearest beginning of a text that has them.
  const jumps = new Uint8Array(1 << tableBits).fill(farthest)
  const endings = new Map<number, Wanted[]>()
  const added = new Set<string>()
  return {
    add: text => {
      if (added.has(text)) return false
      added.add(text)
      const bytes = Buffer.from(text)
      if (bytes.length < textBytesMin)
        throw new TurnpikeError('E_BUG', `a text of ${bytes.length} bytes is too short to be found`)
      for (let at = 0; at < farthest; at++) {
        const key = hashBlock(bytes, at)
        jumps[key] = Math.min(jumps[key] ?? 0, farthest - 1 - at)
      }
      const key = hashBlock(bytes, farthest - 1)
      endings.set(key, [...(endings.get(key) ?? []), { text, bytes }])
      return true
    },
    find: (bytes, note) => {
      if (added.size === 0) return
      for (let at = farthest - 1; at + blockBytes <= bytes.length; ) {
        const key = hashBlock(bytes, at)
        const jump = jumps[key] ?? 0
        at += jump === 0 ? 1 : jump
        if (jump > 0) continue
        const start = at - farthest
        for (const wanted of endings.get(key) ?? []) if (standsAt(bytes, start, wanted.bytes)) note(wanted.text, start)
      }
    },
  }
}

function hashBlock(bytes: Uint8Array, at: number): number {
  const block = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  return Math.imul(block, 0x9e3779b1) >>> (32 - tableBits)
}

function standsAt(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  if (start + wanted.length > bytes.length) return false
  for (let at = 0; at < wanted.length; at++) if (bytes[start + at] !== wanted[at]) return false
  return true
}
