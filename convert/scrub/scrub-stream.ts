// A streamed answer scrubbed so that folding it gives the scrubbed answer: deltas are joined, filled as one text and cut where they were
// cut. Frames keep their bytes but for the texts in them. Pure.

import type { Framing } from '../../protocols/_framing.ts'
import { awsEventStreamFraming, rewriteFrame } from '../../protocols/_framing-aws-event-stream.ts'
import { readLiteral, readSpans, type Span } from '../json-spans.ts'
import type { Filler } from './scrub-filler.ts'
import { createFragmentReader, type Fragment, findChunk } from './scrub-fragments.ts'
import { type ScrubContext, scrubJson, scrubSpans, splitLike } from './scrub-json.ts'
import { isProtocolWord } from './scrub-words.ts'

interface OpenFrame {
  readonly bytes: Buffer
  /** Null for what carries no event. */
  readonly data: string | null
  /** The event around the data, where those are another event in base64. */
  readonly wrap: Wrap | null
  readonly root: Span | null
  readonly fragments: readonly Fragment[]
}

interface Wrap {
  readonly data: string
  readonly root: Span
  /** Where the base64 stands. */
  readonly start: number
}

interface Slot {
  readonly isJson: boolean
  readonly pieces: string[]
  filled: string[]
}

export function scrubStream(framing: Framing, bytes: Buffer, context: ScrubContext, filler: Filler): Buffer {
  const frames = readFrames(framing, bytes)
  const slots = new Map<string, Slot>()
  for (const frame of frames) collect(frame, slots)
  for (const slot of slots.values()) {
    const whole = slot.pieces.join('')
    slot.filled = splitLike((slot.isJson ? scrubJson(whole, 'content', filler) : null) ?? filler.text(whole), slot.pieces)
  }
  return Buffer.concat(
    frames.map(frame => {
      const data = scrubData(frame, slots, context, filler)
      return writeFrame(framing, frame, wrapData(frame.wrap, data, context, filler), filler)
    }),
  )
}

function readFrames(framing: Framing, bytes: Buffer): OpenFrame[] {
  const splitter = framing.openSplitter()
  const whole = splitter.push(bytes)
  const rest = splitter.rest()
  const reader = createFragmentReader()
  return [...whole, ...(rest.length > 0 ? [rest] : [])].map(frame => {
    const { data, root, wrap } = openData(framing, framing.readFrame(frame)?.data ?? null)
    return { bytes: frame, data, root, wrap, fragments: data === null || root === null ? [] : reader.read(data, root) }
  })
}

function openData(framing: Framing, data: string | null): Pick<OpenFrame, 'data' | 'root' | 'wrap'> {
  const root = data === null ? null : readSpans(data)
  const chunk = data === null || root === null || framing !== awsEventStreamFraming ? null : findChunk(data, root)
  if (data === null || root === null || chunk === null) return { data, root, wrap: null }
  return { data: chunk.text, root: readSpans(chunk.text), wrap: { data, root, start: chunk.span.start } }
}

function wrapData(wrap: Wrap | null, scrubbed: string, context: ScrubContext, filler: Filler): string {
  if (wrap === null) return scrubbed
  const base64 = Buffer.from(scrubbed).toString('base64')
  return scrubSpans(wrap.data, wrap.root, context, filler, new Map([[wrap.start, base64]]))
}

function collect({ data, fragments }: OpenFrame, slots: Map<string, Slot>): void {
  for (const { slot: name, span, isJson } of fragments) {
    const slot = slots.get(name) ?? { isJson, pieces: [], filled: [] }
    slots.set(name, slot)
    slot.pieces.push(readLiteral(data ?? '', span))
  }
}

/** Takes the slots' pieces in the order they were collected in. */
function scrubData(
  { data, root, fragments }: OpenFrame,
  slots: Map<string, Slot>,
  context: ScrubContext,
  filler: Filler,
): string {
  if (data === null || data === '[DONE]') return data ?? ''
  if (root === null) return filler.text(data)
  const overrides = new Map(fragments.map(({ slot, span }) => [span.start, slots.get(slot)?.filled.shift() ?? ''] as const))
  return scrubSpans(data, root, context, filler, overrides)
}

function writeFrame(framing: Framing, { bytes, data }: OpenFrame, scrubbed: string, filler: Filler): Buffer {
  if (framing.id === 'sse') return writeLines(bytes, scrubbed, filler)
  if (framing === awsEventStreamFraming)
    return rewriteFrame(bytes, scrubbed, (name, value) => scrubEventHeader(name, value, filler))
  const event = data === null ? null : framing.readFrame(bytes)
  if (event === null || data === null) return bytes
  const at = bytes.indexOf(data)
  // The text changes in place, its length being the same, unless the frame does not hold it as it is read.
  if (at < 0) return Buffer.concat([...framing.writeEvents([{ ...event, data: scrubbed }])])
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(scrubbed), bytes.subarray(at + Buffer.byteLength(data))])
}

/** Data lines take their part of the scrubbed text; event names stay, ids and comments do not. */
function writeLines(bytes: Buffer, scrubbed: string, filler: Filler): Buffer {
  let at = 0
  const text = bytes.toString('utf8').replace(/([^\r\n]+)(\r\n|\r|\n|$)/g, (_, line: string, end: string) => {
    const [, mark = '', field = '', gap = '', value = ''] = /^(\ufeff?)([^:]*)(:? ?)(.*)$/s.exec(line) ?? []
    if (field === 'data') {
      const part = scrubbed.slice(at, at + value.length)
      at += value.length + 1
      return mark + field + gap + part + end
    }
    return mark + (field === '' ? '' : field) + gap + scrubField(field, value, filler) + end
  })
  return Buffer.from(text)
}

const structuralEventHeaders = new Set([':message-type', ':event-type', ':exception-type', ':error-code', ':content-type'])

/** Names of events and types stay when they look like it; a message is a text, and any other header somebody's. */
function scrubEventHeader(name: string, value: string, filler: Filler): string {
  if (structuralEventHeaders.has(name) && isProtocolWord('event', value)) return value
  return name === ':error-message' ? filler.text(value) : filler.id(value)
}

function scrubField(field: string, value: string, filler: Filler): string {
  if (field === 'retry' || (field === 'event' && isProtocolWord('event', value))) return value
  return field === 'id' ? filler.id(value) : filler.text(value)
}
