// Exchanges in few words, and conversations that grow as agents' do. Free of the test runner: scripts and child processes use it too.
import type { ExchangeBegin, ExchangeEnd, Store } from '../../store/_adapter.ts'
import { createUlid } from '../../store/ulid.ts'

export function describeBegin(body: Uint8Array | string, changes: Partial<ExchangeBegin> = {}): ExchangeBegin {
  return {
    id: createUlid(),
    scope: { kind: 'session', id: 'S1' },
    turn: null,
    attempt: null,
    protocol: 'anthropic-messages',
    route: 'default',
    method: 'POST',
    path: '/v1/messages',
    query: '',
    requestHeaders: [
      ['Content-Type', 'application/json'],
      ['Content-Length', String(body.length)],
      ['X-Api-Key', '********'],
    ],
    requestBody: typeof body === 'string' ? Buffer.from(body) : body,
    startedAt: 1_795_000_000_000.125,
    secrets: [],
    ...changes,
  }
}

export function describeEnd(changes: Partial<ExchangeEnd> = {}): ExchangeEnd {
  return {
    status: 200,
    responseHeaders: [['content-type', 'text/event-stream']],
    outcome: 'complete',
    failure: null,
    providerRequestId: 'req_1',
    retries: 0,
    firstByteAt: 1_795_000_000_100,
    endedAt: 1_795_000_000_200,
    ...changes,
  }
}

/** One whole exchange; its id. */
export async function recordExchange(
  store: Store,
  body: Uint8Array | string,
  answer: Uint8Array | string,
  begin: Partial<ExchangeBegin> = {},
  end: Partial<ExchangeEnd> = {},
): Promise<string> {
  const described = describeBegin(body, begin)
  await store.recorder.begin(described)
  if (answer.length > 0) store.recorder.append(described.id, Buffer.from(answer), described.startedAt + 100)
  await store.recorder.end(described.id, describeEnd(end))
  return described.id
}

export async function readText(store: Store, id: string, side: 'request' | 'response'): Promise<string> {
  return (await store.readBody(id, side))?.bytes.toString() ?? ''
}

/** Deterministic filler that does not compress to nothing. */
export function writeFiller(seed: number, chars: number): string {
  let state = (seed * 2_654_435_761 + 12345) >>> 0
  let text = ''
  while (text.length < chars) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += `${(state >>> 5).toString(36)} `
  }
  return text.slice(0, chars)
}

/** The request bodies of a conversation: tools and history sent again with every call, as agents do. */
export function writeConversation(
  calls: number,
  options: { readonly messageChars?: number; readonly toolsLast?: boolean } = {},
): Buffer[] {
  const { messageChars = 700, toolsLast = true } = options
  const tools = Array.from({ length: 8 }, (_, at) => ({
    name: `tool_${at}`,
    description: writeFiller(900 + at, 600),
    input_schema: { type: 'object' },
  }))
  const body = { model: 'm', max_tokens: 8192, system: [{ type: 'text', text: writeFiller(1, 1500) }] }
  const whole = toolsLast ? { ...body, messages: [], tools, stream: true } : { ...body, tools, messages: [], stream: true }
  const [head = '', tail = ''] = JSON.stringify(whole).split(/(?<="messages":\[)/)
  // Grown as bytes: to print hundreds of megabytes of JSON anew took longer than to record them.
  let history = Buffer.alloc(0)
  const add = (message: object): void => {
    history = Buffer.concat([history, Buffer.from((history.length > 0 ? ',' : '') + JSON.stringify(message))])
  }
  return Array.from({ length: calls }, (_, call) => {
    add({ role: 'user', content: [{ type: 'text', text: `"quoted" \\ ${writeFiller(call * 2, messageChars)}` }] })
    const bytes = Buffer.concat([Buffer.from(head), history, Buffer.from(tail)])
    add({ role: 'assistant', content: [{ type: 'text', text: writeFiller(call * 2 + 1, messageChars) }] })
    return bytes
  })
}
