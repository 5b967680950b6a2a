// The agents of the WebSocket benchmark, in a process of their own: each asks on a socket of its own, one question after the other, and
// compares every event of the answer, byte for byte, with what the provider sends for that number.
import { WebSocket } from 'ws'
import { percentile } from './statistics.ts'
import { writeAnswer, writeQuestion } from './websocket-content.ts'

export type SocketCommand =
  | { readonly kind: 'open'; readonly target: string; readonly port: number; readonly sockets: number }
  | { readonly kind: 'measure'; readonly target: string; readonly seconds: number; readonly answersEach: number }
  | { readonly kind: 'close'; readonly target: string }

export interface SocketResult {
  readonly answers: number
  readonly seconds: number
  /** From the question to the last event. */
  readonly p50Us: number
  readonly p99Us: number
  readonly firstEventP50Us: number
  readonly errors: number
  readonly firstError: string | null
}

const opened = new Map<string, WebSocket[]>()
let questions = 0

function open(port: number, index: number): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/responses`, {
      perMessageDeflate: false,
      headers: { authorization: 'Bearer sk-bench-0123456789abcdef', 'x-session-id': `bench-socket-${index}` },
    })
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
  })
}

interface Times {
  readonly wholeUs: number[]
  readonly firstUs: number[]
  readonly errors: string[]
}

/** Resolves when the answer has come whole, or has gone wrong. */
function ask(socket: WebSocket, times: Times): Promise<void> {
  const number = questions++
  const expected = writeAnswer(number)
  return new Promise(resolve => {
    let at = 0
    let firstAt = 0
    const startedAt = performance.now()
    const over = (error: string | null): void => {
      socket.off('message', take)
      socket.off('close', gone)
      if (error === null) {
        times.wholeUs.push((performance.now() - startedAt) * 1000)
        times.firstUs.push((firstAt - startedAt) * 1000)
      } else times.errors.push(error)
      resolve()
    }
    const gone = (code: number): void => over(`the socket was closed (${code}) after ${at} of ${expected.length} events`)
    const take = (data: Buffer, binary: boolean): void => {
      if (at === 0) firstAt = performance.now()
      const text = data.toString()
      if (binary || text !== expected[at]) return over(`event ${at} differs from what was sent: ${text.slice(0, 160)}`)
      at++
      if (at === expected.length) over(null)
    }
    socket.on('message', take)
    socket.on('close', gone)
    socket.send(writeQuestion(number))
  })
}

async function measure({ target, seconds, answersEach }: Extract<SocketCommand, { kind: 'measure' }>): Promise<SocketResult> {
  const startedAt = performance.now()
  const deadline = startedAt + seconds * 1000
  const times: Times = { wholeUs: [], firstUs: [], errors: [] }
  await Promise.all(
    (opened.get(target) ?? []).map(async socket => {
      for (let count = 0; count < answersEach && performance.now() < deadline; count++) {
        await ask(socket, times)
        if (times.errors.length > 0) return
      }
    }),
  )
  const sorted = Float64Array.from(times.wholeUs).sort()
  return {
    answers: sorted.length,
    seconds: (performance.now() - startedAt) / 1000,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    firstEventP50Us: percentile(Float64Array.from(times.firstUs).sort(), 0.5),
    errors: times.errors.length,
    firstError: times.errors[0] ?? null,
  }
}

async function obey(command: SocketCommand): Promise<unknown> {
  if (command.kind === 'measure') return measure(command)
  if (command.kind === 'close') {
    for (const socket of opened.get(command.target) ?? []) socket.close(1000)
    opened.delete(command.target)
    return null
  }
  const { port, sockets } = command
  opened.set(command.target, await Promise.all(Array.from({ length: sockets }, (_, index) => open(port, index))))
  return null
}

process.on('message', (command: SocketCommand) => {
  obey(command).then(
    result => process.send?.({ result }),
    error => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
