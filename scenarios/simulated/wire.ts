// Plays a transmission onto a response: waits, writes with back-pressure, ends or breaks the connection. The only place that
// touches a response. It never outlives its client: when the socket goes, every wait ends at once.

import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { Transmission } from './transmission.ts'

/** Resolves when everything was handed to the kernel, or the client is gone. Never rejects. */
export async function playTransmission(transmission: Transmission, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  response.once('close', onClose)
  if (response.destroyed) onClose()
  try {
    await playFrames(transmission, response, gone.signal)
    await finish(transmission, response, gone.signal)
  } catch {
    // The client hung up or the server closes: there is nobody to tell.
    response.destroy()
  } finally {
    response.off('close', onClose)
  }
}

async function playFrames({ head, frames, dripMs }: Transmission, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const [first] = frames
  // Real providers send the head when the model begins to answer, not before.
  if (first && first.waitMs > 0) await sleep(first.waitMs, undefined, { signal })
  if (head === null) return
  response.writeHead(head.status, head.headers)
  for (const [index, frame] of frames.entries()) {
    if (index > 0 && frame.waitMs > 0) await sleep(frame.waitMs, undefined, { signal })
    if (dripMs === null) await writeBytes(frame.bytes, response, signal)
    else await dripBytes(frame.bytes, dripMs, response, signal)
  }
}

async function writeBytes(bytes: Buffer, response: ServerResponse, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!response.write(bytes)) await until(done => response.once('drain', done), signal)
}

async function dripBytes(bytes: Buffer, dripMs: number, response: ServerResponse, signal: AbortSignal): Promise<void> {
  for (const byte of bytes) {
    await until(done => response.write(Buffer.of(byte), done), signal)
    // At 0 ms still a turn of the event loop, so that each byte is a packet of its own.
    await (dripMs > 0 ? sleep(dripMs, undefined, { signal }) : setImmediate(undefined, { signal }))
  }
}

async function finish({ head, ending }: Transmission, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { socket } = response
  if (ending === 'end') return until(done => response.end(done), signal)
  if (ending === 'reset') {
    socket?.resetAndDestroy()
    return
  }
  // What passed before the cut must reach the client: wait for the kernel to have it.
  if (head !== null) response.flushHeaders()
  await until(done => socket?.write('', done), signal)
  socket?.destroy()
}

/** Waits for `start` to call back, or rejects when the client goes. */
function until(start: (done: () => void) => void, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    start(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
