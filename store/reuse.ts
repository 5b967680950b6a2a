// Which pieces of an earlier body a new one keeps: those wholly inside what the two share at the beginning and at the end. Pure.

import { commonSuffix } from './overlap.ts'
import type { Parent } from './recent.ts'

export interface Reuse {
  /** Pieces of the parent kept at the front and at the end. */
  readonly front: number
  readonly back: number
  /** The bytes between them, which are new. */
  readonly from: number
  readonly to: number
}

export function findReuse(parent: Parent | null, bytes: Buffer): Reuse {
  if (!parent) return { front: 0, back: 0, from: 0, to: bytes.length }
  const { stored, ends } = parent.body
  if (parent.prefix === bytes.length && bytes.length === stored.length)
    return { front: ends.length, back: 0, from: bytes.length, to: bytes.length }
  // The last piece's end is the end of the body, not a place between two elements: new bytes after it may belong to it.
  const front = Math.min(countUpTo(ends, parent.prefix), ends.length - 1)
  const from = ends[front - 1] ?? 0
  const suffix = commonSuffix(bytes, stored, Math.min(bytes.length, stored.length) - from)
  const back = Math.min(countFrom(ends, stored.length - suffix), ends.length - front)
  return { front, back, from, to: bytes.length - (stored.length - (ends[ends.length - back - 1] ?? 0)) }
}

/** How many ends are at most `limit`. */
function countUpTo(ends: readonly number[], limit: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low
}

/** How many pieces begin at `start` or later. */
function countFrom(ends: readonly number[], start: number): number {
  let count = 0
  while (count < ends.length && (ends[ends.length - count - 2] ?? 0) >= start) count++
  return count
}

export interface PieceList {
  readonly ids: readonly number[]
  /** End of each piece in the body. */
  readonly ends: readonly number[]
}

/** The new body's list: what is kept of the parent's, and the fresh pieces between. */
export function joinLists(parent: Parent | null, { front, back }: Reuse, fresh: PieceList, length: number): PieceList {
  if (!parent) return fresh
  const { ids, ends, stored } = parent.body
  const shift = length - stored.length
  const tail = ids.length - back
  return {
    ids: [...ids.slice(0, front), ...fresh.ids, ...ids.slice(tail)],
    ends: [...ends.slice(0, front), ...fresh.ends, ...ends.slice(tail).map(end => end + shift)],
  }
}

/** Running sums: where pieces of these sizes end. */
export function sumEnds(sizes: readonly number[]): number[] {
  let end = 0
  return sizes.map(size => {
    end += size
    return end
  })
}

/** Where the next request probably begins to differ: behind the last element that is new now, or little before it. */
export function findAnchors(ends: readonly number[], reuse: Reuse): number[] {
  const last = reuse.back > 0 ? ends.length - reuse.back - 1 : ends.length - 2
  return ends.slice(Math.max(0, last - 2), last + 1)
}
