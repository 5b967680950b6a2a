// The calling thread's side of the writer: collects what one turn of the event loop brings, posts it as one message with one
// buffer, and settles promises when the writer says what is committed. Response bytes wait here until they are old enough to save.

import { Worker } from 'node:worker_threads'
import { asTurnpikeError } from '../core/errors.ts'
import { checkpointMs } from '../core/limits.ts'
import type { ExchangeEnd, Recorder } from './_adapter.ts'
import { readFailure } from './failure-text.ts'
import { createOutbox, type Outbox, type Ticketed } from './outbox.ts'
import type { Arrived, HeadFields, WriterOptions, WriterReply } from './writer-messages.ts'

/** Bytes of one answer that wait for the next save at most; more are posted at once. */
const waitingBytesMax = 256 * 1024

export interface Writer {
  readonly recorder: Recorder
  /** Posts one message; resolves when it is committed. */
  readonly send: (message: Ticketed) => Promise<void>
  readonly close: () => Promise<void>
}

interface Running {
  chunks: Uint8Array[]
  bytes: number
  arrivals: number[]
  head: HeadFields | null
}

export async function openWriter(options: WriterOptions): Promise<Writer> {
  const worker = new Worker(threadUrl(), { workerData: options })
  await new Promise<void>((resolve, reject) => {
    worker.once('error', error => reject(asTurnpikeError(error)))
    worker.once('message', (reply: WriterReply) => (reply.kind === 'not-ready' ? reject(readFailure(reply.failure)) : resolve()))
  })
  // A thread with nothing to do must not keep the process alive.
  worker.unref()
  return createWriter(worker)
}

/** Sources run under vitest and tsx, where worker threads cannot load TypeScript: the compiled thread serves them. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../dist/store/writer-thread.js' : './writer-thread.js', import.meta.url)
}

function createWriter(worker: Worker): Writer {
  const outbox = createOutbox(worker)
  const running = new Map<string, Running>()
  const timer = setInterval(() => {
    for (const [id, answer] of running) saveRunning(outbox, id, answer)
  }, checkpointMs / 2)
  timer.unref()

  const finish = async (kind: 'end' | 'checkpoint', id: string, end: ExchangeEnd): Promise<void> => {
    const answer = running.get(id)
    const { outcome, failure, retries, endedAt } = end
    const head = describeHead(end)
    const arrived = takeArrived(outbox, answer)
    await outbox.send({ kind, id, arrived, head, outcome, failure, retries, endedAt })
    // Only now: after a failed end the caller may try again.
    if (kind === 'end') running.delete(id)
  }

  const recorder: Recorder = {
    begin: async begin => {
      const { requestHeaders, requestBody, ...rest } = begin
      running.set(begin.id, { chunks: [], bytes: 0, arrivals: [], head: null })
      try {
        await outbox.send({ kind: 'begin', ...rest, headers: requestHeaders, body: outbox.add(requestBody) })
      } catch (error) {
        running.delete(begin.id)
        throw error
      }
    },
    head: (id, head) => {
      const answer = running.get(id)
      if (answer) answer.head = describeHead(head)
    },
    append: (id, bytes, at) => {
      const answer = running.get(id)
      if (!answer) return
      answer.chunks.push(bytes)
      answer.bytes += bytes.length
      answer.arrivals.push(at, bytes.length)
      if (answer.bytes > waitingBytesMax) saveRunning(outbox, id, answer)
    },
    checkpoint: (id, soFar) => finish('checkpoint', id, soFar),
    end: (id, end) => finish('end', id, end),
    pendingBytes: outbox.pendingBytes,
  }
  return {
    recorder,
    send: outbox.send,
    close: async () => {
      clearInterval(timer)
      for (const [id, answer] of running) saveRunning(outbox, id, answer)
      await outbox.send({ kind: 'close' })
      outbox.shut()
      await worker.terminate()
    },
  }
}

function describeHead(head: Pick<ExchangeEnd, 'status' | 'responseHeaders' | 'providerRequestId' | 'firstByteAt'>): HeadFields {
  const { status, responseHeaders, providerRequestId, firstByteAt } = head
  return { status, headers: responseHeaders, providerRequestId, firstByteAt }
}

function saveRunning(outbox: Outbox, id: string, answer: Running): void {
  if (answer.bytes === 0) return
  outbox.post({ kind: 'bytes', id, arrived: takeArrived(outbox, answer), head: answer.head })
}

function takeArrived(outbox: Outbox, answer: Running | undefined): Arrived {
  if (!answer || answer.chunks.length === 0) return { bytes: [0, 0], arrivals: [] }
  const { chunks, arrivals } = answer
  answer.chunks = []
  answer.arrivals = []
  answer.bytes = 0
  const [start] = outbox.add(chunks[0] ?? new Uint8Array())
  let length = chunks[0]?.length ?? 0
  for (const chunk of chunks.slice(1)) length += outbox.add(chunk)[1]
  return { bytes: [start, length], arrivals }
}
