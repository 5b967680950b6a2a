// What recording costs: CPU of the whole process (both threads) and wall time per exchange, for the sizes agents send. Correctness
// first: every body is read back and compared before a figure is printed. `--json` for machines, `--calls N` for longer runs.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { createUlid } from '../store/ulid.ts'

interface Workload {
  readonly name: string
  readonly calls: number
  readonly answerBytes: number
  /** Conversations side by side; each sends one call after the other. */
  readonly concurrency: number
  readonly streamed: boolean
  readonly body: (conversation: number, call: number) => Buffer
}

interface Figures {
  readonly name: string
  readonly calls: number
  readonly cpuUs: number
  readonly wallUs: number
  readonly bytesPerCall: number
  readonly bytesSent: number
}

const secrets = ['tp_0123456789abcdefghijklmn', 'sk-test-0123456789abcdefghijklmnopqrstuvwxyz']
const wordList =
  'the request tool result file path error test build return value import export const function class string number await'.split(
    ' ',
  )

function createText(seed: number): (bytes: number) => string {
  let state = seed >>> 0
  return bytes => {
    let text = ''
    while (text.length < bytes) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      // Mostly words, now and then something new: packs compress it about as well as source code.
      text += state >>> 29 === 0 ? `${(state >>> 8).toString(36)} ` : `${wordList[(state >>> 16) % wordList.length]} `
    }
    return text.slice(0, bytes)
  }
}

const tools = Array.from({ length: 15 }, (_, at) => ({
  name: `tool_${at}`,
  description: createText(at)(1800),
  input_schema: { type: 'object' },
}))

function writeBody(messages: readonly string[], withTools: boolean): Buffer {
  const body = {
    model: 'bench',
    system: [{ type: 'text', text: 'You are careful. '.repeat(withTools ? 300 : 3) }],
    messages: messages.map(content => ({ role: 'user', content })),
  }
  return Buffer.from(JSON.stringify(withTools ? { ...body, tools, stream: true } : body))
}

function small(conversation: number, call: number): Buffer {
  return writeBody([createText(conversation * 100_003 + call)(820)], false)
}

const histories = new Map<string, string[]>()

/** Starts with `bytes` of history and adds 2 KB with every call. */
function growing(bytes: number): Workload['body'] {
  return (conversation, call) => {
    const key = `${bytes}/${conversation}`
    const text = createText(conversation * 7919 + call + 1)
    const history = histories.get(key) ?? Array.from({ length: Math.ceil((bytes - 40_000) / 2000) }, () => text(1900))
    history.push(text(1900))
    histories.set(key, history)
    return writeBody(history, true)
  }
}

function fresh(bytes: number): Workload['body'] {
  return (conversation, call) => {
    const text = createText(conversation * 104_729 + call * 31 + 5)
    return writeBody(
      Array.from({ length: Math.ceil(bytes / 2000) }, () => text(1900)),
      false,
    )
  }
}

const scale = Number(process.argv[process.argv.indexOf('--calls') + 1] || 0) || 1
const workloads: readonly Workload[] = [
  { name: '1 KB, 2 KB answer', calls: 8000, answerBytes: 2048, concurrency: 32, streamed: false, body: small },
  { name: '1 KB, 2 KB stream of 20 events', calls: 8000, answerBytes: 2048, concurrency: 32, streamed: true, body: small },
  { name: '200 KB growing', calls: 1000, answerBytes: 2048, concurrency: 8, streamed: true, body: growing(200_000) },
  { name: '200 KB all new', calls: 200, answerBytes: 2048, concurrency: 8, streamed: true, body: fresh(200_000) },
  { name: '2 MB growing', calls: 100, answerBytes: 2048, concurrency: 4, streamed: true, body: growing(2_000_000) },
]

async function record(store: Store, id: string, scope: string, body: Buffer, answer: Buffer, streamed: boolean): Promise<void> {
  const now = Date.now()
  const headers = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['user-agent', 'bench/1.0'],
    ['x-api-key', '****'],
  ] as const
  await store.recorder.begin({
    id,
    scope: { kind: 'session', id: scope },
    turn: null,
    attempt: null,
    protocol: 'bench',
    route: 'bench',
    method: 'POST',
    path: '/v1/messages',
    query: '',
    requestHeaders: headers,
    requestBody: body,
    startedAt: now,
    secrets,
  })
  const events = streamed ? 20 : 1
  const size = Math.ceil(answer.length / events)
  for (let at = 0; at < answer.length; at += size) store.recorder.append(id, answer.subarray(at, at + size), Date.now())
  const end = {
    status: 200,
    responseHeaders: [
      ['content-type', 'text/event-stream'],
      ['request-id', id],
    ] as const,
    outcome: 'complete' as const,
    failure: null,
    providerRequestId: id,
    retries: 0,
    firstByteAt: now,
    endedAt: Date.now(),
  }
  if (streamed) await store.recorder.checkpoint(id, end)
  await store.recorder.end(id, end)
}

/** Everything that is sent, prepared before the clock starts, in one buffer: thousands of small ones would make the collector part of the measurement. */
function preparePlan({ calls, concurrency, answerBytes, body }: Workload): {
  readonly rounds: number
  readonly read: (conversation: number, call: number) => [Buffer, Buffer]
} {
  const rounds = Math.ceil((calls * scale) / concurrency)
  const bodies: Buffer[] = []
  for (let call = 0; call < rounds; call++)
    for (let conversation = 0; conversation < concurrency; conversation++) bodies.push(body(conversation, call))
  const ends: number[] = []
  for (const part of bodies) ends.push((ends.at(-1) ?? 0) + part.length)
  const arena = Buffer.concat(bodies)
  const answers = Buffer.from(createText(7)(1_000_000))
  const read = (conversation: number, call: number): [Buffer, Buffer] => {
    const at = call * concurrency + conversation
    const start = (at * 7919) % (answers.length - answerBytes)
    return [arena.subarray(ends[at - 1] ?? 0, ends[at]), answers.subarray(start, start + answerBytes)]
  }
  return { rounds, read }
}

async function runWorkload(workload: Workload): Promise<Figures> {
  const { name, concurrency, streamed } = workload
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-bench-'))
  const store = await openStore(directory)
  const { rounds, read } = preparePlan(workload)
  const ids: string[][] = Array.from({ length: concurrency }, () => [])
  const send = async (conversation: number, call: number): Promise<void> => {
    const [body, answer] = read(conversation, call)
    const id = createUlid()
    ids[conversation]!.push(id)
    await record(store, id, `s${conversation}`, body, answer, streamed)
  }
  // The first tenth of each conversation warms the code up and is not counted.
  const warm = Math.ceil(rounds / 10)
  const sendAll = async (from: number, to: number): Promise<void> => {
    await Promise.all(
      ids.map(async (_, conversation) => {
        for (let call = from; call < to; call++) await send(conversation, call)
      }),
    )
  }
  await sendAll(0, warm)
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  await sendAll(warm, rounds)
  const wallUs = Number(process.hrtime.bigint() - start) / 1000
  const used = process.cpuUsage(cpu)
  for (const [conversation, list] of ids.entries())
    for (const [call, id] of list.entries()) {
      const [body, answer] = read(conversation, call)
      const [request, response] = [await store.readBody(id, 'request'), await store.readBody(id, 'response')]
      if (!request?.bytes.equals(body) || !response?.bytes.equals(answer))
        throw new Error(`${name}: ${id} does not read back as it was sent`)
    }
  await store.close()
  const reader = await openStore(directory, { readOnly: true })
  const report = await reader.verify()
  await reader.close()
  await rm(directory, { recursive: true, force: true })
  if (report.bad.length > 0) throw new Error(`${name}: ${JSON.stringify(report.bad[0])}`)
  const counted = (rounds - warm) * concurrency
  return {
    name,
    calls: counted,
    cpuUs: (used.user + used.system) / counted,
    wallUs: wallUs / counted,
    bytesPerCall: report.bytesStored / report.exchanges,
    bytesSent: report.bytesRaw / report.exchanges,
  }
}

const only = process.argv[process.argv.indexOf('--only') + 1]
const figures: Figures[] = []
for (const workload of workloads)
  if (process.argv.includes('--only') ? workload.name.startsWith(only ?? '') : true) figures.push(await runWorkload(workload))
if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
else
  for (const { name, calls, cpuUs, wallUs, bytesPerCall, bytesSent } of figures)
    console.log(
      `${name.padEnd(32)} ${String(calls).padStart(6)} calls  ${cpuUs.toFixed(0).padStart(6)} µs CPU  ${wallUs.toFixed(0).padStart(6)} µs wall  ${bytesSent.toFixed(0).padStart(8)} B sent  ${bytesPerCall.toFixed(0).padStart(7)} B stored`,
    )
