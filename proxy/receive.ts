// Takes a request's body off its socket, whole: it is needed whole for the record, for routing by model and for sending it once
// more on a fresh socket. Bounded per request and over all requests: past the second bound sockets are simply not read.

import type http from 'node:http'
import { TurnpikeError } from '../core/errors.ts'

export interface Receiver {
  /** The body, or E_BODY_TOO_LARGE / E_CLIENT_ABORTED. Call `release` when the exchange is over. */
  readonly receive: (request: http.IncomingMessage) => Promise<Uint8Array>
  readonly release: (bytes: number) => void
  readonly heldBytes: () => number
}

export function createReceiver(bounds: { readonly bodyBytesMax: number; readonly totalBytesMax: number }): Receiver {
  let held = 0
  const waiting = new Set<http.IncomingMessage>()
  const release = (bytes: number): void => {
    held -= bytes
    if (held > bounds.totalBytesMax) return
    for (const request of waiting) request.resume()
    waiting.clear()
  }
  const take = (request: http.IncomingMessage, bytes: number): void => {
    held += bytes
    // One request may always go on alone, else two big ones could wait for each other for ever.
    if (held > bounds.totalBytesMax && held > bytes) {
      request.pause()
      waiting.add(request)
    }
  }
  return { receive: request => receive(request, bounds.bodyBytesMax, take, release, waiting), release, heldBytes: () => held }
}

/** Declared length of a body; null when it comes chunked or there is none. */
export function declaredLength(request: http.IncomingMessage): number | null {
  const value = request.headers['content-length']
  return value === undefined ? null : Number(value)
}

export function tooLarge(bytes: number, bytesMax: number): TurnpikeError {
  return new TurnpikeError('E_BODY_TOO_LARGE', `the request body has ${bytes} bytes or more; the proxy takes ${bytesMax}`)
}

const empty = new Uint8Array(0)

function receive(
  request: http.IncomingMessage,
  bytesMax: number,
  take: (request: http.IncomingMessage, bytes: number) => void,
  release: (bytes: number) => void,
  waiting: Set<http.IncomingMessage>,
): Promise<Uint8Array> {
  const declared = declaredLength(request)
  if (declared !== null && declared > bytesMax) return Promise.reject(tooLarge(declared, bytesMax))
  if ((declared === null || declared === 0) && request.headers['transfer-encoding'] === undefined) {
    request.resume() // lets `end` come, so that the socket can serve the next request
    return Promise.resolve(empty)
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let settled = false
    const fail = (error: TurnpikeError): void => {
      if (settled) return
      settled = true
      waiting.delete(request)
      release(bytes)
      reject(error)
    }
    request.on('data', (chunk: Buffer) => {
      if (settled) return
      bytes += chunk.length
      take(request, chunk.length)
      if (bytes > bytesMax) return fail(tooLarge(bytes, bytesMax))
      chunks.push(chunk)
    })
    request.on('end', () => {
      if (settled) return
      settled = true
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes))
    })
    const aborted = (): void =>
      fail(new TurnpikeError('E_CLIENT_ABORTED', 'the agent closed the connection before its request had arrived whole'))
    request.on('error', aborted)
    request.on('close', aborted)
  })
}
