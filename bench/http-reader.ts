// Reads HTTP/1.1 messages off a socket for the load generator and the upstream of the benchmarks: heads, counted and chunked
// bodies, pipelined messages. Bodies pass through piece by piece. Trusts its peers: it is no parser for untrusted traffic.

export interface MessageSink {
  readonly onHead: (head: string) => void
  readonly onBody: (bytes: Buffer) => void
  readonly onEnd: () => void
}

type State = 'head' | 'counted' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers'

export interface MessageReader {
  readonly push: (bytes: Buffer) => void
  /** True between two messages. */
  readonly idle: () => boolean
}

const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')
const contentLength = /\r\ncontent-length: *(\d+)/i
const chunked = /\r\ntransfer-encoding: *chunked/i

export function createReader(sink: MessageSink): MessageReader {
  let state: State = 'head'
  let remaining = 0
  let pending: Buffer | null = null

  /** Takes what stands before `mark`; null (and the rest kept for later) when the mark has not arrived. */
  const takeUntil = (bytes: Buffer, from: number, mark: Buffer): number => {
    const at = bytes.indexOf(mark, from)
    if (at < 0 && from < bytes.length) pending = Buffer.from(bytes.subarray(from))
    return at
  }
  const beginBody = (head: string): void => {
    sink.onHead(head)
    if (chunked.test(head)) state = 'chunk-size'
    else {
      remaining = Number(contentLength.exec(head)?.[1] ?? 0)
      if (remaining === 0) sink.onEnd()
      else state = 'counted'
    }
  }
  const takeCounted = (bytes: Buffer, from: number): number => {
    const end = Math.min(bytes.length, from + remaining)
    remaining -= end - from
    sink.onBody(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end))
    return end
  }
  const step = (bytes: Buffer, from: number): number => {
    if (state === 'head') {
      const at = takeUntil(bytes, from, headEnd)
      if (at < 0) return bytes.length
      beginBody(bytes.toString('latin1', from, at))
      return at + 4
    }
    if (state === 'counted') {
      const end = takeCounted(bytes, from)
      if (remaining === 0) {
        state = 'head'
        sink.onEnd()
      }
      return end
    }
    if (state === 'chunk-data') {
      const end = takeCounted(bytes, from)
      if (remaining === 0) state = 'chunk-end'
      return end
    }
    const at = takeUntil(bytes, from, lineEnd)
    if (at < 0) return bytes.length
    if (state === 'chunk-size') {
      remaining = parseHex(bytes, from, at)
      state = remaining === 0 ? 'trailers' : 'chunk-data'
    } else if (state === 'chunk-end') state = 'chunk-size'
    else if (at === from) {
      state = 'head'
      sink.onEnd()
    }
    return at + 2
  }
  return {
    push: bytes => {
      let all = bytes
      if (pending !== null) {
        all = Buffer.concat([pending, bytes])
        pending = null
      }
      for (let at = 0; at < all.length; ) at = step(all, at)
    },
    idle: () => state === 'head' && pending === null,
  }
}

function parseHex(bytes: Buffer, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 0x3b) break // a chunk extension
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
  }
  return value
}

/** The value of a header field, by its name in any case; null when absent. */
export function fieldOf(head: string, name: string): string | null {
  const lower = head.toLowerCase()
  const at = lower.indexOf(`\r\n${name}:`)
  if (at < 0) return null
  const end = lower.indexOf('\r\n', at + 2)
  return head.slice(at + 3 + name.length, end < 0 ? undefined : end).trim()
}
