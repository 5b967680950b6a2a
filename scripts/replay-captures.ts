// Replays recorded agent traffic (JSON Lines, gzip allowed) through a fresh proxy in front of an upstream that answers as recorded,
// and holds every byte on both sides against the store: npx tsx scripts/replay-captures.ts FILE… [--keep DIR]
// For developers who have such recordings; the project needs none.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { startProxy } from '../proxy/server.ts'
import { singleUpstream } from '../proxy/single-upstream.ts'
import { openStore } from '../store/open.ts'

interface Recorded {
  readonly method: string
  readonly path: string
  readonly request_headers: Record<string, string>
  readonly request_encoding: string | null
  readonly request_body: string | null
  readonly status: number
  readonly response_headers: Record<string, string | string[]>
  readonly response_body: string | null
  readonly note: string | null
}

const perConnection = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'expect',
  'keep-alive',
  'upgrade',
])
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

function readRecording(file: string): Recorded[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const rows = text.split('\n').filter(line => line !== '')
  return rows
    .map(line => JSON.parse(line) as Recorded)
    .filter(row => ['GET', 'POST', 'HEAD'].includes(row.method) && row.status > 0)
}

/** Serves the recorded answers in order, streams cut into uneven packets; checks what arrives. */
async function startRecorded(rows: readonly Recorded[]) {
  let next = 0
  const received: string[] = []
  const server = http.createServer((request, response) => {
    const row = rows[next++]
    const parts: Buffer[] = []
    request.on('data', (bytes: Buffer) => parts.push(bytes))
    request.on('end', async () => {
      received.push(sha(Buffer.concat(parts)))
      const headers = Object.entries(row?.response_headers ?? {}).filter(([name]) => !perConnection.has(name.toLowerCase()))
      response.writeHead(row?.status ?? 500, Object.fromEntries(headers))
      const body = Buffer.from(row?.response_body ?? '')
      for (let at = 0, size = 701; at < body.length; at += size, size = (size * 31) % 1999 || 7) {
        response.write(body.subarray(at, at + size))
        if (at % 5 === 0) await new Promise(resolve => setImmediate(resolve))
      }
      response.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, close: () => server.close() }
}

function send(base: string, session: string, row: Recorded): Promise<Buffer> {
  const url = new URL(base + row.path.replace(/^\/t\/[^/]+/, `/s/${session}`))
  const body = Buffer.from(row.request_body ?? '')
  const headers = Object.fromEntries(
    Object.entries(row.request_headers).filter(([name]) => !perConnection.has(name.toLowerCase())),
  )
  return new Promise((resolve, reject) => {
    const request = http.request(
      url,
      { method: row.method, headers: { ...headers, ...(body.length > 0 ? { 'content-length': body.length } : {}) } },
      answer => {
        const parts: Buffer[] = []
        answer.on('data', (bytes: Buffer) => parts.push(bytes))
        answer.on('end', () => resolve(Buffer.concat(parts)))
        answer.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

async function replay(file: string, directory: string) {
  const rows = readRecording(file)
  const upstream = await startRecorded(rows)
  const store = await openStore(directory)
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: singleUpstream(upstream.url),
    onRecordFailure: 'refuse',
    version: 'replay',
  })
  const session = basename(file).replace(/\.jsonl(\.gz)?$/, '')
  const wrong: string[] = []
  let raw = 0
  for (const [index, row] of rows.entries()) {
    const answer = await send(proxy.url, session, row)
    if (answer.toString() !== (row.response_body ?? '')) wrong.push(`${index}: the agent got other bytes`)
  }
  await proxy.drain(1000)
  const exchanges = await store.exchanges({})
  for (const [index, row] of rows.entries()) {
    const exchange = exchanges[index]
    if (exchange === undefined) {
      wrong.push(`${index}: not recorded`)
      continue
    }
    const request = (await store.readBody(exchange.id, 'request'))?.bytes ?? Buffer.alloc(0)
    const response = (await store.readBody(exchange.id, 'response'))?.bytes ?? Buffer.alloc(0)
    raw += request.length + response.length
    if (request.toString() !== (row.request_body ?? '')) wrong.push(`${index}: stored request differs`)
    if (response.toString() !== (row.response_body ?? '')) wrong.push(`${index}: stored response differs`)
    if (sha(request) !== upstream.received[index]) wrong.push(`${index}: upstream got other bytes`)
  }
  await store.close()
  upstream.close()
  const reopened = await openStore(directory, { readOnly: true })
  const report = await reopened.verify()
  await reopened.close()
  return { file: session, calls: rows.length, raw, stored: report.bytesStored, bad: report.bad.length, wrong }
}

const files = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
let failures = 0
for (const file of files) {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-replay-'))
  const result = await replay(file, directory)
  failures += result.wrong.length + result.bad
  const share = result.raw === 0 ? '-' : `1/${(result.raw / result.stored).toFixed(1)}`
  console.log(
    [
      result.file.padEnd(28),
      String(result.calls).padStart(4),
      `${result.raw} B raw`,
      `${result.stored} B stored`,
      share,
      result.bad === 0 ? 'verify clean' : `verify: ${result.bad} bad`,
      result.wrong.join('; '),
    ].join('  '),
  )
  if (!process.argv.includes('--keep')) await rm(directory, { recursive: true, force: true })
  else console.log(directory)
}
process.exit(failures === 0 ? 0 : 1)
