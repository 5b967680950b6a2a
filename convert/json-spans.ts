// Where the values of a JSON text stand in it, so that some can be replaced and everything else stays to the byte. Pure.

export interface StringSpan {
  readonly kind: 'string'
  /** With both quotes. */
  readonly start: number
  readonly end: number
}

export interface Member {
  readonly key: string
  readonly keySpan: StringSpan
  readonly value: Span
}

export type Span =
  | { readonly kind: 'object'; readonly members: readonly Member[] }
  | { readonly kind: 'array'; readonly items: readonly Span[] }
  | StringSpan
  | { readonly kind: 'number'; readonly start: number; readonly end: number }
  /** true, false, null. */
  | { readonly kind: 'word' }

/** Deeper texts are nobody's request; reading them by recursion would end the stack. */
const depthMax = 400

/** Null for what is not JSON. */
export function readSpans(text: string): Span | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  return readValue({ text, at: 0, depth: 0 })
}

/** The text of a literal that is known to be valid. */
export function readLiteral(text: string, { start, end }: StringSpan): string {
  const inner = text.slice(start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : inner
}

interface Cursor {
  readonly text: string
  at: number
  depth: number
}

function skipBlanks(cursor: Cursor): void {
  while (/[ \t\r\n]/.test(cursor.text.charAt(cursor.at))) cursor.at += 1
}

function readValue(cursor: Cursor): Span | null {
  skipBlanks(cursor)
  const char = cursor.text.charAt(cursor.at)
  if (char === '"') return readString(cursor)
  if (char !== '{' && char !== '[') return readScalar(cursor)
  if (cursor.depth >= depthMax) return null
  cursor.depth += 1
  const span = char === '{' ? readMembers(cursor) : readItems(cursor)
  cursor.depth -= 1
  return span
}

function readString(cursor: Cursor): StringSpan {
  const start = cursor.at
  let end = cursor.text.indexOf('"', start + 1)
  while (isEscaped(cursor.text, end)) end = cursor.text.indexOf('"', end + 1)
  cursor.at = end + 1
  return { kind: 'string', start, end: end + 1 }
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes += 1
  return slashes % 2 === 1
}

const scalar = /[^\s,\]}]+/y

function readScalar(cursor: Cursor): Span {
  scalar.lastIndex = cursor.at
  const start = cursor.at
  cursor.at += scalar.exec(cursor.text)?.[0].length ?? 1
  return /[-\d]/.test(cursor.text.charAt(start)) ? { kind: 'number', start, end: cursor.at } : { kind: 'word' }
}

/** After the opening bracket: `next` at each element until the closing one. False when an element is too deep. */
function readList(cursor: Cursor, close: string, next: () => boolean): boolean {
  cursor.at += 1
  for (;;) {
    skipBlanks(cursor)
    const char = cursor.text.charAt(cursor.at)
    if (char === close) break
    if (char === ',') cursor.at += 1
    else if (!next()) return false
  }
  cursor.at += 1
  return true
}

function readItems(cursor: Cursor): Span | null {
  const items: Span[] = []
  const isRead = readList(cursor, ']', () => {
    const item = readValue(cursor)
    if (item !== null) items.push(item)
    return item !== null
  })
  return isRead ? { kind: 'array', items } : null
}

function readMembers(cursor: Cursor): Span | null {
  const members: Member[] = []
  const isRead = readList(cursor, '}', () => {
    const keySpan = readString(cursor)
    skipBlanks(cursor)
    cursor.at += 1 // the colon
    const value = readValue(cursor)
    if (value !== null) members.push({ key: readLiteral(cursor.text, keySpan), keySpan, value })
    return value !== null
  })
  return isRead ? { kind: 'object', members } : null
}

export function findMember(span: Span | null | undefined, key: string): Span | null {
  return span?.kind === 'object' ? (span.members.find(member => member.key === key)?.value ?? null) : null
}

/** Decoded text of a member that is a string. */
export function findText(text: string, span: Span | null | undefined, key: string): string | null {
  const value = findMember(span, key)
  return value?.kind === 'string' ? readLiteral(text, value) : null
}
