// Takes a request's body off its socket, whole: it is needed whole for the record, for routing by model and for sending it once
// more on a fresh socket. Bounded per request and over all requests: past the second bound a request waits its turn unread.

import type http from 'node:http'
import { TurnpikeError } from '../core/errors.ts'

export interface Receiver {
  /** The body, or E_BODY_TOO_LARGE / E_CLIENT_ABORTED. Call `release` with its length when the exchange is over. */
  readonly receive: (request: http.IncomingMessage) => Promise<Uint8Array>
  readonly release: (bytes: number) => void
  readonly heldBytes: () => number
}

export interface ReceiverBounds {
  readonly bodyBytesMax: number
  readonly totalBytesMax: number
}

/** What a chunked body is taken to need before its length is known. */
const chunkedGuessBytes = 4 * 1024 * 1024

const empty = new Uint8Array(0)

export function createReceiver(bounds: ReceiverBounds): Receiver {
  const room = createRoom(bounds.totalBytesMax)
  return {
    receive: async request => {
      const declared = declaredLength(request)
      if (declared !== null && declared > bounds.bodyBytesMax) throw tooLarge(declared, bounds.bodyBytesMax)
      if (!declared && request.headers['transfer-encoding'] === undefined) {
        request.resume() // lets `end` come, so that the socket can serve the next request
        return empty
      }
      const reserved = declared ?? Math.min(chunkedGuessBytes, bounds.bodyBytesMax)
      await room.enter(request, reserved)
      try {
        const body = await collect(request, bounds.bodyBytesMax)
        room.change(body.length - reserved)
        return body
      } catch (error) {
        room.change(-reserved)
        throw error
      }
    },
    release: bytes => room.change(-bytes),
    heldBytes: room.held,
  }
}

/** Declared length of a body; null when it comes chunked or there is none. */
export function declaredLength(request: http.IncomingMessage): number | null {
  const value = request.headers['content-length']
  return value === undefined ? null : Number(value)
}

export function tooLarge(bytes: number, bytesMax: number): TurnpikeError {
  return new TurnpikeError('E_BODY_TOO_LARGE', `the request body has ${bytes} bytes or more; the proxy takes ${bytesMax}`)
}

function aborted(): TurnpikeError {
  return new TurnpikeError('E_CLIENT_ABORTED', 'the agent closed the connection before its request had arrived whole')
}

/** Memory shared by all requests: entered in order of arrival, and always by one alone, however large it is. */
function createRoom(bytesMax: number) {
  let held = 0
  const waiting: Array<{ readonly bytes: number; readonly enter: () => void }> = []
  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined && (held === 0 || held + next.bytes <= bytesMax); next = waiting[0]) {
      waiting.shift()
      held += next.bytes
      next.enter()
    }
  }
  const enter = (request: http.IncomingMessage, bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        const place = waiting.indexOf(entry)
        if (place >= 0) waiting.splice(place, 1)
        reject(aborted())
      }
      const entry = {
        bytes,
        enter: () => {
          request.off('close', leave)
          resolve()
        },
      }
      request.on('close', leave)
      waiting.push(entry)
      admit()
    })
  const change = (bytes: number): void => {
    held += bytes
    if (bytes < 0) admit()
  }
  return { enter, change, held: () => held }
}

function collect(request: http.IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let settled = false
    const fail = (error: () => TurnpikeError): void => {
      // Every request closes in the end: an error made for nothing costs more than the rest of this function.
      if (settled) return
      settled = true
      reject(error())
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) fail(() => tooLarge(bytes, bytesMax))
      else chunks.push(chunk)
    })
    request.on('end', () => {
      settled = true
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes))
    })
    request.on('error', () => fail(aborted))
    request.on('close', () => fail(aborted))
    if (request.destroyed) fail(aborted)
  })
}
