// A JSON text with every text in it replaced by filler, to the byte the same otherwise: white space, order, escapes and numbers of usage
// stay. Where a value stands decides what it is: the protocol's word, an id, a figure, a tool's schema, or content. Pure.

import { findText, type Member, readLiteral, readSpans, type Span, type StringSpan } from '../json-spans.ts'
import type { Filler } from './scrub-filler.ts'
import * as words from './scrub-words.ts'

/** `protocol`: words of the protocol stay. `content`: nothing but keys does. `figures`: usage. `schema`, `schemas`: of tools. */
export type ScrubContext = 'protocol' | 'content' | 'figures' | 'schema' | 'schemas'

/** Start of a string in the text -> what it becomes: pieces of longer texts are filled together. */
export type Overrides = ReadonlyMap<number, string>

/** Null for what is not JSON. */
export function scrubJson(text: string, context: ScrubContext, filler: Filler): string | null {
  const root = readSpans(text)
  return root === null ? null : scrubSpans(text, root, context, filler, new Map())
}

export function scrubSpans(text: string, root: Span, context: ScrubContext, filler: Filler, overrides: Overrides): string {
  const walk: Walk = { text, filler, overrides: new Map(overrides), edits: [] }
  scrubValue(walk, root, { context, key: '', holder: '', members: [] })
  let result = ''
  let at = 0
  for (const { start, end, by } of walk.edits) {
    result += text.slice(at, start) + by
    at = end
  }
  return result + text.slice(at)
}

interface Walk {
  readonly text: string
  readonly filler: Filler
  readonly overrides: Map<number, string>
  /** In the order of the text. */
  readonly edits: Array<{ readonly start: number; readonly end: number; readonly by: string }>
}

interface Place {
  readonly context: ScrubContext
  /** Of the member the value stands under; elements of a list stand under the list's. */
  readonly key: string
  /** Key under which the object of that member stands. */
  readonly holder: string
  readonly members: readonly Member[]
}

function scrubValue(walk: Walk, span: Span, place: Place): void {
  if (span.kind === 'string') scrubString(walk, span, place)
  else if (span.kind === 'number') scrubNumber(walk, span, place)
  else if (span.kind === 'array') {
    if (place.key === 'parts' && place.context === 'protocol') joinTextParts(walk, span.items)
    for (const item of span.items) scrubValue(walk, item, place)
  } else if (span.kind === 'object')
    for (const member of span.members) {
      if (!words.isNameKey(member.key)) replaceString(walk, member.keySpan, walk.filler.text(member.key))
      scrubValue(walk, member.value, {
        context: contextOf(place, member),
        key: member.key,
        holder: place.key,
        members: span.members,
      })
    }
}

function contextOf({ context, key }: Place, member: Member): ScrubContext {
  if (context === 'content' || context === 'figures') return context
  if (context === 'schemas') return 'schema'
  if (context === 'schema') {
    if (words.schemaMaps.has(member.key)) return 'schemas'
    return words.schemaValues.has(member.key) ? 'content' : 'schema'
  }
  if (member.value.kind === 'object') {
    if (words.schemaKeys.has(member.key)) return 'schema'
    if (words.contentKeys.has(member.key)) return 'content'
    if (member.key === 'response' && /^function_?response$/i.test(key)) return 'content'
  }
  return words.isFigureHolder(member.key) ? 'figures' : 'protocol'
}

function scrubNumber(walk: Walk, span: { readonly start: number; readonly end: number }, { context, key }: Place): void {
  if (context === 'figures' || context === 'schema' || context === 'schemas') return
  if (context === 'protocol' && words.isFigureKey(key)) return
  walk.edits.push({ start: span.start, end: span.end, by: walk.filler.number(walk.text.slice(span.start, span.end)) })
}

function scrubString(walk: Walk, span: StringSpan, place: Place): void {
  const override = walk.overrides.get(span.start)
  if (override !== undefined) {
    replaceString(walk, span, override)
    return
  }
  const value = readLiteral(walk.text, span)
  const scrubbed = place.context === 'content' ? walk.filler.text(value) : scrubWord(walk, value, place)
  if (scrubbed !== value) replaceString(walk, span, scrubbed)
}

function scrubWord(walk: Walk, value: string, place: Place): string {
  const { filler } = walk
  const { context, key } = place
  if (context === 'schema' || context === 'schemas')
    return words.schemaWordKeys.has(key) && words.isSchemaWord(value) ? value : filler.text(value)
  if (words.isProtocolWord(key, value) || isNamed(walk, value, place)) return value
  if (words.isReason(key, place.holder, new Set(place.members.map(member => member.key)), value)) return value
  if (words.isIdKey(key)) return filler.id(value)
  if (words.jsonTextKeys.has(key)) return scrubJson(value, 'content', filler) ?? filler.text(value)
  const media = /^data:[\w.+-]+\/[\w.+-]+;base64,/.exec(value)?.[0] ?? ''
  return media + filler.text(value.slice(media.length))
}

/** Names of tools; any other name is somebody's. */
function isNamed(walk: Walk, value: string, { key, holder, members }: Place): boolean {
  if (key === 'tool_name' || key === 'toolName' || key === 'allowedFunctionNames') return words.isToolName(value)
  if (key !== 'name' || !words.isToolName(value)) return false
  if (words.toolHolders.has(holder) || members.some(member => words.toolMembers.has(member.key))) return true
  return words.toolTypes.test(findText(walk.text, { kind: 'object', members }, 'type') ?? '')
}

/** Pieces of one answer that a client sends back apart, or joined: filled together, they stay pieces of one filler either way. */
function joinTextParts(walk: Walk, parts: readonly Span[]): void {
  let run: StringSpan[] = []
  let runKind = ''
  const close = (): void => {
    if (run.length > 1) {
      const pieces = run.map(span => readLiteral(walk.text, span))
      const filled = splitLike(walk.filler.text(pieces.join('')), pieces)
      for (const [at, span] of run.entries())
        if (!walk.overrides.has(span.start)) walk.overrides.set(span.start, filled[at] ?? '')
    }
    run = []
  }
  for (const part of parts) {
    const members = part.kind === 'object' ? part.members : []
    const text = members.find(member => member.key === 'text')?.value
    const kind = members.some(member => member.key === 'thought') ? 'thought' : 'text'
    if (text?.kind !== 'string' || kind !== runKind) close()
    runKind = kind
    if (text?.kind === 'string') run.push(text)
  }
  close()
}

/** Cuts a text where the pieces ended. */
export function splitLike(text: string, pieces: readonly string[]): string[] {
  let at = 0
  return pieces.map(piece => {
    at += piece.length
    return text.slice(at - piece.length, at)
  })
}

/** Filler has a character for a character, so every escape keeps its place and its spelling. */
function replaceString(walk: Walk, { start, end }: StringSpan, by: string): void {
  const literal = walk.text.slice(start, end)
  walk.edits.push({ start, end, by: literal.includes('\\') ? spellLike(literal, by) : `"${by}"` })
}

const unit = /\\u([0-9a-fA-F]{4})|\\(.)|[^\\]/gs

function spellLike(literal: string, text: string): string {
  let at = 0
  const spelled = literal.slice(1, -1).replace(unit, (written: string, hex: string | undefined, short: string | undefined) => {
    const char = text.charAt(at)
    at += 1
    if (hex !== undefined) return spellHex(written, hex, char)
    // The one short escape of a character that base64 has, and so filler of a base64 text need not have.
    return short === undefined || (short === '/' && char !== '/') ? char : written
  })
  return `"${spelled}"`
}

function spellHex(written: string, hex: string, char: string): string {
  const code = char.charCodeAt(0)
  if (code === Number.parseInt(hex, 16)) return written
  const digits = code.toString(16).padStart(4, '0')
  return `\\u${/[A-F]/.test(hex) ? digits.toUpperCase() : digits}`
}
