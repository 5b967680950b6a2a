// Finds the JSON object in a model's text. Repairs are those that cannot change what is run: closing braces are added, never
// brackets or quotes, so a text that was cut inside a list or a string stays broken. Never throws; linear but for a bounded factor.

export type JsonRecord = Readonly<Record<string, unknown>>

export type JsonFind =
  | { readonly problem: null; readonly value: JsonRecord; readonly warnings: readonly string[] }
  | { readonly problem: string }

/** Objects tried before giving up: prose has few braces, and source code has many. */
const candidatesMax = 20
const bracesMax = 3

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Null when there is no brace at all. Of several objects, the first that has one of `fields`, else the first. */
export function findObject(text: string, fields: readonly string[]): JsonFind | null {
  const trimmed = text.trim()
  const whole = parse(trimmed)
  if (isRecord(whole.value)) return { problem: null, value: whole.value, warnings: [] }
  if (whole.problem === null) return { problem: 'the reply is JSON but no object' }
  const start = trimmed.indexOf('{')
  if (start < 0) return null
  const found = searchObjects(trimmed, start, fields)
  if (found === null) return { problem: `the reply is not valid JSON: ${explain(trimmed, start)}` }
  return { problem: null, value: found.value, warnings: describe(trimmed, found) }
}

interface Found {
  readonly value: JsonRecord
  readonly start: number
  readonly end: number
  readonly added: number
}

function searchObjects(text: string, first: number, fields: readonly string[]): Found | null {
  let other: Found | null = null
  let start = first
  for (let tried = 0; start >= 0 && tried < candidatesMax; tried++) {
    const found = readObject(text, start)
    if (found !== null && fields.some(name => Object.hasOwn(found.value, name))) return found
    other ??= found
    // What lies inside of an object belongs to it; what lies inside of something else may be the reply.
    start = text.indexOf('{', found === null ? start + 1 : found.end)
  }
  // Only a piece of what could not be read would give misleading errors.
  return other?.start === first ? other : null
}

function readObject(text: string, start: number): Found | null {
  const { end, open } = scan(text, start)
  if (end !== null) {
    const { value } = parse(text.slice(start, end))
    return isRecord(value) ? { value, start, end, added: 0 } : null
  }
  // A fence behind the unclosed object is no part of it.
  const body = text.slice(start).replace(/\s*```\s*$/, '')
  if (open === null || open > bracesMax) return null
  const { value } = parse(body + '}'.repeat(open))
  return isRecord(value) ? { value, start, end: text.length, added: open } : null
}

/** Signs that matter: a bracket, a whole text in quotes, or a quote that is never closed. */
const tokens = /"(?:[^"\\]|\\[\s\S])*"|["{}[\]]/g

/** Where the object ends; else how many braces are open, or null when something else is. */
function scan(text: string, start: number): { readonly end: number | null; readonly open: number | null } {
  const stack: string[] = []
  for (const { 0: sign, index } of text.slice(start).matchAll(tokens)) {
    if (sign === '{' || sign === '[') stack.push(sign)
    else if (sign === '"') return { end: null, open: null }
    else if (sign === '}' || sign === ']') {
      if (stack.pop() !== (sign === '}' ? '{' : '[')) return { end: null, open: null }
      if (stack.length === 0) return { end: start + index + 1, open: 0 }
    }
  }
  return { end: null, open: stack.includes('[') ? null : stack.length }
}

function parse(text: string): { readonly value: unknown; readonly problem: string | null } {
  try {
    return { value: JSON.parse(text), problem: null }
  } catch (error) {
    return { value: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

function explain(text: string, start: number): string {
  const { end } = scan(text, start)
  const { problem } = parse(text.slice(start, end ?? undefined))
  return (problem ?? 'no object could be read').slice(0, 300)
}

function describe(text: string, { start, end, added }: Found): string[] {
  const isTalk = (part: string): boolean => !/^\s*(?:```\w*)?\s*$/.test(part)
  return [
    ...(added > 0 ? [`${added} closing ${added === 1 ? 'brace was' : 'braces were'} missing and added`] : []),
    ...(isTalk(text.slice(0, start)) ? ['text before the JSON object was ignored'] : []),
    ...(isTalk(text.slice(end)) ? ['text after the JSON object was ignored'] : []),
  ]
}
