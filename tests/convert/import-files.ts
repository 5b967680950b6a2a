// Small files in each format that can be imported, all telling of the same two calls of one session; filler text only.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ImportReport, importFiles } from '../../convert/import.ts'
import type { ImportOptions } from '../../convert/import-sessions.ts'
import type { Json } from '../../core/types.ts'
import { agentSessionOf, attribute, presentedKeys } from '../../proxy/attribute.ts'
import type { Store } from '../../store/_adapter.ts'

export const key = 'sk-import-0123456789abcdef'
export const startedAt = Date.UTC(2026, 0, 5, 10, 12, 33, 250)

export const requests = [
  { model: 'claude-sim', max_tokens: 64, messages: [{ role: 'user', content: [{ type: 'text', text: `First é 😀 ${key}` }] }] },
  { model: 'claude-sim', max_tokens: 64, messages: [{ role: 'user', content: 'Second' }] },
]
const answer = (text: string) => ({
  id: `msg_${text}`,
  type: 'message',
  role: 'assistant',
  model: 'claude-sim',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 3, cache_creation_input_tokens: 0 },
})
export const whole = answer('Whole')
export const stream = [
  ['message_start', { type: 'message_start', message: { ...answer('Streamed'), content: [], stop_reason: null } }],
  ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Streamed é' } }],
  ['content_block_stop', { type: 'content_block_stop', index: 0 }],
  ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } }],
  ['message_stop', { type: 'message_stop' }],
]
  .map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  .join('')
const headers = (session: string) => ({
  host: 'api.example',
  'x-api-key': key,
  'x-claude-code-session-id': session,
  'content-type': 'application/json',
})
const eventStream = { 'content-type': 'text/event-stream', 'request-id': 'req_2' }
const json = { 'content-type': 'application/json', 'request-id': 'req_1' }

const lines = (records: readonly unknown[]): string => records.map(record => `${JSON.stringify(record)}\n`).join('')
const pairs = (fields: object) => Object.entries(fields).map(([name, value]) => ({ name, value: String(value) }))
const text = (value: unknown): string => JSON.stringify(value)

export function captureRecord(at: number, session = 'session-a', more: object = {}): Record<string, Json> {
  return {
    seq: at,
    t_request_ms: startedAt + at * 1000,
    t_response_ms: startedAt + at * 1000 + 500,
    method: 'POST',
    path: '/t/tok-secret-0001/v1/messages?beta=true',
    request_headers: headers(session),
    request_encoding: null,
    request_body: text(requests[at]),
    status: 200,
    response_headers: at === 0 ? json : eventStream,
    response_body: at === 0 ? text(whole) : stream,
    note: '',
    ...more,
  }
}

export function harEntry(at: number, more: object = {}): Record<string, Json> {
  return {
    startedDateTime: new Date(startedAt + at * 1000).toISOString(),
    time: 500,
    request: {
      method: 'POST',
      url: 'https://api.example/v1/messages?beta=true',
      httpVersion: 'HTTP/2',
      headers: pairs(headers('session-a')),
      queryString: [],
      cookies: [],
      headersSize: -1,
      bodySize: -1,
      postData: { mimeType: 'application/json', text: text(requests[at]) },
    },
    response: {
      status: 200,
      statusText: 'OK',
      httpVersion: 'HTTP/2',
      headers: [...pairs(at === 0 ? json : eventStream), { name: 'Content-Encoding', value: 'gzip' }],
      cookies: [],
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
      content:
        at === 0
          ? { size: 1, mimeType: 'application/json', text: text(whole) }
          : { size: 1, mimeType: 'text/event-stream', text: Buffer.from(stream).toString('base64'), encoding: 'base64' },
    },
    cache: {},
    timings: { blocked: 5, dns: -1, connect: 10, send: 1, wait: 84, receive: 400, ssl: 4 },
    ...more,
  }
}

export const har = (entries: readonly unknown[]): string =>
  `{\n "log": {"version": "1.2", "creator": {"name": "x", "version": "1", "entries": [[{}]]}, "comment": "entries", "entries": [\n${entries.map(text).join(' ,\n')}\n], "pages": []}}`

export function traceRecord(at: number, more: object = {}): Record<string, Json> {
  return {
    request: {
      timestamp: (startedAt + at * 1000) / 1000,
      method: 'POST',
      url: 'https://api.anthropic.com/v1/messages?beta=true',
      headers: { ...headers('session-a'), 'x-api-key': 'sk-import-...cdef' },
      body: requests[at] as Json,
    },
    response: {
      timestamp: (startedAt + at * 1000 + 100) / 1000,
      status_code: 200,
      headers: { ...(at === 0 ? json : eventStream), 'content-encoding': 'gzip' },
      ...(at === 0 ? { body: whole } : { body_raw: stream }),
    },
    logged_at: new Date(startedAt + at * 1000 + 500).toISOString(),
    ...more,
  }
}

export function velaRecord(at: number, more: object = {}): Record<string, Json> {
  return {
    session_id: 'case-1',
    biz_id: '',
    request_time: startedAt + at * 5000,
    request_body: requests[at] as Json,
    response_body: { content: [{ type: 'text', text: at === 0 ? 'Whole' : 'Streamed é' }] },
    ...more,
  }
}

/** File name and text by format. */
export const files: Readonly<Record<string, { readonly name: string; readonly text: string }>> = {
  capture: { name: 'capture.jsonl', text: lines([captureRecord(0), captureRecord(1)]) },
  har: { name: 'browser.har', text: har([harEntry(0), harEntry(1)]) },
  'claude-trace': { name: 'log-2026.jsonl', text: lines([traceRecord(0), traceRecord(1)]) },
  'mini-vela': {
    name: 'case-1.jsonl',
    text: lines([velaRecord(0), velaRecord(0, { request_time: startedAt + 3 }), velaRecord(1)]),
  },
  raw: { name: 'raw/index.jsonl', text: lines([rawRecord(0), rawRecord(1)]) },
}

export function rawRecord(at: number, more: object = {}): Record<string, Json> {
  const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex')
  const [asked, answered] = [text(requests[at]), at === 0 ? text(whole) : stream]
  return {
    turnpike_raw: 1,
    id: `01KE2CPKWRJ6WP3MYSXZB9D5Y${at}`,
    session: 'session-a',
    turn: 2,
    attempt: 1,
    route: 'simulated',
    method: 'POST',
    path: '/v1/messages',
    query: 'beta=true',
    status: 200,
    outcome: 'complete',
    failure: null,
    retries: 1,
    started_at: startedAt + at * 1000,
    first_byte_at: startedAt + at * 1000 + 100,
    ended_at: startedAt + at * 1000 + 500,
    request: { headers: Object.entries(headers('session-a')), file: `000${at}-request.bin`, sha256: sha256(asked) },
    response: {
      headers: Object.entries(at === 0 ? json : eventStream),
      file: `000${at}-response.bin`,
      sha256: sha256(answered),
      arrivals: [
        [100, 20],
        [400, Buffer.byteLength(answered) - 20],
      ],
    },
    ...more,
  }
}

export interface Folder {
  readonly directory: string
  readonly write: (name: string, data: string | Buffer) => string
  readonly remove: () => void
}

export function openFolder(): Folder {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-import-'))
  return {
    directory,
    write: (name, data) => {
      const path = join(directory, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, data)
      return name
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** The bodies that a raw index names. */
export function writeRawBodies(folder: Folder): void {
  for (const at of [0, 1]) {
    folder.write(`raw/000${at}-request.bin`, text(requests[at]))
    folder.write(`raw/000${at}-response.bin`, at === 0 ? text(whole) : stream)
  }
}

/** With the proxy's own rules of attribution, as the command does it. */
export function importInto(
  store: Store,
  folder: Folder,
  names: readonly string[],
  more: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  return importFiles(store, {
    files: names,
    directory: folder.directory,
    format: 'auto',
    name: null,
    skipBad: false,
    identify,
    ...more,
  })
}

export const identify: ImportOptions['identify'] = (url, list) => {
  const { attribution, path, query } = attribute(url, list)
  const token = attribution.kind === 'token' ? [attribution.token] : []
  const agentSession = agentSessionOf(list)
  return { path, query, session: agentSession, agentSession, secrets: [...presentedKeys(list, query), ...token] }
}

export { lines as writeLines }
