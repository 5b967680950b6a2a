// What a recorded session takes on disk, beside the same session as raw JSON Lines, gzip of that, and the log of mini-vela's proxy (one
// line per call with the whole request, every call logged twice). Every body is read back and compared before a figure is printed.
// npx tsx bench/storage.ts [--json] [CAPTURE.jsonl[.gz] …]; the captures are recordings of one's own, the synthetic sessions are seeded.

import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createGzip, gunzipSync } from 'node:zlib'
import type { HeaderList } from '../core/types.ts'
import { openStore } from '../store/open.ts'
import { createUlid } from '../store/ulid.ts'
import { makeText, sha256 } from './content.ts'
import { growthExponent } from './statistics.ts'

interface RecordedCall {
  readonly path: string
  readonly requestHeaders: HeaderList
  readonly request: string
  readonly status: number
  readonly responseHeaders: HeaderList
  readonly response: string
}

interface Sizes {
  readonly name: string
  readonly calls: number
  readonly bodies: number
  readonly jsonLines: number
  readonly gzip: number
  readonly miniVela: number
  readonly turnpike: number
}

const sizesOfCalls = [50, 100, 200, 400, 800]

/** A session like those of the captures: 30 KB of instructions and tools, 1 to 4 KB new with each call, the rest resent. */
function* makeSession(calls: number): Iterable<RecordedCall> {
  const text = JSON.parse(
    `"${makeText(calls * 4200 + 60_000, 3)
      .toString('latin1')
      .replace(/\\?$/, '')}"`,
  ) as string
  let at = 0
  const take = (bytes: number): string => {
    at += bytes
    return text.slice(at - bytes, at)
  }
  const system = [{ type: 'text', text: take(12_000) }]
  const tools = Array.from({ length: 12 }, (_, index) => ({
    name: `tool_${index}`,
    description: take(1400),
    input_schema: { type: 'object', properties: { path: { type: 'string', description: take(60) } } },
  }))
  const messages: unknown[] = [{ role: 'user', content: take(600) }]
  for (let call = 0; call < calls; call++) {
    const request = JSON.stringify({ model: 'claude-bench', max_tokens: 32_000, system, messages, tools, stream: true })
    const id = `toolu_${call.toString(36).padStart(12, '0')}`
    const [said, path] = [take(300), `src/file_${call % 40}.ts`]
    const content = [
      { type: 'text', text: said },
      { type: 'tool_use', id, name: `tool_${call % 12}`, input: { path } },
    ]
    messages.push({ role: 'assistant', content })
    messages.push({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: id, content: take(700 + ((call * 977) % 3000)) }],
    })
    yield { path: '/v1/messages', requestHeaders: headersOf(request.length), request, ...answerOf(call, said, id, path) }
  }
}

const headersOf = (bytes: number): HeaderList => [
  ['host', '127.0.0.1:4000'],
  ['content-type', 'application/json'],
  ['anthropic-version', '2023-06-01'],
  ['user-agent', 'bench/1.0'],
  ['content-length', String(bytes)],
]

function answerOf(
  call: number,
  said: string,
  id: string,
  path: string,
): Pick<RecordedCall, 'status' | 'responseHeaders' | 'response'> {
  const events: object[] = [
    {
      type: 'message_start',
      message: { id: `msg_${call}`, type: 'message', role: 'assistant', model: 'claude-bench', content: [] },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...(said.match(/[\s\S]{1,24}/g) ?? []).map(text => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id, name: `tool_${call % 12}`, input: {} } },
    { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: JSON.stringify({ path }) } },
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 90 + call } },
    { type: 'message_stop' },
  ]
  const response = events.map(event => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
  const responseHeaders: HeaderList = [
    ['content-type', 'text/event-stream; charset=utf-8'],
    ['request-id', `req_${call}`],
  ]
  return { status: 200, responseHeaders, response }
}

function readCapture(file: string): RecordedCall[] {
  const bytes = readFileSync(file)
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n')
  return lines
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .filter(row => row['method'] === 'POST' && Number(row['status']) > 0)
    .map(row => ({
      path: String(row['path']),
      requestHeaders: pairs(row['request_headers']),
      request: String(row['request_body'] ?? ''),
      status: Number(row['status']),
      responseHeaders: pairs(row['response_headers']),
      response: String(row['response_body'] ?? ''),
    }))
}

const pairs = (headers: unknown): HeaderList =>
  Object.entries((headers ?? {}) as Record<string, unknown>).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(each => [name, String(each)] as const),
  )

function writeJsonLine(call: RecordedCall): string {
  const { path, requestHeaders, request, status, responseHeaders, response } = call
  return `${JSON.stringify({ path, request_headers: requestHeaders, request_body: request, status, response_headers: responseHeaders, response_body: response })}\n`
}

/** Shape of a line of its log: the parsed request and the content of the answer. Successful calls only, and each of them twice. */
function writeMiniVelaLines(call: RecordedCall, at: number): string {
  if (call.status >= 400) return ''
  const { messages, system, tools, model, max_tokens } = JSON.parse(call.request) as Record<string, unknown>
  const line = JSON.stringify({
    session_id: 'md-bench-001',
    biz_id: '',
    request_time: new Date(1_700_000_000_000 + at * 1000).toISOString(),
    request_body: { messages, system, tools, model, max_tokens, metadata: {} },
    // Its parsed content is much shorter than the stream; a quarter is generous to it.
    response_body: { content: 'x'.repeat(Math.ceil(call.response.length / 4)) },
  })
  return `${line}\n`.repeat(2)
}

interface Recorder {
  readonly add: (call: RecordedCall, at: number) => Promise<void>
  /** Bytes of the closed store, after every body was read back and compared. */
  readonly finish: () => Promise<number>
}

async function openRecorder(): Promise<Recorder> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-storage-'))
  const store = await openStore(directory)
  const scope = { kind: 'session', id: createUlid() } as const
  const written: Array<{ readonly id: string; readonly hashes: readonly string[] }> = []
  const add: Recorder['add'] = async (call, at) => {
    const id = createUlid()
    const startedAt = 1_700_000_000_000 + at * 1000
    const { path, requestHeaders, status, responseHeaders } = call
    const none = { turn: null, attempt: null, protocol: null, route: null, query: '', secrets: [] }
    const [requestBody, answer] = [Buffer.from(call.request), Buffer.from(call.response)]
    written.push({ id, hashes: [sha256(requestBody), sha256(answer)] })
    await store.recorder.begin({ ...none, id, scope, method: 'POST', path, requestHeaders, requestBody, startedAt })
    for (let from = 0; from < answer.length; from += 1400)
      store.recorder.append(id, answer.subarray(from, from + 1400), startedAt + 300 + from / 100)
    const end = { outcome: 'complete', failure: null, providerRequestId: null, retries: 0 } as const
    await store.recorder.end(id, { ...end, status, responseHeaders, firstByteAt: startedAt + 300, endedAt: startedAt + 900 })
  }
  const finish: Recorder['finish'] = async () => {
    await store.close()
    // Before the check below opens it again and leaves files of its own.
    let bytes = 0
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
    const reader = await openStore(directory, { readOnly: true })
    const empty = { bytes: Buffer.alloc(0) }
    for (const { id, hashes } of written) {
      const bodies = [await reader.readBody(id, 'request'), await reader.readBody(id, 'response')]
      if (bodies.some((body, side) => sha256((body ?? empty).bytes) !== hashes[side]))
        throw new Error(`exchange ${id} does not read back as it was recorded`)
    }
    const report = await reader.verify()
    await reader.close()
    if (report.bad.length > 0) throw new Error(`verify: ${JSON.stringify(report.bad[0])}`)
    await rm(directory, { recursive: true, force: true })
    return bytes
  }
  return { add, finish }
}

/** Counts what comes out of gzip without keeping it. */
function openGzip() {
  const gzip = createGzip()
  let bytes = 0
  gzip.on('data', (part: Buffer) => {
    bytes += part.length
  })
  return {
    add: (line: string) => new Promise<void>((resolve, reject) => gzip.write(line, error => (error ? reject(error) : resolve()))),
    finish: async () => {
      gzip.end()
      await finished(gzip)
      return bytes
    },
  }
}

async function measure(name: string, calls: Iterable<RecordedCall>): Promise<Sizes> {
  const [recorder, gzip] = [await openRecorder(), openGzip()]
  let [count, bodies, jsonLines, miniVela] = [0, 0, 0, 0]
  for (const call of calls) {
    const line = writeJsonLine(call)
    jsonLines += Buffer.byteLength(line)
    bodies += Buffer.byteLength(call.request) + Buffer.byteLength(call.response)
    miniVela += Buffer.byteLength(writeMiniVelaLines(call, count))
    await gzip.add(line)
    await recorder.add(call, count++)
  }
  return { name, calls: count, bodies, jsonLines, gzip: await gzip.finish(), miniVela, turnpike: await recorder.finish() }
}

const empty = await (await openRecorder()).finish()
const files = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const rows: Sizes[] = []
for (const calls of sizesOfCalls) rows.push(await measure(`synthetic ${calls}`, makeSession(calls)))
const kinds = ['jsonLines', 'gzip', 'miniVela', 'turnpike'] as const
const base = (kind: (typeof kinds)[number]): number => (kind === 'turnpike' ? empty : 0)
const exponents = Object.fromEntries(
  kinds.map(kind => [kind, growthExponent(rows.map(row => [row.calls, row[kind] - base(kind)]))]),
)
for (const file of files) rows.push(await measure(basename(file).replace(/\.jsonl(\.gz)?$/, ''), readCapture(file)))
if (process.argv.includes('--json')) console.log(JSON.stringify({ empty, rows, exponents }))
else {
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`.padStart(11)
  console.log(
    `${'session'.padEnd(28)}${['calls', 'raw JSONL', 'gzip of it', 'mini-vela', 'Turnpike', 'JSONL :'].map(word => word.padStart(11)).join('')}   gzip :`,
  )
  for (const row of rows) {
    const shares = [row.jsonLines / row.turnpike, row.gzip / row.turnpike].map(share => share.toFixed(1).padStart(11)).join('')
    console.log(
      `${row.name.padEnd(28)}${String(row.calls).padStart(11)}${kinds.map(kind => kilobytes(row[kind])).join('')}${shares}`,
    )
  }
  console.log(
    `an empty store: ${kilobytes(empty).trim()}; growth exponents beyond it: ${kinds.map(kind => `${kind} ${exponents[kind]?.toFixed(3)}`).join(', ')}`,
  )
}
