// The upstream of the stream benchmark, in a process of its own: slow streams of stamped events, one fast stream, one large answer
// for a client that does not read. Keeps the hash of every stream it has sent, to be compared with what arrived.
import { createHash } from 'node:crypto'
import net, { type AddressInfo } from 'node:net'
import { makeText, seededRandom } from './content.ts'
import { createReader, fieldOf } from './http-reader.ts'

export type StreamKind = 'slow' | 'fast' | 'large'

export interface SentStream {
  readonly stream: string
  readonly sha256: string
  readonly bytes: number
  readonly events: number
}

const largeBytes = 64 * 1024 * 1024
const text = makeText(4 * 1024 * 1024, 77)
let sent: SentStream[] = []
/** Bytes each large answer has got rid of so far. */
const progress = new Map<string, number>()

function sendStream(socket: net.Socket, stream: string, kind: StreamKind, seconds: number): void {
  const random = seededRandom(Number(stream.replace(/\D/g, '')) + 1)
  const hash = createHash('sha256')
  const deadline = performance.now() + seconds * 1000
  let [bytes, events] = [0, 0]
  const write = (body: string): boolean => {
    const data = Buffer.from(body, 'latin1')
    hash.update(data)
    bytes += data.length
    return socket.write(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]))
  }
  const event = (size: number): boolean => {
    const from = text.indexOf(0x20, Math.floor(random() * (text.length - size - 256))) + 1
    const content = text.toString('latin1', from, text.indexOf(0x20, from + size))
    return write(
      `data: {"n":${events++},"at":"${process.hrtime.bigint()}","choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`,
    )
  }
  const finish = (): void => {
    write('data: [DONE]\n\n')
    socket.write('0\r\n\r\n')
    sent.push({ stream, sha256: hash.digest('hex'), bytes, events })
  }
  const tick = (): void => {
    if (socket.destroyed) return
    if (performance.now() >= deadline) return finish()
    event(kind === 'fast' ? 4000 : 20 + random() * 60)
    setTimeout(tick, kind === 'fast' ? 1 : 50 + random() * 50)
  }
  const pour = (): void => {
    while (bytes < largeBytes) {
      const more = event(16_000)
      progress.set(stream, bytes - socket.writableLength)
      if (!more) return void socket.once('drain', pour)
    }
    finish()
  }
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
  if (kind === 'large') pour()
  else setTimeout(tick, random() * 100)
}

const server = net.createServer({ noDelay: true }, socket => {
  let head = ''
  const reader = createReader({
    onHead: received => {
      head = received
    },
    onBody: () => undefined,
    onEnd: () => {
      const kind = (fieldOf(head, 'x-bench-kind') ?? 'slow') as StreamKind
      sendStream(socket, fieldOf(head, 'x-bench-stream') ?? '', kind, Number(fieldOf(head, 'x-bench-seconds')))
    },
  })
  socket.on('data', reader.push)
  socket.on('error', () => undefined)
})
server.listen(0, '127.0.0.1', 1024, () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', (command: { readonly kind: 'take' | 'progress' }) => {
  if (command.kind === 'progress') return void process.send?.({ progress: Object.fromEntries(progress) })
  process.send?.({ sent })
  sent = []
  progress.clear()
})
process.on('disconnect', () => process.exit(0))
