// How bytes are forwarded: node:http(s) clients with pooled sockets, no timeouts, aborts both ways; the contract of forwarding too.
// A POST that dies on a stale pooled socket before the first response byte is sent once more on a fresh one.
// Never alters a body byte, never ends a broken answer cleanly (decision 0003 says why no proxy library sits here).

import http from 'node:http'
import https from 'node:https'
import type { ErrorCode } from '../core/errors.ts'
import type { HeaderList, Scope } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { type Connections, hostOf, portOf, proxyCredential } from './forward-connections.ts'
import { flattenHeaders, pairHeaders } from './headers.ts'

/** Which exchange a request belongs to, for the layers that wrap a forwarder (replay, faults, budgets, retries). */
export interface ForwardedExchange {
  readonly id: string
  readonly scope: Scope
  readonly turn: number | null
  readonly attempt: number | null
  readonly protocol: ProtocolAdapter | null
  /** Name of the route, see routes.ts. */
  readonly route: string
  /** As the agent asked: after the attribution prefix, before a route changed anything. */
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HeaderList
  readonly body: Uint8Array
  /** Strings to mask in anything that is recorded of it. */
  readonly secrets?: readonly string[]
}

export interface RetryPolicy {
  /** How often a request is sent in all. */
  readonly attempts: number
  /** Statuses after which it is sent again; `connection`: also when no answer came at all. */
  readonly on: ReadonlyArray<number | 'connection'>
  /** Pause before the second attempt; it doubles from then on, up to the second figure. */
  readonly backoffMs: number
  readonly backoffMaxMs: number
}

export interface ForwardRequest {
  readonly exchange: ForwardedExchange
  readonly origin: URL
  readonly method: string
  /** Path and query exactly as they shall be asked. */
  readonly target: string
  readonly headers: HeaderList
  readonly body: Uint8Array
  readonly trailers: HeaderList
  /** 2: over HTTP/2. Absent or 1: HTTP/1.1. */
  readonly http?: 1 | 2
  /** Signs it before it is sent, see sigv4.ts. */
  readonly signer?: RequestSigner
  /** When it may be sent again; absent: never. */
  readonly retry?: RetryPolicy
}

/** Signs a request over exactly what is sent. */
export interface RequestSigner {
  readonly sign: (request: ForwardRequest, at?: Date) => Promise<ForwardRequest>
}

export interface UpstreamHead {
  readonly status: number
  readonly statusText: string
  readonly headers: HeaderList
}

/** What happens upstream, in this order: onHead, onData*, then exactly one of onEnd or onFailure. After `abort` nothing more. */
export interface ForwardEvents {
  readonly onHead: (head: UpstreamHead) => void
  readonly onData: (bytes: Buffer) => void
  readonly onEnd: (trailers: HeaderList) => void
  /** `stage`: could not connect, lost before the head, lost in the middle of the answer. */
  readonly onFailure: (failure: { readonly stage: 'connect' | 'before-head' | 'mid-answer'; readonly error: Error }) => void
}

export interface Forwarding {
  readonly pause: () => void
  readonly resume: () => void
  /** Closes the upstream connection at once; no further event follows. */
  readonly abort: () => void
  readonly retries: () => number
  /** What a layer did to the answer on purpose (an injected fault); recorded as the failure when nothing else failed. Absent or null: nothing. */
  readonly note?: () => { readonly code: ErrorCode; readonly message: string } | null
}

/** Wraps a forwarder: answers itself, changes what passes, or hands the request on. */
export type ForwardLayer = (next: Forwarder) => Forwarder

export interface Forwarder {
  readonly forward: (request: ForwardRequest, events: ForwardEvents) => Forwarding
  readonly close: () => void
}

const lostSocket = new Set(['ECONNRESET', 'EPIPE'])

/** Over HTTP/1.1. */
export function forwardHttp1(connections: Connections, request: ForwardRequest, events: ForwardEvents): Forwarding {
  const state: { current: http.ClientRequest | null; answer: http.IncomingMessage | null; retries: number; over: boolean } = {
    current: null,
    answer: null,
    retries: 0,
    over: false,
  }
  const fail = (stage: 'connect' | 'before-head' | 'mid-answer', error: Error): void => {
    if (state.over) return
    state.over = true
    events.onFailure({ stage, error })
  }
  const send = (fresh: boolean): void => {
    const outgoing = openRequest(connections, request, fresh)
    let connected = false
    state.current = outgoing
    outgoing.on('socket', socket => {
      connected = !socket.connecting
      if (!connected) socket.once(request.origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => (connected = true))
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (state.over || state.answer !== null) return
      if (outgoing.reusedSocket && lostSocket.has(error.code ?? '') && state.retries === 0) {
        state.retries++
        send(true)
      } else fail(connected ? 'before-head' : 'connect', error)
    })
    outgoing.on('response', answer => {
      state.answer = answer
      relay(answer, events, state, fail)
    })
    for (const [name, value] of request.trailers) outgoing.addTrailers([[name, value]])
    outgoing.end(request.body)
  }
  send(false)
  return {
    pause: () => state.answer?.pause(),
    resume: () => state.answer?.resume(),
    abort: () => {
      state.over = true
      state.current?.destroy()
    },
    retries: () => state.retries,
  }
}

function openRequest(connections: Connections, request: ForwardRequest, fresh: boolean): http.ClientRequest {
  const { origin } = request
  const { agent, relay } = connections.wayTo(origin, fresh)
  const headers = relay === null ? request.headers : [...request.headers, ...proxyCredential(relay)]
  const options = {
    protocol: (relay ?? origin).protocol,
    hostname: hostOf(relay ?? origin),
    port: portOf(relay ?? origin),
    method: request.method,
    path: relay === null ? request.target : `${origin.protocol}//${origin.host}${request.target}`,
    // A flat list keeps case, order and duplicates; the types know only objects.
    headers: flattenHeaders(headers) as unknown as http.OutgoingHttpHeaders,
    agent,
    setHost: false,
  } as const
  return options.protocol === 'https:' ? https.request(options) : http.request(options)
}

function relay(
  answer: http.IncomingMessage,
  events: ForwardEvents,
  state: { over: boolean },
  fail: (stage: 'mid-answer', error: Error) => void,
): void {
  answer.on('data', (bytes: Buffer) => {
    if (!state.over) events.onData(bytes)
  })
  answer.on('end', () => {
    if (state.over) return
    state.over = true
    events.onEnd(pairHeaders(answer.rawTrailers))
  })
  answer.on('error', error => fail('mid-answer', error))
  answer.on('close', () => {
    if (!answer.complete)
      fail('mid-answer', Object.assign(new Error('the upstream closed the connection in mid-answer'), { code: 'ECONNRESET' }))
  })
  events.onHead({
    status: answer.statusCode ?? 502,
    statusText: answer.statusMessage ?? '',
    headers: pairHeaders(answer.rawHeaders),
  })
}
