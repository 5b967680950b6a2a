// The clients of the stream benchmark, in a process of its own: open all streams at once, note how late each stamped event comes,
// hash what arrives. One client reads nothing until the others are nearly done.
import { createHash } from 'node:crypto'
import net from 'node:net'
import { createReader } from './http-reader.ts'
import { percentile } from './statistics.ts'
import type { StreamKind } from './streams-upstream.ts'

export interface StreamsCommand {
  readonly port: number
  readonly seconds: number
  readonly slow: number
  /** Adds one fast stream and one client that does not read. */
  readonly disturbed: boolean
  readonly prefix: string
}

export interface ReceivedStream {
  readonly stream: string
  readonly kind: StreamKind
  readonly sha256: string
  readonly bytes: number
  readonly events: number
  readonly error: string | null
}

export interface StreamsResult {
  readonly streams: readonly ReceivedStream[]
  /** Of all events of the slow streams. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** The slow stream whose events were latest on average, and how late. */
  readonly worstStreamMeanMs: number
  readonly events: number
}

const delays: number[] = []
const means: number[] = []

function receive(command: StreamsCommand, stream: string, kind: StreamKind): Promise<ReceivedStream> {
  const hash = createHash('sha256')
  let [bytes, events, delaySum, text] = [0, 0, 0, '']
  const readEvents = (chunk: Buffer): void => {
    const now = process.hrtime.bigint()
    text += chunk.toString('latin1')
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const stamp = /"at":"(\d+)"/.exec(text.slice(0, end))?.[1]
      text = text.slice(end + 2)
      if (stamp === undefined) continue
      events++
      const ms = Number(now - BigInt(stamp)) / 1e6
      delaySum += ms
      if (kind === 'slow') delays.push(ms)
    }
  }
  return new Promise(resolve => {
    let over = false
    const socket = net.connect({ port: command.port, host: '127.0.0.1', noDelay: true })
    const end = (error: string | null): void => {
      if (over) return
      over = true
      if (kind === 'slow') means.push(delaySum / Math.max(1, events))
      resolve({ stream, kind, sha256: hash.digest('hex'), bytes, events, error })
      socket.destroy()
    }
    const reader = createReader({
      onHead: head => {
        if (!head.startsWith('HTTP/1.1 200')) end(`answer: ${head.slice(0, 40)}`)
        if (kind !== 'large') return
        socket.pause()
        setTimeout(() => socket.resume(), command.seconds * 800)
      },
      onBody: chunk => {
        hash.update(chunk)
        bytes += chunk.length
        readEvents(chunk)
      },
      onEnd: () => end(null),
    })
    socket.on('data', reader.push)
    socket.on('error', error => end(error.message))
    socket.on('close', () => end('the connection was closed before the stream had ended'))
    const body = `{"model":"bench-model","stream":true,"messages":[{"role":"user","content":"${stream}"}]}`
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-session-id: ${stream}\r\nx-bench-stream: ${stream}\r\nx-bench-kind: ${kind}\r\nx-bench-seconds: ${command.seconds}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

async function runStreams(command: StreamsCommand): Promise<StreamsResult> {
  delays.length = 0
  means.length = 0
  const slow = Array.from({ length: command.slow }, (_, index) => receive(command, `${command.prefix}-slow-${index}`, 'slow'))
  const others: Array<Promise<ReceivedStream>> = []
  if (command.disturbed)
    others.push(receive(command, `${command.prefix}-fast-0`, 'fast'), receive(command, `${command.prefix}-large-0`, 'large'))
  const streams = await Promise.all([...slow, ...others])
  const sorted = Float64Array.from(delays).sort()
  return {
    streams,
    delayMs: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
    worstStreamMeanMs: Math.max(...means),
    events: sorted.length,
  }
}

process.on('message', (command: StreamsCommand) => {
  runStreams(command).then(
    result => process.send?.({ result }),
    error => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
