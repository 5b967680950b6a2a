// The contract of a WebSocket to an upstream: what forward.ts is for requests. Layers (replay, faults) wrap a linker as they wrap a
// forwarder. Whole messages pass, never frames; nothing behind it records or routes a message. Types only; dial.ts opens real sockets.

import type { ErrorCode } from '../../core/errors.ts'
import type { HeaderList } from '../../core/types.ts'
import type { ForwardedExchange, UpstreamHead } from '../forward.ts'

/** One message, its fragments joined and its compression undone. */
export interface SocketMessage {
  readonly payload: Buffer
  /** False for a text message. Its bytes are passed as they came, valid UTF-8 or not. */
  readonly binary: boolean
}

/** One end of an open WebSocket. All members may be called at any time; on a socket that is gone they do nothing. */
export interface SocketEnd {
  readonly send: (message: SocketMessage) => void
  readonly ping: (data: Buffer) => void
  readonly pong: (data: Buffer) => void
  /** Begins the closing handshake; null = a close frame without a status. An end that does not answer it is cut after a moment. */
  readonly close: (code: number | null, reason: Buffer) => void
  /** Ends without a closing handshake: what was sent still arrives, then the connection breaks. */
  readonly terminate: () => void
  /** No more messages, pings and closes until `resume`, but for what was already read. */
  readonly pause: () => void
  readonly resume: () => void
  /** Sent bytes that the other side has not taken yet. */
  readonly bufferedBytes: () => number
}

/** What happens at an end, in order; exactly one of onClose and onLost is last. After `terminate` nothing more. */
export interface SocketEvents {
  readonly onMessage: (message: SocketMessage) => void
  readonly onPing: (data: Buffer) => void
  readonly onPong: (data: Buffer) => void
  /** Something sent has left: `bufferedBytes` is smaller now. */
  readonly onSent: () => void
  /** A closing handshake; `code` null = without a status. */
  readonly onClose: (code: number | null, reason: Buffer) => void
  /** The connection is gone without one. */
  readonly onLost: (error: Error) => void
}

export interface LinkRequest {
  /** The upgrade itself, an exchange of method GET; each message is one of its own. */
  readonly exchange: ForwardedExchange
  /** http: or https:, as routes have it. */
  readonly origin: URL
  /** Path and query exactly as they shall be asked. */
  readonly target: string
  /** Without the fields of the handshake itself (connection, upgrade, sec-websocket-*). */
  readonly headers: HeaderList
  readonly subprotocols: readonly string[]
  /** The agent offered permessage-deflate. */
  readonly compression: boolean
}

/** First exactly one of onOpen, onRefused and onUnreachable; after onOpen the events of the open socket. After `terminate` nothing more. */
export interface LinkEvents extends SocketEvents {
  /** The upstream's 101, with the subprotocol and extensions it chose in the headers. */
  readonly onOpen: (head: UpstreamHead) => void
  /** Any other answer to the handshake, whole. */
  readonly onRefused: (head: UpstreamHead, body: Buffer) => void
  /** `connect`: nobody answered; `handshake`: connected, then lost or answered with something that is no WebSocket. */
  readonly onUnreachable: (failure: { readonly stage: 'connect' | 'handshake'; readonly error: Error }) => void
}

/** A WebSocket to an upstream, open or opening; before onOpen only `terminate` may be called. */
export interface Link extends Omit<SocketEnd, 'send'> {
  /** `exchange` is the one this message begins: method WS, its payload as body, the turn and attempt it was asked in. */
  readonly send: (message: SocketMessage, exchange: ForwardedExchange) => void
  /** What a layer did on purpose to the answer of an exchange; recorded as its failure when nothing else failed. Absent or null: nothing. */
  readonly note?: (exchangeId: string) => { readonly code: ErrorCode; readonly message: string } | null
}

export interface Linker {
  /** Throws when the request cannot be sent at all (a header or path Node refuses). No event comes before it has returned. */
  readonly open: (request: LinkRequest, events: LinkEvents) => Link
}

/** Wraps a linker: answers itself (and then its pings too), changes what passes, or hands the request on. */
export type LinkLayer = (next: Linker) => Linker
