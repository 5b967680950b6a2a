// The agent's side of a handshake: the 101 in one write, with the upstream's own header fields, subprotocol and compression; or any other
// answer on a socket that HTTP has already given up. Uses `ws` for frames; knows nothing of upstreams or records.

import http from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { socketCloseMs } from '../../core/limits.ts'
import type { HeaderList } from '../../core/types.ts'
import type { UpstreamHead } from '../forward.ts'
import { downstreamHeaders, flattenHeaders, headerValue } from '../headers.ts'

/** A request to upgrade, as node hands it over: `head` are the first bytes behind it. */
export interface Upgrade {
  readonly request: http.IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Frames sent before the 101 are against the protocol; a few are taken for haste, more for an attack. */
const earlyBytesMax = 64 * 1024

/**
 * Tells when the agent goes away while its upgrade is under way: HTTP no longer reads the socket, and an end that nobody reads is not seen.
 * The function returned ends the watch and gives the upgrade back, with what was read meanwhile.
 */
export function watchAgent({ request, socket, head }: Upgrade, onGone: () => void): () => Upgrade {
  const parts = [head]
  let bytes = head.length
  const onData = (part: Buffer): void => {
    parts.push(part)
    bytes += part.length
    if (bytes > earlyBytesMax) socket.destroy()
  }
  const onEnd = (): void => void socket.destroy()
  socket.on('data', onData).once('end', onEnd).once('close', onGone)
  return () => {
    socket.off('data', onData).off('end', onEnd).off('close', onGone).pause()
    return { request, socket, head: Buffer.concat(parts) }
  }
}

/** Calls back once; never, when `ws` finds a flaw in the handshake and refuses it. */
export function acceptUpgrade(
  { request, socket, head }: Upgrade,
  upstream: UpstreamHead,
  messageBytesMax: number,
  opened: (socket: WebSocket) => void,
): void {
  const compression = /permessage-deflate/i.test(headerValue(upstream.headers, 'sec-websocket-extensions') ?? '')
  const subprotocol = headerValue(upstream.headers, 'sec-websocket-protocol') ?? false
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: compression,
    maxPayload: messageBytesMax,
    skipUTF8Validation: true,
    autoPong: false,
    closeTimeout: socketCloseMs,
    handleProtocols: () => subprotocol,
  }
  const server = new WebSocketServer(settings)
  const fields = downstreamHeaders(upstream.headers).filter(([name]) => !/^sec-websocket-/i.test(name))
  server.on('headers', lines => lines.push(...fields.map(([name, value]) => `${name}: ${value}`)))
  server.handleUpgrade(request, socket, head, agent => {
    opened(agent)
    socket.resume() // the watch has paused it, and a new listener alone does not undo that
  })
}

/** An answer that is no WebSocket; the connection is closed behind it. */
export function answerUpgrade(
  { request, socket }: Upgrade,
  answer: { readonly status: number; readonly statusText?: string; readonly headers: HeaderList; readonly body: Buffer },
): void {
  if (socket.destroyed) return
  const response = new http.ServerResponse(request)
  const fields = answer.headers.filter(([name]) => !/^(connection|keep-alive|content-length|transfer-encoding)$/i.test(name))
  response.sendDate = false
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  // An answer to an upgrade always has a body's length: the agent must not wait for the close to see its end.
  const headers = flattenHeaders([...fields, ['content-length', String(answer.body.length)], ['connection', 'close']])
  response.writeHead(answer.status, answer.statusText, headers)
  response.end(answer.body, () => leave(socket))
}

/** Unread bytes would turn the end into a reset that overtakes the answer, and an agent that stays must not keep the socket. */
function leave(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), socketCloseMs)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  socket.end()
}
