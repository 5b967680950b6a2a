// Both far ends of a WebSocket for wire tests: an upstream that a test scripts message by message, and an agent that notes all it sees.
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'

export interface UpstreamSocket {
  readonly send: (data: string | Buffer) => void
  readonly socket: WebSocket
  readonly raw: Socket
  /** How it ended, as this side saw it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export interface SocketUpstream {
  readonly url: string
  readonly handshakes: Array<{ readonly url: string; readonly rawHeaders: readonly string[] }>
  readonly messages: Array<{ readonly data: Buffer; readonly binary: boolean }>
  readonly sockets: UpstreamSocket[]
  readonly close: () => Promise<void>
}

export interface UpstreamScript {
  readonly onMessage?: (upstream: UpstreamSocket, data: Buffer, binary: boolean) => void
  readonly onOpen?: (upstream: UpstreamSocket) => void
  /** Answers the upgrade itself, with something else than a WebSocket. */
  readonly refuse?: (socket: Duplex) => void
  readonly headers?: readonly string[]
  readonly settings?: ServerOptions
}

export async function startSocketUpstream(script: UpstreamScript): Promise<SocketUpstream> {
  const handshakes: SocketUpstream['handshakes'] = []
  const messages: SocketUpstream['messages'] = []
  const sockets: UpstreamSocket[] = []
  const connections = new Set<Socket>()
  const server = http.createServer()
  const webSockets = new WebSocketServer({ noServer: true, ...script.settings })
  webSockets.on('headers', lines => lines.push(...(script.headers ?? [])))
  server.on('connection', (connection: Socket) => {
    connections.add(connection)
    connection.on('error', () => undefined)
    connection.once('close', () => connections.delete(connection))
  })
  server.on('upgrade', (request, raw, head) => {
    handshakes.push({ url: request.url ?? '', rawHeaders: request.rawHeaders })
    if (script.refuse !== undefined) return script.refuse(raw)
    webSockets.handleUpgrade(request, raw, head, socket => {
      socket.on('error', () => undefined)
      const closed = new Promise<{ code: number; reason: string }>(resolve =>
        socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
      )
      const upstream = { send: (data: string | Buffer) => socket.send(data), socket, raw: raw as Socket, closed }
      sockets.push(upstream)
      socket.on('message', (data: Buffer, binary) => {
        messages.push({ data, binary })
        script.onMessage?.(upstream, data, binary)
      })
      script.onOpen?.(upstream)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    handshakes,
    messages,
    sockets,
    close: () =>
      new Promise(resolve => {
        for (const connection of connections) connection.destroy()
        server.close(() => resolve())
      }),
  }
}

export interface AgentSocket {
  readonly socket: WebSocket
  readonly received: Array<{ readonly data: Buffer; readonly binary: boolean }>
  readonly texts: () => string[]
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** Resolves when that many messages have come. */
  readonly messages: (count: number, timeoutMs?: number) => Promise<string[]>
}

export interface Refused {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** Opens; rejects with what was answered instead (Refused), or with the error. */
export function openAgent(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<AgentSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { perMessageDeflate: false, ...options })
    const received: AgentSocket['received'] = []
    socket.on('message', (data: Buffer, binary) => received.push({ data, binary }))
    const closed = new Promise<{ code: number; reason: string }>(done =>
      socket.once('close', (code, reason) => done({ code, reason: reason.toString() })),
    )
    socket.on('unexpected-response', (_, answer) => {
      const parts: Buffer[] = []
      answer.on('data', part => parts.push(part))
      answer.on('end', () =>
        reject({ status: answer.statusCode, rawHeaders: answer.rawHeaders, body: Buffer.concat(parts).toString() }),
      )
    })
    socket.on('error', reject)
    const texts = () => received.map(({ data }) => data.toString())
    const messages = async (count: number, timeoutMs = 5000) => {
      const deadline = Date.now() + timeoutMs
      while (received.length < count) {
        if (Date.now() > deadline) throw new Error(`${received.length} of ${count} messages came: ${texts().join(' | ')}`)
        await new Promise(done => setTimeout(done, 5))
      }
      return texts()
    }
    socket.once('open', () => resolve({ socket, received, texts, closed, messages }))
  })
}

export const create = (fields: object = {}): string =>
  JSON.stringify({ type: 'response.create', model: 'gpt-test', input: [{ role: 'user', content: 'hello' }], ...fields })

const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }

/** The messages of a short answer, terminal event last. */
export function answerMessages(id: string, text = 'hi', fields: object = {}): string[] {
  const item = { type: 'message', id: `msg_${id}`, role: 'assistant', content: [{ type: 'output_text', text }] }
  const response = { id, object: 'response', model: 'gpt-test', status: 'completed', output: [item], usage }
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.output_text.delta', item_id: item.id, output_index: 0, content_index: 0, delta: text },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response },
  ].map(event => JSON.stringify({ ...event, ...fields }))
}
