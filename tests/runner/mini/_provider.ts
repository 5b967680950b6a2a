// A provider of a few lines: answers the k-th request with the k-th scripted step, over SSE, in both protocols.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atEnd } from '../_sandbox.ts'

export interface Step {
  readonly text?: string
  readonly commands?: readonly string[]
  /** Raw arguments instead of commands. */
  readonly rawArguments?: string
  readonly status?: number
  readonly stop?: string
  readonly cut?: boolean
}

export interface Seen {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: { readonly messages: readonly unknown[]; readonly [key: string]: unknown }
  readonly raw: string
}

export async function startProvider(steps: readonly Step[]): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString()
      const step = steps[seen.length] ?? { text: 'nothing more' }
      seen.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(raw), raw })
      answer(response, step, request.url?.endsWith('/v1/messages') === true)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

function answer(response: ServerResponse, step: Step, anthropic: boolean): void {
  if (step.status !== undefined) {
    response.writeHead(step.status, { 'content-type': 'application/json', 'retry-after': '0' })
    response.end(JSON.stringify({ type: 'error', error: { type: 'api_error', message: `scripted ${step.status}` } }))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const events = anthropic ? anthropicEvents(step) : chatEvents(step)
  for (const event of step.cut ? events.slice(0, 3) : events) response.write(event)
  // What was written must have arrived: a connection that breaks before the headers is rightly tried again.
  if (step.cut) setTimeout(() => response.destroy(), 200)
  else response.end()
}

const calls = (step: Step): string[] =>
  step.rawArguments === undefined ? (step.commands ?? []).map(command => JSON.stringify({ command })) : [step.rawArguments]

function anthropicEvents(step: Step): string[] {
  const events: object[] = [
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
  ]
  let index = 0
  const block = (content_block: object, delta: object): void => {
    events.push(
      { type: 'content_block_start', index, content_block },
      { type: 'content_block_delta', index, delta },
      { type: 'content_block_stop', index },
    )
    index++
  }
  if (step.text !== undefined) block({ type: 'text', text: '' }, { type: 'text_delta', text: step.text })
  for (const json of calls(step))
    block({ type: 'tool_use', id: `toolu_${index}`, name: 'bash', input: {} }, { type: 'input_json_delta', partial_json: json })
  const stop_reason = step.stop ?? (calls(step).length > 0 ? 'tool_use' : 'end_turn')
  events.push(
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  )
  return events.map(event => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
}

function chatEvents(step: Step): string[] {
  const chunk = (delta: object, finish_reason: string | null = null): object => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason }],
  })
  const events: object[] = [chunk({ role: 'assistant', content: '' })]
  if (step.text !== undefined) events.push(chunk({ content: step.text }))
  for (const [index, json] of calls(step).entries()) {
    events.push(
      chunk({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: 'bash', arguments: '' } }] }),
    )
    for (const part of [json.slice(0, 5), json.slice(5)])
      events.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }))
  }
  events.push(chunk({}, step.stop ?? (calls(step).length > 0 ? 'tool_calls' : 'stop')), {
    id: 'c1',
    choices: [],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  })
  return [...events.map(event => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n']
}
