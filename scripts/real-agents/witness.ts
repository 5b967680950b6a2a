// Stands on either side of the proxy, passes everything on, and keeps a copy of what passed: the copies are held against the record.
// Also the dead end: an HTTPS proxy that lets nobody out and remembers where they wanted to go.

import http from 'node:http'
import net, { type AddressInfo } from 'node:net'

export interface Witnessed {
  readonly method: string
  readonly path: string
  readonly request: Buffer
  readonly status: () => number | null
  readonly answer: () => Buffer
  /** Whether the answer came to its end; a client may leave after the part it wanted. */
  readonly whole: () => boolean
}

export interface Witness {
  readonly url: string
  readonly seen: readonly Witnessed[]
  /** Upgraded connections, and how the other side answered. */
  readonly upgrades: ReadonlyArray<{ readonly path: string; readonly status: () => string }>
  readonly close: () => void
}

export async function startWitness(target: string): Promise<Witness> {
  const seen: Witnessed[] = []
  const upgrades: Array<{ path: string; status: () => string }> = []
  const { hostname, port } = new URL(target)
  const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (bytes: Buffer) => parts.push(bytes))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      const answered: Buffer[] = []
      let status: number | null = null
      let whole = false
      seen.push({
        method: request.method ?? '',
        path: request.url ?? '',
        request: body,
        status: () => status,
        answer: () => Buffer.concat(answered),
        whole: () => whole,
      })
      const { method, url: path, rawHeaders: headers } = request
      const outgoing = http.request({ hostname, port, method, path, headers: headers as never, setHost: false }, answer => {
        status = answer.statusCode ?? null
        answer.on('data', (bytes: Buffer) => answered.push(bytes))
        answer.on('end', () => {
          whole = true
        })
        answer.on('close', () => {
          if (!answer.complete) response.destroy()
        })
        response.writeHead(answer.statusCode ?? 500, answer.rawHeaders)
        answer.pipe(response)
      })
      outgoing.on('error', () => response.destroy())
      response.on('close', () => outgoing.destroy())
      outgoing.end(body)
    })
  })
  server.on('upgrade', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    let status = ''
    upgrades.push({ path: request.url ?? '', status: () => status })
    const onward = net.connect(Number(port), hostname)
    const lines = request.rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [`${name}: ${request.rawHeaders[index + 1]}`] : [],
    )
    onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.once('data', (bytes: Buffer) => {
      status = bytes.toString('latin1').slice(9, 12)
    })
    for (const end of [socket, onward]) end.on('error', () => undefined)
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.pipe(onward)
    onward.pipe(socket)
  })
  const url = await listen(server)
  return {
    url,
    seen,
    upgrades,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

export interface DeadEnd {
  readonly url: string
  readonly wanted: ReadonlySet<string>
  readonly close: () => void
}

export async function startDeadEnd(): Promise<DeadEnd> {
  const wanted = new Set<string>()
  const server = http.createServer((request, response) => {
    wanted.add(request.url ?? '')
    response.writeHead(403).end()
  })
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    wanted.add((request.url ?? '').replace(/:443$/, ''))
    socket.on('error', () => undefined)
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  })
  const url = await listen(server)
  return {
    url,
    wanted,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

export async function listen(server: http.Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
