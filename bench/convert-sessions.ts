// Agent sessions of any length for the converters' benchmark: every call sends its whole history, which grows by an answer and a tool's
// result. As the log that mini-vela's proxy writes (one line per call with the whole request, spaced as Python writes JSON), and as a
// store filled through its recorder. A session takes the memory of its last request, however many calls it has.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { HeaderList, Scope } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { createUlid } from '../store/ulid.ts'
import { makeText } from './content.ts'

/** `plain`; `double`: each call logged twice; `ephemeral`: a block in the newest message that no later request repeats. */
export const sessionKinds = ['plain', 'double', 'ephemeral'] as const
export type SessionKind = (typeof sessionKinds)[number]

export interface SessionShape {
  readonly kind: SessionKind
  readonly calls: number
  /** Of each message of the history. */
  readonly messageBytes: number
}

interface SessionCall {
  readonly number: number
  /** JSON of the request. Valid until the next call is asked for. */
  readonly request: Buffer
  readonly content: ReadonlyArray<Readonly<Record<string, unknown>>>
}

export const sessionName = 'bench'
const toolCount = 15
const [toolBytes, systemBytes] = [1000, 8000]
const startedAt = 1_760_000_000_000

/** As Python's json.dumps writes it: a space after each comma and colon. */
function writeSpaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeSpaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${writeSpaced(inner)}`)
  return `{${members.join(', ')}}`
}

/** Passages of one long text; when it is used up it begins again elsewhere, so that no two messages are equal. */
function createText(bytes: number): (bytes: number) => string {
  const json = makeText(bytes, 3).toString('latin1').replace(/\\?$/, '')
  const text = JSON.parse(`"${json}"`) as string
  let [at, rounds] = [0, 0]
  return size => {
    if (at + size > text.length) at = ++rounds * 97
    at += size
    return text.slice(at - size, at)
  }
}

/** What the answer to call `number` begins with, and how a reader of the output recognises it. */
const answerMark = (number: number): string => `Answer ${number}.`
export const answerPattern = /^Answer (\d+)\./

function* makeCalls({ kind, calls, messageBytes }: SessionShape): Iterable<SessionCall> {
  const take = createText(Math.min(2 * calls * messageBytes, 4_000_000) + 100_000)
  const tools = Array.from({ length: toolCount }, (_, index) => ({
    name: `tool_${index}`,
    description: take(toolBytes),
    input_schema: {
      type: 'object',
      properties: { path: { type: 'string', description: take(60) }, line: { type: 'integer' } },
      required: ['path'],
    },
  }))
  const settings = { system: [{ type: 'text', text: take(systemBytes) }], tools, model: 'claude-bench', max_tokens: 32_000 }
  const tail = `], ${writeSpaced({ ...settings, metadata: {} }).slice(1)}`
  const body = Buffer.allocUnsafe((2 * calls + 2) * (messageBytes + 400) + 2 * tail.length)
  const user = (blocks: readonly unknown[]): string => writeSpaced({ role: 'user', content: blocks })
  let end = body.write('{"messages": [', 'latin1')
  let newest: unknown = { type: 'text', text: take(messageBytes) }
  for (let number = 0; number < calls; number++) {
    const reminder = { type: 'text', text: `<system-reminder>${number} calls so far. ${take(60)}</system-reminder>` }
    const asked = end + body.write(user(kind === 'ephemeral' ? [newest, reminder] : [newest]), end, 'latin1')
    const id = `toolu_${number.toString(36).padStart(12, '0')}`
    const input = { path: `src/file_${number % 40}.ts`, line: number }
    const content = [
      { type: 'text', text: `${answerMark(number)} ${take(Math.max(16, messageBytes - 240))}` },
      { type: 'tool_use', id, name: `tool_${number % toolCount}`, input },
    ]
    yield { number, request: body.subarray(0, asked + body.write(tail, asked, 'latin1')), content }
    end += body.write(`${user([newest])}, ${writeSpaced({ role: 'assistant', content })}, `, end, 'latin1')
    newest = { type: 'tool_result', tool_use_id: id, content: take(Math.max(16, messageBytes - 120)) }
  }
}

/** Gives back the bytes written. */
export function writeLog(path: string, shape: SessionShape): number {
  const file = openSync(path, 'w')
  let bytes = 0
  const write = (data: Buffer): void => {
    for (let at = 0; at < data.length; ) at += writeSync(file, data, at)
    bytes += data.length
  }
  for (const { number, request, content } of makeCalls(shape))
    for (const hook of shape.kind === 'double' ? [0, 3] : [0]) {
      const time = startedAt + number * 4000 + hook
      write(Buffer.from(`{"session_id": "${sessionName}", "biz_id": "", "request_time": ${time}, "request_body": `))
      write(request)
      write(Buffer.from(`, "response_body": ${writeSpaced({ content })}}\n`))
    }
  closeSync(file)
  return bytes
}

const requestHeaders: HeaderList = [
  ['content-type', 'application/json'],
  ['anthropic-version', '2023-06-01'],
]
const responseHeaders: HeaderList = [['content-type', 'text/event-stream; charset=utf-8']]

/** As a proxy would have recorded it, answers streamed. `double` is the same exchange twice, as a client's blind retry would be. */
export async function writeStore(directory: string, shape: SessionShape): Promise<void> {
  const store = await openStore(directory)
  const scope = { kind: 'session', id: createUlid() } as const
  await store.put('sessions', [{ id: scope.id, name: sessionName, source: 'import', agentSession: null, startedAt }])
  await recordCalls(store, scope, shape, () => null)
  await store.close()
}

/** `turnOf` tells the turn of a trial that a call belongs to; null = it is no trial's. */
export async function recordCalls(
  store: Store,
  scope: Scope,
  shape: SessionShape,
  turnOf: (call: number) => number | null,
): Promise<void> {
  for (const { number, request, content } of makeCalls(shape)) {
    const [id, at, turn] = [createUlid(), startedAt + number * 4000, turnOf(number)]
    const place = { turn, attempt: turn === null ? null : 1, route: null, query: '', secrets: [] }
    const begin = { ...place, id, scope, protocol: 'anthropic-messages', method: 'POST', path: '/v1/messages' }
    await store.recorder.begin({ ...begin, requestHeaders, requestBody: request, startedAt: at })
    store.recorder.append(id, Buffer.from(writeStream(number, content)), at + 2000)
    const end = { outcome: 'complete', failure: null, providerRequestId: null, retries: 0, status: 200, responseHeaders } as const
    await store.recorder.end(id, { ...end, firstByteAt: at + 300, endedAt: at + 2000 })
  }
}

function writeStream(number: number, content: SessionCall['content']): string {
  const message = { id: `msg_${number}`, type: 'message', role: 'assistant', model: 'claude-bench', content: [] }
  const usage = { input_tokens: 1000 + number, output_tokens: 400 }
  const events: object[] = [{ type: 'message_start', message: { ...message, usage } }]
  for (const [index, block] of content.entries()) {
    const [isText, text] = [block['type'] === 'text', String(block['text'] ?? JSON.stringify(block['input']))]
    events.push({
      type: 'content_block_start',
      index,
      content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
    })
    for (const part of text.match(/[\s\S]{1,24}/g) ?? []) {
      const delta = isText ? { type: 'text_delta', text: part } : { type: 'input_json_delta', partial_json: part }
      events.push({ type: 'content_block_delta', index, delta })
    }
    events.push({ type: 'content_block_stop', index })
  }
  events.push(
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 400 } },
    { type: 'message_stop' },
  )
  return events.map(event => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}
