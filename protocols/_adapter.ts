// The contract of a wire protocol: bytes and JSON in, messages and usage out, and back. Pure: no sockets, no clock, no store.
// Total on real traffic: unknown fields and blocks are kept (`extra`, `opaque`), never dropped and never thrown upon;
// wrong shapes throw only a TurnpikeError. _all.ts lists the adapters; tests/conformance/protocols.test.ts runs over them.

import type { Answer, Conversation, Json, JsonObject, Usage } from '../core/types.ts'

/** One server-sent event. `data` lines joined by \n; `event` is '' when the stream named none. */
export interface SseEvent {
  readonly event: string
  readonly data: string
}

export interface ProtocolAdapter {
  /** The file's name. */
  readonly id: string
  readonly title: string
  /** Requests this protocol claims, matched on the path after the attribution prefix, query left out. */
  readonly routes: ReadonlyArray<{ readonly method: 'POST' | 'GET'; readonly path: RegExp }>
  /** Lower-case names of headers that carry the caller's credential: masked in the record, replaced by the proxy in runs. */
  readonly secretHeaders: readonly string[]
  /** Header pairs that present `key` to the provider. */
  readonly writeKey: (key: string) => ReadonlyArray<readonly [name: string, value: string]>
  /** Lower-case response headers that may carry the provider's own request id, best first. */
  readonly requestIdHeaders: readonly string[]
  /**
   * Bytes that occur in the terminal event of a stream and nowhere else (text inside JSON cannot hold a raw line break or a bare quote); the proxy
   * holds back what follows until it is committed. A mark that begins with a line break also counts at the very start of a stream.
   */
  readonly terminalMarks: readonly string[]
  /** A request body as messages. */
  readonly readRequest: (body: Json) => Conversation
  /** A whole JSON answer, or an error body of any status. Never throws: what is neither is one opaque block of type `body`. */
  readonly readResponse: (body: Json) => Answer
  /** A streamed answer, folded. Never throws on a cut or malformed stream: what arrived is the answer, with `complete: false`. */
  readonly foldEvents: (events: Iterable<SseEvent>) => Answer
  /** The usage object of a response body, normalised; null when there is none. */
  readonly readUsage: (body: Json) => Usage | null
  /**
   * The inverse directions serve the simulated provider and translation between protocols. What was read here is written as it was; what
   * was made by hand or read by another protocol (`wire.protocol`) is written in this dialect, without the other's fields.
   */
  readonly writeRequest: (conversation: Conversation) => JsonObject
  readonly writeResponse: (answer: Answer) => JsonObject
  /** The events a provider would send for this answer, one per natural delta; text is split by `chunkText`, whose pieces join to the text. */
  readonly writeEvents: (answer: Answer, chunkText?: (text: string) => readonly string[]) => Iterable<SseEvent>
  /** Our failure, in the caller's dialect. `code` is a Turnpike error code; it also goes into the message. */
  readonly writeError: (status: number, code: string, message: string) => JsonObject
  /** The same failure as an event in the middle of a stream. */
  readonly writeErrorEvent: (status: number, code: string, message: string) => SseEvent
}
