// Steps over JSON in its bytes without parsing it: values, strings, blanks. Pure and total: in what is not JSON it moves on all the
// same, so whoever needs to know parses. Strings are searched natively.

/** Quotes nearer than this are found faster by a loop than by a native call. */
const inlineChars = 48

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

/** Behind the value that begins at `start`; at `start` itself when there is none. */
export function skipValue(bytes: Buffer, start: number, to: number): number {
  const first = bytes[start]
  if (first === quote) return skipString(bytes, start, to)
  if (first === openBrace || first === openBracket) return skipNested(bytes, start, to)
  let at = start
  while (at < to && !endsScalar(bytes[at])) at++
  return at
}

function endsScalar(byte: number | undefined): boolean {
  return byte === comma || byte === closeBracket || byte === closeBrace
}

function skipNested(bytes: Buffer, start: number, to: number): number {
  let depth = 0
  let at = start
  while (at < to) {
    const byte = bytes[at]
    if (byte === quote) {
      at = skipString(bytes, at, to)
      continue
    }
    at++
    if (byte === openBrace || byte === openBracket) depth++
    else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) return at
  }
  return to
}

/** Behind the closing quote of the string that opens at `start`. */
export function skipString(bytes: Buffer, start: number, to: number): number {
  let at = start + 1
  const inlineEnd = Math.min(at + inlineChars, to)
  while (at < inlineEnd) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  return at < to ? skipLongString(bytes, at, to) : to
}

/** `start` is known not to be escaped. A quote is escaped when an odd number of backslashes stands before it. */
function skipLongString(bytes: Buffer, start: number, to: number): number {
  let from = start
  for (;;) {
    const found = bytes.indexOf(quote, from)
    if (found < 0 || found >= to) return to
    let slashes = 0
    while (found - slashes > from && bytes[found - slashes - 1] === backslash) slashes++
    if (slashes % 2 === 0) return found + 1
    from = found + 1
  }
}

export function skipBlank(bytes: Buffer, start: number, to: number): number {
  let at = start
  while (at < to && isBlank(bytes[at])) at++
  return at
}

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
