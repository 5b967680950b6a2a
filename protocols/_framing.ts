// The contract of a framing: how the events of a streamed answer lie in its bytes. Pure and total: any bytes in any chunks, no throw.
// _framings.ts lists them. Protocols say what events mean; framings only where one ends and what its text is.

import type { FramingId, StreamEvent } from './_adapter.ts'

export interface FrameSplitter {
  /** The frames these bytes completed, as they came: their concatenation with `rest` is exactly what was pushed. */
  readonly push: (bytes: Uint8Array) => Buffer[]
  /** Bytes of the frame the stream stands in. */
  readonly rest: () => Buffer
}

export interface Framing {
  readonly id: FramingId
  /** Value of the response's content-type when events are sent in this framing. */
  readonly contentType: string
  /** Whether a response body is in this framing; `bytes` are its first bytes (at least 64 where there are as many), decoded. */
  readonly matches: (contentType: string | null, bytes: Uint8Array) => boolean
  readonly openSplitter: () => FrameSplitter
  /** The event in a frame; null for what carries none (comments, brackets, pings of the framing itself). Half a frame is read as far as it goes. */
  readonly readFrame: (frame: Uint8Array) => StreamEvent | null
  /** The events of a whole or cut body at once, where that is cheaper than frame by frame; the same events. */
  readonly readAll?: (bytes: Uint8Array) => StreamEvent[]
  /** Events as a whole body. */
  readonly writeEvents: (events: Iterable<StreamEvent>) => Iterable<Buffer>
}

/** All events of a whole or cut body. */
export function readEvents(framing: Framing, bytes: Uint8Array): StreamEvent[] {
  if (framing.readAll !== undefined) return framing.readAll(bytes)
  const splitter = framing.openSplitter()
  const frames = splitter.push(bytes)
  const rest = splitter.rest()
  return [...frames, ...(rest.length > 0 ? [rest] : [])].flatMap(frame => framing.readFrame(frame) ?? [])
}
