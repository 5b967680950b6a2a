// How a body is put together from pieces, as few bytes: whole, or as a change of an earlier body's list ("keep so many from
// its front, these new ones, keep so many from its end"). Also the small lists beside a body: masked ranges and arrivals.

import { TurnpikeError } from '../core/errors.ts'
import type { Arrival, MaskedRange } from './_adapter.ts'
import { readVarints, unzigzag, writeVarints, zigzag } from './varint.ts'

export interface Recipe {
  readonly keepFront: number
  readonly keepBack: number
  /** Pieces between the two; the whole list when nothing is kept. */
  readonly ids: readonly number[]
}

/** New pieces have rising ids, so their differences are mostly one byte each. */
export function writeRecipe({ keepFront, keepBack, ids }: Recipe): Buffer {
  const numbers = [keepFront, keepBack]
  let previous = 0
  for (const id of ids) {
    numbers.push(zigzag(id - previous))
    previous = id
  }
  return writeVarints(numbers)
}

export function readRecipe(bytes: Uint8Array): Recipe {
  const [keepFront = 0, keepBack = 0, ...differences] = readVarints(bytes)
  let previous = 0
  const ids = differences.map(difference => {
    previous += unzigzag(difference)
    return previous
  })
  return { keepFront, keepBack, ids }
}

/** As typed lists: long conversations have tens of thousands of pieces, and copying those must cost nothing. */
export function applyRecipe(recipe: Recipe, base: Uint32Array): Uint32Array {
  const { keepFront, keepBack, ids } = recipe
  if (keepFront + keepBack > base.length) throw new TurnpikeError('E_STORE_CORRUPT', 'a body keeps more pieces than its base has')
  const list = new Uint32Array(keepFront + ids.length + keepBack)
  list.set(base.subarray(0, keepFront))
  for (const [at, id] of ids.entries()) list[keepFront + at] = checkId(id)
  list.set(base.subarray(base.length - keepBack), keepFront + ids.length)
  return list
}

/** A terabyte of new text, in the smallest pieces, stays below it. */
function checkId(id: number): number {
  if (id > 0xffff_ffff)
    throw new TurnpikeError('E_STORE_CORRUPT', `piece ${id} has a number beyond what lists of pieces can hold`)
  return id
}

/** Gap and length of each range; null for none. */
export function writeRanges(ranges: readonly MaskedRange[]): Buffer | null {
  if (ranges.length === 0) return null
  let end = 0
  return writeVarints(
    ranges.flatMap(([start, length]) => {
      const gap = start - end
      end = start + length
      return [gap, length]
    }),
  )
}

export function readRanges(bytes: Uint8Array | null): MaskedRange[] {
  if (bytes === null) return []
  let end = 0
  return readPairs(bytes).map(([gap, length]) => {
    const start = end + gap
    end = start + length
    return [start, length]
  })
}

/** Times to the microsecond, each as the difference to the one before; the first to the start of the exchange. */
export function writeArrivals(arrivals: readonly Arrival[], startedAt: number): Buffer {
  const numbers: number[] = []
  let previous = Math.round(startedAt * 1000)
  for (const { at, bytes } of arrivals) {
    const us = Math.round(at * 1000)
    numbers.push(zigzag(us - previous), bytes)
    previous = us
  }
  return writeVarints(numbers)
}

export function readArrivals(bytes: Uint8Array | null, startedAt: number): Arrival[] {
  if (bytes === null) return []
  let us = Math.round(startedAt * 1000)
  return readPairs(bytes).map(([difference, count]) => {
    us += unzigzag(difference)
    return { at: us / 1000, bytes: count }
  })
}

function readPairs(bytes: Uint8Array): Array<[number, number]> {
  const numbers = readVarints(bytes)
  const pairs: Array<[number, number]> = []
  for (let at = 0; at + 1 < numbers.length; at += 2) pairs.push([numbers[at] ?? 0, numbers[at + 1] ?? 0])
  return pairs
}
