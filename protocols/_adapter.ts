// The contract of a wire protocol: bytes and JSON in, messages and usage out, and back. Pure: no sockets, no clock, no store.
// Total on real traffic: unknown fields and blocks are kept (`extra`, `opaque`), never dropped and never thrown upon;
// wrong shapes throw only a TurnpikeError. _all.ts lists the adapters; tests/conformance/protocols.test.ts runs over them.

import type { Answer, Conversation, Json, JsonObject, Message, Role, Usage } from '../core/types.ts'

/**
 * One event of a streamed answer, whatever frames it on the wire (see _framing.ts). Server-sent events: `data` lines joined by \n. AWS event
 * streams: `event` is the `:event-type` or `:exception-type`, `data` the payload's text. JSON arrays and WebSocket messages: `data` is the
 * element's or the message's text. `event` is '' when the stream named none.
 */
export interface StreamEvent {
  readonly event: string
  readonly data: string
}

/** How the events of a streamed answer lie in its bytes; _framings.ts lists them. */
export type FramingId = 'sse' | 'json-array' | 'aws-event-stream' | 'websocket'

/** Where a request was posted, for protocols that put the model or the wish to stream into the address. */
export interface RequestAddress {
  /** After the attribution prefix. */
  readonly path: string
  /** Without `?`. */
  readonly query: string
}

/** What a route is for. Only `generate` makes a call; the others are recorded, routed and refused in the same dialect. */
export type RoutePurpose = 'generate' | 'count-tokens' | 'list-models'

export interface ProtocolRoute {
  readonly method: 'POST' | 'GET'
  readonly path: RegExp
  readonly purpose: RoutePurpose
}

/**
 * How the history of a request can be read in parts: agents send it again with every call, and what is known must not be read again.
 * Holds where the field is a list; other bodies are read whole.
 */
export interface HistoryReader {
  /** Field of the body whose elements are the conversation, in its order. */
  readonly field: 'messages' | 'input' | 'contents'
  /**
   * Where it may be divided so that the messages of the parts are those of the whole. `between-answers`: nowhere within a run of assistant
   * elements, which are one message. `at-answers`: only in front of an assistant element, where the protocol forgets what came before.
   */
  readonly divisible: 'anywhere' | 'between-answers' | 'at-answers'
  readonly roleOf: (element: Json) => Role
  /** Whether system text or tools of the conversation come from it. `isLeading`: nothing but such elements stands before it. */
  readonly isPreamble: (element: Json, isLeading: boolean) => boolean
  /** Neighbouring elements as messages, leading system ones too. */
  readonly readMessages: (elements: readonly Json[]) => readonly Message[]
}

export interface ProtocolAdapter {
  /** The file's name. */
  readonly id: string
  readonly title: string
  /** Requests this protocol claims, matched on the path after the attribution prefix, query left out. */
  readonly routes: readonly ProtocolRoute[]
  /** Framings of its streamed answers; the first is what `writeEvents` is sent in unless the request's address asks for another. */
  readonly framings: readonly FramingId[]
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
  /** Whether this event ends the answer: nothing that decides it follows, and one message on a socket is over. */
  readonly isTerminal: (event: StreamEvent) => boolean
  /** A request body as messages. Without an address, what stands only there (model, stream) is null or false. */
  readonly readRequest: (body: Json, address?: RequestAddress) => Conversation
  /** The same in parts. */
  readonly history: HistoryReader
  /** Where a provider takes this conversation: path (from the API's root, version included) and query without `?`. */
  readonly addressOf: (conversation: Conversation) => RequestAddress
  /** A whole JSON answer, or an error body of any status. Never throws: what is neither is one opaque block of type `body`. */
  readonly readResponse: (body: Json) => Answer
  /** A streamed answer, folded. Never throws on a cut or malformed stream: what arrived is the answer, with `complete: false`. */
  readonly foldEvents: (events: Iterable<StreamEvent>) => Answer
  /** The usage object of a response body, normalised; null when there is none. */
  readonly readUsage: (body: Json) => Usage | null
  /**
   * The inverse directions serve the simulated provider and translation between protocols. What was read here is written as it was; what
   * was made by hand or read by another protocol (`wire.protocol`) is written in this dialect, without the other's fields.
   */
  readonly writeRequest: (conversation: Conversation) => JsonObject
  readonly writeResponse: (answer: Answer) => JsonObject
  /** The events a provider would send for this answer, one per natural delta; text is split by `chunkText`, whose pieces join to the text. */
  readonly writeEvents: (answer: Answer, chunkText?: (text: string) => readonly string[]) => Iterable<StreamEvent>
  /** Our failure, in the caller's dialect. `code` is a Turnpike error code; it also goes into the message. */
  readonly writeError: (status: number, code: string, message: string) => JsonObject
  /** The same failure as an event in the middle of a stream. */
  readonly writeErrorEvent: (status: number, code: string, message: string) => StreamEvent
}
