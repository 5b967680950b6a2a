// An HTTP/2 server that writes its frames by hand (prior knowledge, no TLS): for what a well-behaved library would not send.
import net from 'node:net'

export interface FrameServer {
  readonly url: string
  /** Streams that were opened, over all connections. */
  readonly opened: () => number
  readonly connections: () => number
  readonly close: () => void
}

export interface FrameStream {
  /** 1, 3, 5 … on each connection; counts from 0 over all of them. */
  readonly id: number
  readonly number: number
  readonly headers: (isEnd?: boolean) => void
  readonly data: (text: string, isEnd?: boolean) => void
  readonly reset: (code: number) => void
  readonly goAway: (lastId: number) => void
  readonly destroy: () => void
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}

function word(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4)
  return bytes
}

export async function startFrameServer(answer: (stream: FrameStream) => void): Promise<FrameServer> {
  let opened = 0
  let connections = 0
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.write(frame(4, 0, 0, Buffer.alloc(0)))
    let pending = Buffer.alloc(0)
    let greeted = false
    socket.on('data', chunk => {
      pending = Buffer.concat([pending, chunk])
      if (!greeted && pending.length >= preface.length) {
        greeted = true
        pending = pending.subarray(preface.length)
      }
      while (greeted && pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const [length, type, flags, id] = [pending.readUIntBE(0, 3), pending[3], pending[4] ?? 0, pending.readUInt32BE(5)]
        pending = pending.subarray(9 + length)
        if (type === 4 && (flags & 1) === 0) socket.write(frame(4, 1, 0, Buffer.alloc(0)))
        if (type === 1) answer(streamOf(socket, id, opened++))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/v1/messages`,
    opened: () => opened,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function streamOf(socket: net.Socket, id: number, number: number): FrameStream {
  const send = (bytes: Buffer): void => void socket.write(bytes)
  return {
    id,
    number,
    // 0x88 stands for `:status: 200`.
    headers: (isEnd = false) => send(frame(1, 4 | (isEnd ? 1 : 0), id, Buffer.from([0x88]))),
    data: (text, isEnd = false) => send(frame(0, isEnd ? 1 : 0, id, Buffer.from(text))),
    reset: code => send(frame(3, 0, id, word(code))),
    goAway: lastId => send(frame(7, 0, 0, word(lastId, 0))),
    destroy: () => socket.resetAndDestroy(),
  }
}
