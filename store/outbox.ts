// Messages on their way to the writer thread: those of one turn of the event loop travel together, with all their bytes in one
// buffer. Buffers come back with the answer and are filled again, so that large bodies cost a copy and no fresh memory.

import type { Worker } from 'node:worker_threads'
import { TurnpikeError } from '../core/errors.ts'
import { readFailure } from './failure-text.ts'
import type { Span, Tick, WriterMessage, WriterReply } from './writer-messages.ts'

/** Memory kept for coming ticks. */
const pooledBytesMax = 32 * 1024 * 1024

const bufferBytesMin = 64 * 1024

/** Distributive Omit: keeps the message kinds apart. */
type Untitled<M> = M extends unknown ? Omit<M, 'ticket'> : never
export type Ticketed = Untitled<Extract<WriterMessage, { ticket: number }>>

export interface Outbox {
  /** Bytes for a message of this tick; they are copied when the tick ends. */
  readonly add: (bytes: Uint8Array) => Span
  readonly post: (message: WriterMessage) => void
  readonly send: (message: Ticketed) => Promise<void>
  /** Bytes posted that the writer has not worked off yet. */
  readonly pendingBytes: () => number
  readonly shut: () => void
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: TurnpikeError) => void
}

export function createOutbox(worker: Worker): Outbox {
  const waiting = new Map<number, Waiting>()
  let broken: TurnpikeError | null = null
  let messages: WriterMessage[] = []
  let parts: Uint8Array[] = []
  let partBytes = 0
  let nextTicket = 1
  const backlog = createBacklog()
  const buffers = createBufferPool()

  const flush = (): void => {
    if (messages.length === 0) return
    // Copied rather than transferred: the caller goes on forwarding the same bytes.
    const buffer = buffers.take(partBytes)
    const view = new Uint8Array(buffer)
    let offset = 0
    for (const part of parts) {
      view.set(part, offset)
      offset += part.length
    }
    const tick: Tick = { bytes: buffer, messages: JSON.stringify(messages) }
    backlog.posted(partBytes)
    messages = []
    parts = []
    partBytes = 0
    worker.postMessage(tick, [buffer])
  }
  const post = (message: WriterMessage): void => {
    messages.push(message)
    if (messages.length === 1) setImmediate(flush)
  }
  const settle = (ticket: number, error: TurnpikeError | null): void => {
    const promise = waiting.get(ticket)
    if (!waiting.delete(ticket)) return
    if (waiting.size === 0) worker.unref()
    if (error) promise?.reject(error)
    else promise?.resolve()
  }
  const breakDown = (cause: unknown): void => {
    broken ??= new TurnpikeError('E_RECORD_FAILED', 'the writer thread of the store has ended', { cause })
    for (const ticket of [...waiting.keys()]) settle(ticket, broken)
  }
  worker.on('message', (reply: WriterReply) => {
    if (reply.kind !== 'done') return
    for (const buffer of reply.buffers) {
      buffers.give(buffer)
      backlog.workedOff()
    }
    for (const ticket of reply.tickets) settle(ticket, null)
    for (const [ticket, failure] of reply.failed) settle(ticket, readFailure(failure))
  })
  worker.on('error', breakDown)
  worker.on('exit', breakDown)
  return {
    post,
    add: bytes => {
      const start = partBytes
      parts.push(bytes)
      partBytes += bytes.length
      return [start, bytes.length]
    },
    send: message => {
      if (broken) return Promise.reject(broken)
      return new Promise((resolve, reject) => {
        const ticket = nextTicket++
        if (waiting.size === 0) worker.ref()
        waiting.set(ticket, { resolve, reject })
        post({ ...message, ticket })
      })
    },
    pendingBytes: backlog.bytes,
    shut: () => {
      broken = new TurnpikeError('E_RECORD_FAILED', 'the store is closed')
    },
  }
}

/** Bytes of the ticks on their way, oldest first: the writer answers in order. */
function createBacklog() {
  const ticks: number[] = []
  let total = 0
  return {
    posted: (bytes: number): void => {
      ticks.push(bytes)
      total += bytes
    },
    workedOff: (): void => {
      total -= ticks.shift() ?? 0
    },
    bytes: () => total,
  }
}

interface BufferPool {
  /** Of at least so many bytes; what is in them is left over from before. */
  readonly take: (bytes: number) => ArrayBuffer
  readonly give: (buffer: ArrayBuffer) => void
}

function createBufferPool(): BufferPool {
  const free: ArrayBuffer[] = []
  let pooledBytes = 0
  return {
    take: bytes => {
      const at = free.findLastIndex(buffer => buffer.byteLength >= bytes)
      const [found] = at < 0 ? [] : free.splice(at, 1)
      if (found) {
        pooledBytes -= found.byteLength
        return found
      }
      // A quarter more: the next body of a conversation is a little longer than the last.
      return Buffer.allocUnsafeSlow(Math.max(bufferBytesMin, Math.ceil(bytes * 1.25))).buffer
    },
    give: buffer => {
      if (pooledBytes + buffer.byteLength > pooledBytesMax) return
      pooledBytes += buffer.byteLength
      free.push(buffer)
    },
  }
}
