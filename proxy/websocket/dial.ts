// Opens one WebSocket to an upstream with `ws`: the caller's header fields in their order and case, the handshake's own first, the path as
// it was asked. No timeouts, no redirects, no answers of our own. Tells a refusal from a failure; knows nothing of messages.

import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { TurnpikeError } from '../../core/errors.ts'
import { socketCloseMs } from '../../core/limits.ts'
import type { HeaderList } from '../../core/types.ts'
import type { UpstreamHead } from '../forward.ts'
import { pairHeaders } from '../headers.ts'
import type { Link, LinkEvents, Linker, LinkRequest, SocketEnd } from './link.ts'
import { wrapSocket } from './socket-end.ts'

/** Refusals are short; of a longer one this much is passed on. */
const refusalBytesMax = 4 * 1024 * 1024

export interface LinkerOptions {
  /** Largest message taken from an upstream; a larger one ends the socket with 1009. */
  readonly messageBytesMax: number
  /** The HTTP agent to connect with ; absent: directly, with Node's own authorities. */
  readonly agentOf?: (origin: URL) => Agent | undefined
}

export function createLinker(options: LinkerOptions): Linker {
  return { open: (request, events) => dial(request, events, options) }
}

function dial(request: LinkRequest, events: LinkEvents, options: LinkerOptions): Link {
  const state: { end: SocketEnd | null; connected: boolean; over: boolean } = { end: null, connected: false, over: false }
  const settle = (then: () => void): void => {
    if (state.over || state.end !== null) return
    state.over = true
    then()
  }
  const settings = {
    agent: options.agentOf?.(request.origin),
    perMessageDeflate: request.compression,
    maxPayload: options.messageBytesMax,
    skipUTF8Validation: true,
    autoPong: false,
    followRedirects: false,
    closeTimeout: socketCloseMs,
    finishRequest: (outgoing: ClientRequest) => {
      outgoing.on('socket', connection => {
        state.connected = !connection.connecting // the way through a proxy is connected when it comes
        connection.once(request.origin.protocol === 'https:' ? 'secureConnect' : 'connect', () => (state.connected = true))
      })
      sendHandshake(outgoing, request)
    },
  }
  const socket = new WebSocket(addressOf(request), [...request.subprotocols], settings)
  const stage = (): 'connect' | 'handshake' => (state.connected ? 'handshake' : 'connect')
  socket.on('upgrade', answer => {
    if (!state.over) openLink(socket, answer, events, end => (state.end = end))
  })
  socket.on('unexpected-response', (_, answer) => readRefusal(answer, events, settle))
  socket.on('error', error => settle(() => events.onUnreachable({ stage: stage(), error })))
  return {
    send: message => state.end?.send(message),
    ping: data => state.end?.ping(data),
    pong: data => state.end?.pong(data),
    close: (code, reason) => state.end?.close(code, reason),
    terminate: () => {
      state.over = true
      if (state.end === null) socket.terminate()
      else state.end.terminate()
    },
    pause: () => state.end?.pause(),
    resume: () => state.end?.resume(),
    bufferedBytes: () => state.end?.bufferedBytes() ?? 0,
  }
}

function addressOf({ origin, target }: LinkRequest): string {
  return `${origin.protocol === 'https:' ? 'wss:' : 'ws:'}//${origin.host}${target}`
}

/** Replaces the header object of `ws` by our list; it keeps the fields it needs for itself. */
function sendHandshake(outgoing: ClientRequest, { target, headers }: LinkRequest): void {
  const own = outgoing.getRawHeaderNames().filter(name => /^(sec-websocket-|connection$|upgrade$)/i.test(name))
  const handshake = own.map(name => [name, String(outgoing.getHeader(name))] as const)
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
  for (const [name, values] of groupHeaders([...headers.slice(0, 1), ...handshake, ...headers.slice(1)]))
    outgoing.setHeader(name, values)
  outgoing.path = target // as the agent wrote it: a URL normalises
  outgoing.end()
}

/** Values of fields that come more than once stand together: node:http keeps no other order. */
function groupHeaders(headers: HeaderList): Array<readonly [name: string, values: string[]]> {
  const groups = new Map<string, readonly [string, string[]]>()
  for (const [name, value] of headers) {
    const group = groups.get(name.toLowerCase())
    if (group === undefined) groups.set(name.toLowerCase(), [name, [value]])
    else group[1].push(value)
  }
  return [...groups.values()]
}

function headOf(answer: IncomingMessage): UpstreamHead {
  return {
    status: answer.statusCode ?? 502,
    statusText: answer.statusMessage ?? '',
    headers: pairHeaders(answer.rawHeaders),
  }
}

/** `ws` has yet to check the answer: the link is open when it says so, and messages may follow in the same tick. */
function openLink(socket: WebSocket, answer: IncomingMessage, events: LinkEvents, opened: (end: SocketEnd) => void): void {
  const raw: Duplex = answer.socket
  const head = headOf(answer)
  socket.once('open', () => {
    opened(wrapSocket(socket, raw, events))
    events.onOpen(head)
  })
}

function readRefusal(answer: IncomingMessage, events: LinkEvents, settle: (then: () => void) => void): void {
  const connection = answer.socket
  const parts: Buffer[] = []
  let bytes = 0
  const refuse = (): void =>
    settle(() => {
      events.onRefused(headOf(answer), Buffer.concat(parts))
      connection.destroy() // kept for the next handshake, it might be stale by then
    })
  answer.on('data', (part: Buffer) => {
    parts.push(part)
    bytes += part.length
    if (bytes > refusalBytesMax) refuse()
  })
  answer.on('end', refuse)
  const lost = (error: Error): void => settle(() => events.onUnreachable({ stage: 'handshake', error }))
  answer.on('error', lost)
  const cut = 'the upstream closed the connection in the middle of its refusal'
  answer.on('close', () => lost(new TurnpikeError('E_UPSTREAM_CUT', cut)))
}
