// Where the fields of an object stand in its bytes, found without parsing. What is not JSON is noticed by whoever parses what was found;
// names are told apart by their bytes, so a name with escapes is another name here.

import { isBlank, skipBlank, skipString, skipValue } from '../store/json-bytes.ts'

const quote = 0x22
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const closeBracket = 0x5d
const comma = 0x2c

export interface MemberRange {
  readonly name: string
  /** Of the value. */
  readonly from: number
  readonly to: number
}

export interface MemberScan {
  readonly members: readonly MemberRange[]
  /** Behind the closing brace, or where the value of `stopAt` begins; -1 when neither was found. */
  readonly at: number
  readonly isStopped: boolean
}

/** From inside an object, between two of its fields, to its end, or to the value of the field `stopAt`. */
export function scanMembers(bytes: Buffer, start: number, stopAt: string | null): MemberScan {
  const members: MemberRange[] = []
  const to = bytes.length
  let at = start
  while (at < to) {
    const byte = bytes[at]
    if (byte === closeBrace) return { members, at: at + 1, isStopped: false }
    if (byte === comma || isBlank(byte)) {
      at += 1
      continue
    }
    if (byte !== quote) break
    const nameEnd = skipString(bytes, at, to)
    const sign = skipBlank(bytes, nameEnd, to)
    if (bytes[sign] !== colon) break
    const name = bytes.toString('latin1', at + 1, nameEnd - 1)
    const from = skipBlank(bytes, sign + 1, to)
    if (name === stopAt) return { members, at: from, isStopped: true }
    at = skipValue(bytes, from, to)
    if (at === from) break
    members.push({ name, from, to: at })
  }
  return { members, at: -1, isStopped: false }
}

/** A field of the object the bytes begin with; null when it does not end within them. */
export function findMember(bytes: Buffer, name: string): { readonly from: number; readonly to: number } | null {
  const start = skipBlank(bytes, startOfText(bytes), bytes.length)
  if (bytes[start] !== openBrace) return null
  const { at, isStopped } = scanMembers(bytes, start + 1, name)
  const to = isStopped ? skipValue(bytes, at, bytes.length) : -1
  return to > at && to < bytes.length ? { from: at, to } : null
}

/** Behind a byte order mark. */
export function startOfText(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/** Ends of the elements of an array from `start`, which is inside it, and where its bracket closes; null when it does not. */
export function scanElements(bytes: Buffer, start: number): { readonly ends: readonly number[]; readonly close: number } | null {
  const ends: number[] = []
  const to = bytes.length
  let at = start
  while (at < to) {
    const byte = bytes[at]
    if (byte === closeBracket) return { ends, close: at }
    if (byte === comma || isBlank(byte)) at += 1
    else {
      const end = skipValue(bytes, at, to)
      if (end === at) return null
      ends.push(end)
      at = end
    }
  }
  return null
}
