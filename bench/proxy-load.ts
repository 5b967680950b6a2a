// The load generator of the proxy benchmark, in a process of its own: keep-alive connections over raw sockets, one request at a
// time on each, every answer compared byte for byte, every n-th request marked with its hash for the upstream to check.
import { createHash } from 'node:crypto'
import net from 'node:net'
import { awsAnswers } from './aws-content.ts'
import {
  type AnswerShape,
  growingConversation,
  isAnswer,
  jsonAnswers,
  jsonSha256,
  newContent,
  type RequestBody,
  type RequestSource,
  streamAnswers,
} from './content.ts'
import { createReader, fieldOf } from './http-reader.ts'
import { type Answer, type Case, paths, streamEvents } from './proxy-cases.ts'

export type LoadCommand =
  | { readonly kind: 'open'; readonly target: string; readonly port: number; readonly headers: string; readonly case: Case }
  /** Until `seconds` are over, or `requestsEach` on each connection have been answered. */
  | {
      readonly kind: 'measure'
      readonly target: string
      readonly seconds: number
      readonly requestsEach: number
      readonly checkEvery: number
    }
  | { readonly kind: 'close'; readonly target: string }

export interface LoadResult {
  readonly requests: number
  readonly requestBytes: number
  readonly seconds: number
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly firstByteP50Us: number
  /** Requests the upstream held against their hash, by its verdict. */
  readonly checked: { readonly exact: number; readonly sameJson: number; readonly different: number }
  readonly errors: number
  readonly firstError: string | null
}

const shapes: Record<Answer, AnswerShape> = {
  json: jsonAnswers(),
  stream: streamAnswers(streamEvents),
  aws: awsAnswers(streamEvents),
}

interface Connection {
  /** Sends one request after the other until `round.more()` says no. */
  readonly run: (round: Round) => Promise<void>
  readonly close: () => void
}

interface Round {
  readonly more: (answered: number) => boolean
  readonly checkEvery: number
  readonly latenciesUs: number[]
  readonly firstBytesUs: number[]
  readonly checked: { exact: number; sameJson: number; different: number }
  readonly errors: string[]
  bytes: number
}

const opened = new Map<string, { readonly connections: Connection[]; readonly case: Case }>()

function sourceOf(wanted: Case, index: number, target: string): RequestSource {
  const seed = [...`${wanted.id}/${target}/${index}`].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7)
  const stream = wanted.answer !== 'json'
  if (wanted.content === 'new') return newContent(wanted.requestBytes, stream, seed)
  // Connections stand at different points of their conversations, so that every moment sees every size.
  const startBytes = Math.floor((wanted.requestBytes * (index + 0.5)) / wanted.connections)
  return growingConversation(wanted.requestBytes, stream, startBytes, seed)
}

function openConnection(port: number, path: string, headers: string, source: RequestSource, shape: AnswerShape): Connection {
  let socket: net.Socket | null = null
  let waiting: { readonly round: Round; readonly startedAt: number; readonly resolve: () => void; firstByteAt: number } | null =
    null
  let head = ''
  let body: Buffer[] = []
  let sent = 0

  const settle = (error: string | null): void => {
    const current = waiting
    if (current === null) return
    waiting = null
    if (error !== null) current.round.errors.push(error)
    current.resolve()
  }
  const onEnd = (): void => {
    if (waiting === null) return
    const { round, startedAt, firstByteAt } = waiting
    const now = performance.now()
    const bytes = body.length === 1 && body[0] !== undefined ? body[0] : Buffer.concat(body)
    body = []
    const status = head.slice(9, 12)
    const verdict = fieldOf(head, 'x-bench-request')
    if (verdict === 'exact') round.checked.exact++
    else if (verdict === 'same-json') round.checked.sameJson++
    else if (verdict !== null) round.checked.different++
    round.latenciesUs.push((now - startedAt) * 1000)
    round.firstBytesUs.push((firstByteAt - startedAt) * 1000)
    if (status !== '200') settle(`status ${status}: ${bytes.toString('utf8', 0, 160)}`)
    else if (!isAnswer(shape, bytes)) settle(`the answer differs from what the upstream sent: ${bytes.toString('utf8', 0, 120)}`)
    else settle(null)
  }
  const connect = (): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      const made = net.connect({ port, host: '127.0.0.1', noDelay: true })
      const reader = createReader({
        onHead: text => {
          head = text
          body = []
        },
        onBody: bytes => void body.push(bytes),
        onEnd,
      })
      made.once('connect', () => resolve(made))
      made.on('data', bytes => {
        if (waiting !== null && waiting.firstByteAt === 0) waiting.firstByteAt = performance.now()
        reader.push(bytes)
      })
      made.on('error', error => {
        reject(error)
        settle(error.message)
      })
      made.on('close', () => {
        if (socket === made) socket = null
        settle('the connection was closed before the answer had ended')
      })
    })
  const send = (target: net.Socket, request: RequestBody, round: Round): Promise<void> => {
    const marked = sent++ % round.checkEvery === 0
    const mark = marked ? markOf(request, round.checkEvery === 1) : ''
    round.bytes += request.bytes
    return new Promise(resolve => {
      waiting = { round, startedAt: performance.now(), resolve, firstByteAt: 0 }
      target.cork()
      target.write(`POST ${path} HTTP/1.1\r\n${headers}${mark}content-length: ${request.bytes}\r\n\r\n`)
      for (const part of request.parts) target.write(part)
      target.uncork()
    })
  }
  return {
    run: async round => {
      for (let answered = 0; round.more(answered); answered++) {
        const request = source.next()
        try {
          socket ??= await connect()
          await send(socket, request, round)
        } catch (error) {
          round.errors.push(error instanceof Error ? error.message : String(error))
        }
        if (round.errors.length > 100) return // a target that fails at once would spin
      }
    },
    close: () => socket?.destroy(),
  }
}

function markOf(request: RequestBody, withJson: boolean): string {
  const hash = createHash('sha256')
  for (const part of request.parts) hash.update(part)
  const json = withJson ? `x-bench-json: ${jsonSha256(Buffer.concat(request.parts))}\r\n` : ''
  return `x-bench-sha256: ${hash.digest('hex')}\r\n${json}`
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

async function measure(command: Extract<LoadCommand, { kind: 'measure' }>): Promise<LoadResult> {
  const target = opened.get(command.target)
  if (target === undefined) throw new Error(`target ${command.target} is not open`)
  const startedAt = performance.now()
  const deadline = startedAt + command.seconds * 1000
  const round: Round = {
    more: answered => answered < command.requestsEach && performance.now() < deadline,
    checkEvery: command.checkEvery,
    latenciesUs: [],
    firstBytesUs: [],
    checked: { exact: 0, sameJson: 0, different: 0 },
    errors: [],
    bytes: 0,
  }
  await Promise.all(target.connections.map(connection => connection.run(round)))
  const seconds = (performance.now() - startedAt) / 1000
  const latencies = Float64Array.from(round.latenciesUs).sort()
  const requests = latencies.length
  return {
    requests,
    requestBytes: requests === 0 ? 0 : Math.round(round.bytes / requests),
    seconds,
    perSecond: requests / seconds,
    p50Us: percentile(latencies, 0.5),
    p99Us: percentile(latencies, 0.99),
    firstByteP50Us: percentile(Float64Array.from(round.firstBytesUs).sort(), 0.5),
    checked: round.checked,
    errors: round.errors.length,
    firstError: round.errors[0] ?? null,
  }
}

async function obey(command: LoadCommand): Promise<unknown> {
  if (command.kind === 'measure') return measure(command)
  if (command.kind === 'close') {
    for (const connection of opened.get(command.target)?.connections ?? []) connection.close()
    opened.delete(command.target)
    return null
  }
  const { port, headers, target } = command
  const shape = shapes[command.case.answer]
  const connections = Array.from({ length: command.case.connections }, (_, index) =>
    // Each connection is an agent of its own, and says so as agents do.
    openConnection(
      port,
      paths[command.case.answer],
      `${headers}x-session-id: bench-${command.case.id}-${index}\r\n`,
      sourceOf(command.case, index, target),
      shape,
    ),
  )
  opened.set(target, { connections, case: command.case })
  return null
}

process.on('message', (command: LoadCommand) => {
  obey(command).then(
    result => process.send?.({ result }),
    error => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
