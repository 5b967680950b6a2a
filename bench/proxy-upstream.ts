// The upstream of the proxy benchmark, in a process of its own: answers every request with the next answer of the chosen shape and
// holds the bytes of marked requests against the hash they carry. Raw sockets, so that it is never what is measured.
import { createHash, type Hash } from 'node:crypto'
import net, { type AddressInfo } from 'node:net'
import { awsAnswers } from './aws-content.ts'
import { type AnswerShape, jsonAnswers, jsonSha256, streamAnswers, writeAnswer } from './content.ts'
import { createReader, fieldOf } from './http-reader.ts'
import { type Answer, streamEvents } from './proxy-cases.ts'

export type UpstreamCommand = { readonly kind: 'shape'; readonly answer: Answer }

const shapes: Record<Answer, AnswerShape> = {
  json: jsonAnswers(),
  stream: streamAnswers(streamEvents),
  aws: awsAnswers(streamEvents),
}
const types: Readonly<Record<Answer, string>> = {
  json: 'application/json',
  stream: 'text/event-stream',
  aws: 'application/vnd.amazon.eventstream',
}
let shape: Answer = 'json'
let answers = 0

/** `exact`, `same-json` (rewritten on the way, meaning kept) or `different`. */
function judge(hash: Hash, body: Buffer[], sent: string, sentJson: string | null): string {
  if (hash.digest('hex') === sent) return 'exact'
  try {
    return sentJson !== null && jsonSha256(Buffer.concat(body)) === sentJson ? 'same-json' : 'different'
  } catch {
    return 'different'
  }
}

function sendAnswer(socket: net.Socket, verdict: string | null): void {
  const { body, ends } = writeAnswer(shapes[shape], answers++)
  const match = verdict === null ? '' : `x-bench-request: ${verdict}\r\n`
  if (ends.length === 0) {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${types[shape]}\r\n${match}content-length: ${body.length}\r\n\r\n`
    const message = Buffer.allocUnsafe(head.length + body.length)
    message.write(head, 0, 'latin1')
    body.copy(message, head.length)
    socket.write(message)
    return
  }
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${types[shape]}\r\n${match}transfer-encoding: chunked\r\n\r\n`)
  let from = 0
  // One write per event, as a provider does; the kernel decides what arrives together.
  for (const end of ends) {
    const head = `${(end - from).toString(16)}\r\n`
    const chunk = Buffer.allocUnsafe(head.length + end - from + 2)
    chunk.write(head, 0, 'latin1')
    body.copy(chunk, head.length, from, end)
    chunk.write('\r\n', chunk.length - 2, 'latin1')
    socket.write(chunk)
    from = end
  }
  socket.write('0\r\n\r\n')
}

const server = net.createServer({ noDelay: true }, socket => {
  let hash: Hash | null = null
  let body: Buffer[] = []
  let sent = ''
  let sentJson: string | null = null
  const reader = createReader({
    onHead: head => {
      sent = fieldOf(head, 'x-bench-sha256') ?? ''
      sentJson = fieldOf(head, 'x-bench-json')
      hash = sent === '' ? null : createHash('sha256')
      if (/\r\nexpect:/i.test(head)) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    },
    onBody: bytes => {
      hash?.update(bytes)
      if (sentJson !== null) body.push(bytes)
    },
    onEnd: () => {
      sendAnswer(socket, hash === null ? null : judge(hash, body, sent, sentJson))
      body = []
    },
  })
  socket.on('data', reader.push)
  socket.on('error', () => undefined)
})
server.listen(0, '127.0.0.1', 1024, () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', (command: UpstreamCommand) => {
  shape = command.answer
  process.send?.({ done: true })
})
process.on('disconnect', () => process.exit(0))
