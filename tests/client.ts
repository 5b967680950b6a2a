// A test's own HTTP client: plain node:http for answers, raw sockets where a test must see or send exact bytes.
import http from 'node:http'
import net from 'node:net'

export interface Answered {
  readonly status: number
  readonly rawHeaders: string[]
  readonly body: Buffer
  /** True when the connection broke before the answer was whole. */
  readonly broken: boolean
  readonly trailers: string[]
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
  readonly agent?: http.Agent
  readonly onData?: (bytes: Buffer, request: http.ClientRequest) => void
  readonly onRequest?: (request: http.ClientRequest) => void
}

/** Asks and waits for the end, whole or broken; rejects only when no head ever came. */
export function ask(url: string, options: AskOptions = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { hostname, port, pathname, search } = new URL(url)
    const body = options.body === undefined ? undefined : Buffer.from(options.body)
    const headers = ['host', `${hostname}:${port}`, ...(options.headers ?? [])]
    const chunked = headers.some(value => value.toLowerCase() === 'transfer-encoding')
    if (body !== undefined && !chunked) headers.push('content-length', String(body.length))
    const request = http.request({
      hostname,
      port,
      path: pathname + search,
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: headers as unknown as http.OutgoingHttpHeaders,
      agent: options.agent ?? false,
    })
    options.onRequest?.(request)
    request.on('error', reject)
    request.on('response', answer => {
      const parts: Buffer[] = []
      const done = (broken: boolean) =>
        resolve({
          status: answer.statusCode ?? 0,
          rawHeaders: answer.rawHeaders,
          body: Buffer.concat(parts),
          broken,
          trailers: answer.rawTrailers,
        })
      answer.on('data', (bytes: Buffer) => {
        parts.push(bytes)
        options.onData?.(bytes, request)
      })
      answer.on('end', () => done(!answer.complete))
      answer.on('error', () => done(true))
      answer.on('close', () => done(!answer.complete))
    })
    request.end(body)
  })
}

export function header(answered: Answered, name: string): string | null {
  const at = answered.rawHeaders.findIndex((value, index) => index % 2 === 0 && value.toLowerCase() === name)
  return at < 0 ? null : (answered.rawHeaders[at + 1] ?? null)
}

/** Sends raw bytes and returns everything that comes back until the other side closes or `until` is satisfied. */
export function askRaw(
  url: string,
  bytes: string | Buffer,
  until: (text: string) => boolean = () => false,
  timeoutMs = 5000,
): Promise<string> {
  return new Promise(resolve => {
    const { hostname, port } = new URL(url)
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(done, timeoutMs)
    socket.on('data', data => {
      text += data.toString('latin1')
      if (until(text)) done()
    })
    socket.on('error', done)
    socket.on('close', done)
  })
}

export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 5000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
}
