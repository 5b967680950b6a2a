// Plays a transmission onto a WebSocket: a frame is a message, an error document is an error event, a drip is a fragment per byte, a cut is a
// connection that ends without a close frame. It never outlives its client: when the socket goes, every wait ends at once.

import type { Socket } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { JsonObject } from '../../core/types.ts'
import type { Transmission } from './transmission.ts'

/** Resolves when everything was handed to the kernel, or the client is gone. Never rejects. */
export async function playOnSocket(
  transmission: Transmission,
  streamId: string | null,
  socket: WebSocket,
  raw: Socket,
): Promise<void> {
  const gone = new AbortController()
  const onClose = (): void => gone.abort()
  socket.once('close', onClose)
  const { dripMs } = transmission
  try {
    for (const { bytes, waitMs } of asMessages(transmission, streamId)) {
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: gone.signal })
      if (dripMs === null) await send(bytes, true, socket, gone.signal)
      else await drip(bytes, dripMs, socket, gone.signal)
    }
    if (transmission.ending === 'reset') raw.resetAndDestroy()
    else if (transmission.ending === 'cut') raw.destroySoon()
  } catch {
    socket.terminate() // the client hung up or the server closes: there is nobody to tell
  } finally {
    socket.off('close', onClose)
  }
}

/** What would be an error document over HTTP is one event here, with the status and the headers that matter. */
function asMessages({ head, frames }: Transmission, streamId: string | null): Transmission['frames'] {
  const [document] = frames
  if (head === null) return []
  if (head.status === 200 || document === undefined) return frames
  const { 'content-type': _, 'content-length': __, connection: ___, ...headers } = head.headers
  const stream = streamId === null ? {} : { stream_id: streamId }
  const body = JSON.parse(document.bytes.toString('utf8')) as JsonObject
  const bytes = Buffer.from(JSON.stringify({ type: 'error', ...stream, status: head.status, ...body, headers }))
  return [{ bytes, waitMs: document.waitMs }]
}

async function drip(bytes: Buffer, dripMs: number, socket: WebSocket, signal: AbortSignal): Promise<void> {
  for (const [index, byte] of bytes.entries()) {
    await send(Buffer.of(byte), index === bytes.length - 1, socket, signal)
    // At 0 ms still a turn of the event loop, so that each byte is a packet of its own.
    await (dripMs > 0 ? sleep(dripMs, undefined, { signal }) : setImmediate(undefined, { signal }))
  }
}

function send(bytes: Buffer, fin: boolean, socket: WebSocket, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    socket.send(bytes, { binary: false, fin }, error => (error ? reject(error) : resolve()))
  })
}
