// A scriptable upstream for wire tests: raw sockets, so that a test decides every byte, reset and silence itself.
import net from 'node:net'

export interface UpstreamRequest {
  /** Head and body exactly as they arrived. */
  readonly head: string
  readonly body: Buffer
  readonly rawHeaders: string[]
  readonly target: string
  /** How many requests this connection had served before. */
  readonly served: number
  readonly trailers: string[]
}

export interface UpstreamConnection {
  readonly write: (data: string | Buffer) => void
  readonly reset: () => void
  readonly end: () => void
  readonly closed: Promise<void>
}

export interface Upstream {
  readonly url: string
  readonly requests: UpstreamRequest[]
  readonly connections: () => number
  readonly close: () => Promise<void>
}

export async function startUpstream(
  answer: (request: UpstreamRequest, connection: UpstreamConnection) => void,
): Promise<Upstream> {
  const requests: UpstreamRequest[] = []
  const sockets = new Set<net.Socket>()
  let connections = 0
  const server = net.createServer(socket => {
    connections++
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
    socket.on('close', () => sockets.delete(socket))
    let pending = Buffer.alloc(0)
    let served = 0
    socket.on('data', data => {
      pending = Buffer.concat([pending, data])
      for (let taken = takeRequest(pending, served); taken !== null; taken = takeRequest(pending, served)) {
        pending = Buffer.from(taken.rest)
        served++
        requests.push(taken.request)
        answer(taken.request, {
          write: bytes => void socket.write(bytes),
          reset: () => void socket.resetAndDestroy(),
          end: () => void socket.end(),
          closed,
        })
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    close: () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function takeRequest(pending: Buffer, served: number): { request: UpstreamRequest; rest: Buffer } | null {
  const end = pending.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = pending.subarray(0, end).toString('latin1')
  const [first = '', ...lines] = head.split('\r\n')
  const rawHeaders = lines.flatMap(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  const lower = lines.map(line => line.toLowerCase())
  const length = lower.find(line => line.startsWith('content-length:'))
  const chunked = lower.some(line => line.startsWith('transfer-encoding:') && line.includes('chunked'))
  const target = first.split(' ')[1] ?? ''
  if (chunked) {
    const read = readChunked(pending.subarray(end + 4))
    return read === null
      ? null
      : { request: { head, body: read.body, rawHeaders, target, served, trailers: read.trailers }, rest: read.rest }
  }
  const bytes = length === undefined ? 0 : Number(length.slice(15))
  if (pending.length < end + 4 + bytes) return null
  return {
    request: { head, body: pending.subarray(end + 4, end + 4 + bytes), rawHeaders, target, served, trailers: [] },
    rest: pending.subarray(end + 4 + bytes),
  }
}

function readChunked(data: Buffer): { body: Buffer; rest: Buffer; trailers: string[] } | null {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const line = data.indexOf('\r\n', at)
    if (line < 0) return null
    const size = Number.parseInt(data.subarray(at, line).toString(), 16)
    if (size === 0) {
      const end = data.indexOf('\r\n\r\n', line)
      if (end < 0) return null
      const lines = data
        .subarray(line + 2, end)
        .toString('latin1')
        .split('\r\n')
        .filter(text => text !== '')
      const trailers = lines.flatMap(text => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1).trim()])
      return { body: Buffer.concat(parts), rest: data.subarray(end + 4), trailers }
    }
    if (data.length < line + 2 + size + 2) return null
    parts.push(data.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

/** A counted answer. */
export function reply(status: string, headers: readonly string[], body: string | Buffer): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([
    Buffer.from(
      `HTTP/1.1 ${status}\r\n${headers.map(header => `${header}\r\n`).join('')}content-length: ${bytes.length}\r\n\r\n`,
    ),
    bytes,
  ])
}

/** The head of a chunked event stream. */
export const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

export const lastChunk = '0\r\n\r\n'
