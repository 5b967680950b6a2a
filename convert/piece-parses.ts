// Pieces of request bodies, each parsed once: kept by their ids, within bounds, with what of them is not history named by its content.
// Serves piece-requests.ts only.

import type { Json } from '../core/types.ts'
import { type Entry, type PieceText, readPieceText } from './piece-text.ts'

/** Bytes of the pieces kept; parsed, they take about three times as much. */
const parsedBytesMax = 24 * 1024 * 1024

/** Characters kept to tell equal parts of requests by. */
const namesCharsMax = 8 * 1024 * 1024

/** What a piece adds to the body beside the history; an empty list stands where the history does. */
export interface Outside {
  readonly continued: readonly Json[]
  readonly members: ReadonlyArray<readonly [name: string, value: Json]>
}

export interface Parses {
  /** Null when the piece cannot be read for itself. */
  readonly parse: (id: number, entry: Entry, isLast: boolean) => PieceText | null | Promise<PieceText | null>
  /** Equal numbers, equal parts. */
  readonly nameOutside: (outside: Outside) => number
}

export function createParses(readPiece: (id: number) => Promise<Buffer>): Parses {
  const parsed = new Map<number, { readonly piece: PieceText | null; readonly bytes: number }>()
  let parsedBytes = 0
  const names = createNames()
  const outsideNames = new WeakMap<Outside, number>()

  const add = async (key: number, id: number, entry: Entry, isLast: boolean): Promise<PieceText | null> => {
    const bytes = await readPiece(id)
    const piece = readPieceText(bytes.toString('utf8'), entry, isLast)
    parsed.set(key, { piece, bytes: bytes.length })
    parsedBytes += bytes.length
    for (const [oldest, old] of parsed) {
      if (parsedBytes <= parsedBytesMax || oldest === key) break
      parsed.delete(oldest)
      parsedBytes -= old.bytes
    }
    return piece
  }
  return {
    parse: (id, entry, isLast) => {
      const key = id * 8 + (entry === 'start' ? 0 : entry === 'opened' ? 2 : 4) + (isLast ? 1 : 0)
      const known = parsed.get(key)
      if (known === undefined) return add(key, id, entry, isLast)
      parsed.delete(key)
      parsed.set(key, known)
      return known.piece
    },
    nameOutside: outside => {
      const known = outsideNames.get(outside)
      if (known !== undefined) return known
      const name = names(JSON.stringify([outside.continued, outside.members]))
      outsideNames.set(outside, name)
      return name
    },
  }
}

/** Numbers for texts; a text that was forgotten gets a new one, never that of another. */
function createNames(): (text: string) => number {
  const known = new Map<string, number>()
  let chars = 0
  let next = 0
  return text => {
    const found = known.get(text)
    if (found !== undefined) return found
    chars += text.length
    if (chars > namesCharsMax) {
      known.clear()
      chars = text.length
    }
    next += 1
    known.set(text, next)
    return next
  }
}
