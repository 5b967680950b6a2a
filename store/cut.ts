// Cuts a request body where its parts begin and end: at elements of the arrays in which agents resend their history. Pure and
// total: a wrong cut in malformed JSON costs storage, never correctness, because pieces always concatenate back.

import { isBlank, skipBlank, skipString, skipValue } from './json-bytes.ts'

/** Arrays whose elements repeat from call to call. */
const arrayNames = new Set(['messages', 'input', 'contents', 'tools', 'system'])

/** Smaller neighbours share a piece: a piece costs about 60 bytes of its own. */
const pieceBytesMin = 256

/** Bodies below this stay whole: their pieces would cost more than they save. */
export const bodyBytesMin = 2048

const quote = 0x22
const openBrace = 0x7b
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a

export interface CutRange {
  readonly from: number
  readonly to: number
  /** True when `from` is an earlier cut: every cut lies between elements of an array, so no other state is needed to go on. */
  readonly insideArray: boolean
}

/** Ends of the pieces of bytes[from, to), rising, the last one `to`. */
export function cutBody(bytes: Buffer, range: CutRange): number[] {
  const { from, to, insideArray } = range
  const ends: number[] = []
  if (to > from && (insideArray || (bytes.length >= bodyBytesMin && bytes[skipBlank(bytes, from, to)] === openBrace))) {
    const cuts: Cuts = { ends, pieceStart: from }
    let at = insideArray ? scanArray(bytes, from, to, cuts) : skipBlank(bytes, from, to) + 1
    while (at < to) at = scanMember(bytes, at, to, cuts)
  }
  if (ends.at(-1) !== to && to > from) ends.push(to)
  return ends
}

interface Cuts {
  readonly ends: number[]
  pieceStart: number
}

function cutAt(cuts: Cuts, at: number): void {
  if (at - cuts.pieceStart < pieceBytesMin) return
  cuts.ends.push(at)
  cuts.pieceStart = at
}

/** One `"name": value` of the top-level object, or whatever stands in its place; always moves on. */
function scanMember(bytes: Buffer, start: number, to: number, cuts: Cuts): number {
  if (bytes[start] !== quote) return start + 1
  const nameEnd = skipString(bytes, start, to)
  let at = skipBlank(bytes, nameEnd, to)
  if (bytes[at] !== colon) return at
  at = skipBlank(bytes, at + 1, to)
  if (bytes[at] !== openBracket || nameEnd - start > 12) return skipValue(bytes, at, to)
  if (!arrayNames.has(bytes.toString('latin1', start + 1, nameEnd - 1))) return skipValue(bytes, at, to)
  const first = skipBlank(bytes, at + 1, to)
  if (first < to && bytes[first] !== closeBracket) cutAt(cuts, first)
  return scanArray(bytes, first, to, cuts)
}

/** From between two elements to behind the closing bracket. Separators belong to the element that follows them. */
function scanArray(bytes: Buffer, start: number, to: number, cuts: Cuts): number {
  let at = start
  while (at < to) {
    const byte = bytes[at]
    if (byte === closeBracket) return at + 1
    if (byte === comma || isBlank(byte)) at++
    else {
      at = Math.max(skipValue(bytes, at, to), at + 1)
      if (at < to) cutAt(cuts, at)
    }
  }
  return to
}
