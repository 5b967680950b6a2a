// What a stream said that no protocol could read: malformed JSON, unknown events and deltas, deltas for a block that was never opened.
// It stays with the answer under `extra.unread_events`, as it came, and decoding goes on. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import { isList, objectOf, textOf } from './_json.ts'

export type UnreadReason = 'malformed-json' | 'unknown-event' | 'unknown-delta' | 'no-open-block'

export const unreadKey = 'unread_events'

export function unread(event: StreamEvent, why: UnreadReason): JsonObject {
  return { event: event.event, data: event.data, why }
}

/** The same events again, for an answer that is written as a stream. */
export function readUnread(extra: JsonObject | undefined): StreamEvent[] {
  const list: Json | undefined = extra?.[unreadKey]
  if (!isList(list)) return []
  return list.map(entry => ({ event: textOf(objectOf(entry)['event']) ?? '', data: textOf(objectOf(entry)['data']) ?? '' }))
}
