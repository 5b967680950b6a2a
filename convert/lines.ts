// Lines of text that are long enough to say where they come from, as numbers; by them a beginning without a past finds one.

import { createHash } from 'node:crypto'
import type { Json } from '../core/types.ts'

/** Shorter lines stand in too many texts. */
const lineMin = 24

export interface Line {
  /** 53 bits: enough to find it again, not to prove it. */
  readonly hash: number
  readonly text: string
}

export function readLines(text: string): Line[] {
  const lines: Line[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line.length >= lineMin) lines.push({ hash: hashLine(line), text: line })
  }
  return lines
}

/** Of every string of a value, at any depth. */
export function readArgumentLines(value: Json): Line[] {
  const lines: Line[] = []
  const open: Json[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') lines.push(...readLines(next))
    else if (Array.isArray(next)) open.push(...next)
    else if (next !== null && typeof next === 'object') open.push(...Object.values(next))
  }
  return lines
}

/** As links name a line: SHA-256, hex. */
export function nameLine(line: string): string {
  return createHash('sha256').update(line).digest('hex')
}

/** cyrb53: two multiplications a character, no garbage. */
function hashLine(line: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57]
  for (let index = 0; index < line.length; index += 1) {
    const code = line.charCodeAt(index)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
