// Spans as OTLP spells them in JSON: ids in hex and derived, so that the same call has the same span in every export; 64-bit numbers as
// text; times in nanoseconds. Knows nothing of models or agents.

import { createHash } from 'node:crypto'
import type { EpochMs, Json, JsonObject } from '../../core/types.ts'

/** A whole number, as OTLP tells it from a fractional one. */
export interface Whole {
  readonly whole: number
}

export type AttributeValue = string | boolean | number | Whole | readonly string[] | null | undefined
export type Attributes = Readonly<Record<string, AttributeValue>>

export interface SpanEvent {
  readonly at: EpochMs
  readonly name: string
  readonly attributes: Attributes
}

export interface SpanLink {
  readonly spanId: string
  readonly attributes: Attributes
}

export interface Span {
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  /** 1 internal, 3 client. */
  readonly kind: 1 | 3
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs
  readonly attributes: Attributes
  readonly events?: readonly SpanEvent[]
  readonly links?: readonly SpanLink[]
  /** What went wrong; null = nothing that is known. */
  readonly error: string | null
}

export function whole(value: number | null | undefined): Whole | undefined {
  return value === null || value === undefined ? undefined : { whole: value }
}

/** 8 bytes in hex for a span, 16 for a trace. */
export function deriveId(bytes: 8 | 16, ...parts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify(parts))
    .digest('hex')
    .slice(0, bytes * 2)
}

/** Microseconds are what clocks here have; the rest would be invented by the arithmetic of floating point. */
export function writeTime(at: EpochMs): string {
  return `${BigInt(Math.round(at * 1000)) * 1000n}`
}

/** Only those that have a value. */
export function writeAttributes(attributes: Attributes): JsonObject[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const written = writeValue(value)
    return written === null ? [] : [{ key, value: written }]
  })
}

function writeValue(value: AttributeValue): JsonObject | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return { doubleValue: value }
  if ('whole' in value) return { intValue: String(value.whole) }
  return { arrayValue: { values: value.map(stringValue => ({ stringValue })) } }
}

export function writeSpan(traceId: string, span: Span): JsonObject {
  const { events = [], links = [] } = span
  return {
    traceId,
    spanId: span.spanId,
    ...(span.parentId === null ? {} : { parentSpanId: span.parentId }),
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: writeTime(span.startedAt),
    endTimeUnixNano: writeTime(Math.max(span.startedAt, span.endedAt)),
    attributes: writeAttributes(span.attributes),
    ...(events.length === 0 ? {} : { events: events.map(writeEvent) }),
    ...(links.length === 0
      ? {}
      : { links: links.map(link => ({ traceId, spanId: link.spanId, attributes: writeAttributes(link.attributes) })) }),
    // 2 is an error; without one a recording cannot know that all was well, so the status stays unset.
    status: span.error === null ? {} : { code: 2, message: span.error },
  }
}

function writeEvent({ at, name, attributes }: SpanEvent): JsonObject {
  return { timeUnixNano: writeTime(at), name, attributes: writeAttributes(attributes) }
}

/** A complete request for an OTLP/HTTP endpoint. */
export function writeRequest(resource: Attributes, scope: JsonObject, spans: readonly Json[]): JsonObject {
  return { resourceSpans: [{ resource: { attributes: writeAttributes(resource) }, scopeSpans: [{ scope, spans }] }] }
}
