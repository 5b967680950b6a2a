// Stands on either side of the proxy, passes everything on, and keeps a copy of what passed: the copies are held against the record.
// Also the dead end: an HTTPS proxy that lets nobody out and remembers where they wanted to go.

import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { type Message, openMessageReader } from './sockets.ts'

export interface Witnessed {
  readonly method: string
  readonly path: string
  readonly request: Buffer
  readonly status: () => number | null
  readonly answer: () => Buffer
  /** Whether the answer came to its end; a client may leave after the part it wanted. */
  readonly whole: () => boolean
}

/** A connection that asked to become a WebSocket: how the other side answered, and the messages that passed. */
export interface Upgrade {
  readonly path: string
  readonly status: () => number | null
  readonly sent: readonly Message[]
  readonly received: readonly Message[]
}

export interface Witness {
  readonly url: string
  readonly seen: readonly Witnessed[]
  readonly upgrades: readonly Upgrade[]
  readonly close: () => void
}

export async function startWitness(target: string): Promise<Witness> {
  const seen: Witnessed[] = []
  const upgrades: Upgrade[] = []
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
    upgrades.push(passUpgrade(request, socket, head, net.connect(Number(port), hostname)))
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

function passUpgrade(request: http.IncomingMessage, socket: net.Socket, head: Buffer, onward: net.Socket): Upgrade {
  const sent: Message[] = []
  const received: Message[] = []
  const [reader, answers] = [openMessageReader(), openMessageReader()]
  let answerHead: Buffer | null = Buffer.alloc(0)
  let status: number | null = null
  const lines = request.rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${request.rawHeaders[index + 1]}`] : [],
  )
  onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  onward.write(head)
  sent.push(...reader.push(head))
  socket.on('data', (bytes: Buffer) => sent.push(...reader.push(bytes)))
  onward.on('data', (bytes: Buffer) => {
    if (answerHead === null) return void (status === 101 && received.push(...answers.push(bytes)))
    answerHead = Buffer.concat([answerHead, bytes])
    const end = answerHead.indexOf('\r\n\r\n')
    if (end < 0) return
    status = Number(answerHead.toString('latin1', 9, 12))
    if (status === 101) received.push(...answers.push(answerHead.subarray(end + 4)))
    answerHead = null
  })
  for (const end of [socket, onward]) end.on('error', () => undefined)
  onward.on('close', () => socket.destroy())
  socket.on('close', () => onward.destroy())
  socket.pipe(onward)
  onward.pipe(socket)
  return { path: request.url ?? '', status: () => status, sent, received }
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
