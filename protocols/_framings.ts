// Every framing of streamed answers, and which one a recorded body is in.

import type { FramingId } from './_adapter.ts'
import type { Framing } from './_framing.ts'
import { awsEventStreamFraming } from './_framing-aws-event-stream.ts'
import { jsonArrayFraming } from './_framing-json-array.ts'
import { sseFraming } from './_framing-sse.ts'
import { webSocketFraming } from './_framing-websocket.ts'

export const framings: readonly Framing[] = [sseFraming, jsonArrayFraming, awsEventStreamFraming, webSocketFraming]

/** The framing of a response body by its declared type and first bytes; null for a plain document. */
export function findFraming(contentType: string | null, bytes: Uint8Array): Framing | null {
  return framings.find(framing => framing.matches(contentType, bytes)) ?? null
}

export function framingById(id: FramingId): Framing | null {
  return framings.find(framing => framing.id === id) ?? null
}
