// What one piece of a request body says, read for itself. Pieces are cut between elements of the arrays of the body's top level, so each
// becomes JSON by closing what it leaves open. Strict: pieces that are all read this way are JSON together, and mean what the whole means.

import type { Json } from '../core/types.ts'
import { isList, isObject, parseJson } from '../protocols/_json.ts'

/** What stands before a piece: nothing, the opening of an array, or an element of it. */
export type Entry = 'start' | 'opened' | 'element'

export interface PieceText {
  /** Elements of the array in which the piece begins. */
  readonly continued: readonly Json[]
  /** Fields of the body that begin in the piece; the last one is an array still open, unless the piece is the last. */
  readonly members: ReadonlyArray<readonly [name: string, value: Json]>
  /** How the next piece begins; null behind the end of the body. */
  readonly next: Exclude<Entry, 'start'> | null
}

/** Null when the piece is not what its place asks for. */
export function readPieceText(text: string, entry: Entry, isLast: boolean): PieceText | null {
  if (entry === 'start') return readMembers(`${text}${isLast ? '' : ']}'}`, entry, isLast)
  const elements = entry === 'element' ? stripComma(text) : text
  if (elements === null) return null
  if (!isLast) {
    // Nearly all pieces are elements and nothing else.
    const list = parseJson(`[${elements}]`)
    if (isList(list)) return { continued: list, members: [], next: list.length > 0 ? 'element' : 'opened' }
  }
  return readMembers(`{"":[${elements}${isLast ? '' : ']}'}`, entry, isLast)
}

/** The element without the comma that parts it from the one before; the end of the array as it is. */
function stripComma(text: string): string | null {
  const [sign, at] = findSign(text, 0)
  if (sign === ']') return text
  if (sign !== ',') return null
  const [next] = findSign(text, at + 1)
  return next === ']' || next === '' ? null : text.slice(at + 1)
}

function findSign(text: string, from: number): [sign: string, at: number] {
  let at = from
  while (/^[ \t\r\n]$/.test(text.charAt(at))) at += 1
  return [text.charAt(at), at]
}

/** The array in which the piece begins has the empty name; a field of that name would be a second one. */
function readMembers(text: string, entry: Entry, isLast: boolean): PieceText | null {
  const body = parseJson(text)
  if (!isObject(body)) return null
  const names = readNames(text)
  // A field that comes twice: which of the two counts is not for one piece to say.
  if (names.length !== Object.keys(body).length) return null
  const members = names.map((name): [string, Json] => [name, body[name] ?? null])
  const continued = entry === 'start' ? [] : members.shift()?.[1]
  const open = members.at(-1)?.[1] ?? continued
  if (!isList(continued) || (!isLast && !isList(open))) return null
  return { continued, members, next: isLast || !isList(open) ? null : open.length > 0 ? 'element' : 'opened' }
}

/** Names of the fields of an object, in their order, repeated ones too. The text is known to be JSON. */
function readNames(text: string): string[] {
  const names: string[] = []
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    else if (char === '"') {
      const end = findQuote(text, at + 1)
      if (depth === 1 && findSign(text, end + 1)[0] === ':') names.push(JSON.parse(text.slice(at, end + 1)) as string)
      at = end
    }
  }
  return names
}

function findQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charAt(at - slashes - 1) === '\\') slashes += 1
    if (slashes % 2 === 0) return at
  }
  return text.length
}
