// The simulated provider's WebSocket, spoken to directly: answers as over HTTP, going on from a response, warm-up, errors, faults.
import { afterEach, describe, expect, it } from 'vitest'
import { protocolById } from '../../../protocols/_all.ts'
import { parseScript } from '../../../scenarios/simulated/script.ts'
import { type SimulatedServer, startSimulated } from '../../../scenarios/simulated/server.ts'
import { type AgentSocket, create, openAgent } from '../../sockets.ts'

interface SentEvent {
  readonly type: string
  readonly delta?: string
  readonly stream_id?: string
  readonly response?: {
    readonly id: string
    readonly output: readonly object[]
    readonly usage: {
      readonly input_tokens: number
      readonly output_tokens: number
      readonly input_tokens_details: { readonly cached_tokens: number }
    }
  }
  readonly error?: { readonly code: string }
}

let server: SimulatedServer

async function open(script?: string): Promise<AgentSocket> {
  server = await startSimulated({ seed: 7, ...(script === undefined ? {} : { script: parseScript(script, 'script.yaml') }) })
  return openAgent(`${server.url}/v1/responses`)
}

afterEach(() => server?.close())

const ends = /"type":"(response\.(completed|incomplete|failed)|error)"/

/** The events of the next answer. */
async function answerTo(agent: AgentSocket, message: string): Promise<SentEvent[]> {
  const before = agent.received.length
  agent.socket.send(message)
  for (let count = before + 1; ; count++) {
    const texts = await agent.messages(count)
    if (ends.test(texts[count - 1] ?? '')) return texts.slice(before).map(text => JSON.parse(text))
  }
}

const user = (text: string) => [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }]
const idOf = (events: SentEvent[]): string | undefined => events.at(-1)?.response?.id
const textOf = (events: SentEvent[]): string =>
  events
    .filter(({ type }) => type === 'response.output_text.delta')
    .map(({ delta }) => delta)
    .join('')

const script = `
version: 1
rules:
  - when: { user: first }
    steps: [{ text: one }]
  - when: { user: second }
    steps: [{ text: two }]
  - when: { user: broken }
    steps: [{ text: a long enough text to cut somewhere }]
`

it('answers as it answers the same request over HTTP', async () => {
  const agent = await open(script)
  const events = await answerTo(agent, create({ input: user('first') }))
  expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['response.created', 'response.in_progress'])
  const body = { model: 'gpt-test', input: user('first'), stream: true }
  const plain = await fetch(`${server.url}/v1/responses`, { method: 'POST', body: JSON.stringify(body) })
  const overHttp = (await plain.text())
    .split('\n')
    .filter(line => line.startsWith('data: '))
    .map(line => JSON.parse(line.slice(6)))
  const strip = (event: SentEvent) =>
    JSON.stringify(event)
      .replace(/"usage":\{.*?\}\}/, '')
      .replace(/"cached_tokens":\d+/, '')
  expect(events.slice(0, -1).map(strip)).toEqual(overHttp.slice(0, -1).map(strip))
  expect(textOf(events)).toBe('one')
  expect(server.calls()).toBe(2)
})

it('goes on from a response: the new items follow what was asked and answered', async () => {
  const agent = await open(script)
  const first = await answerTo(agent, create({ input: user('first') }))
  const goneOn = await answerTo(agent, create({ input: user('second'), previous_response_id: idOf(first) }))
  const whole = [...user('first'), ...(first.at(-1)?.response?.output ?? []), ...user('second')]
  const atOnce = await answerTo(agent, create({ input: whole }))
  expect(textOf(goneOn)).toBe('two')
  // The id is a digest of the whole conversation: the same id is the same conversation.
  expect(idOf(goneOn)).toBe(idOf(atOnce))
  expect(idOf(goneOn)).not.toBe(idOf(first))
})

it('warms up without an answer, and the next message goes on from that', async () => {
  const agent = await open(script)
  const developer = [{ type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'be brief '.repeat(100) }] }]
  const warm = await answerTo(agent, create({ input: developer, generate: false }))
  expect(warm.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.completed'])
  expect(warm.at(-1)?.response).toMatchObject({ output: [], usage: { output_tokens: 0 } })
  expect(warm.at(-1)?.response?.usage.input_tokens).toBeGreaterThan(200)
  const next = await answerTo(agent, create({ input: user('first'), previous_response_id: idOf(warm) }))
  expect(next.at(-1)?.response?.usage.input_tokens_details.cached_tokens).toBeGreaterThan(200)
  expect(idOf(next)).toBe(idOf(await answerTo(agent, create({ input: [...developer, ...user('first')] }))))
  expect(server.calls()).toBe(2)
})

describe('a response that is not there', () => {
  it('is an error event, and the socket serves on', async () => {
    const agent = await open(script)
    expect(await answerTo(agent, create({ previous_response_id: 'resp_nobody', stream_id: 's' }))).toMatchObject([
      {
        type: 'error',
        status: 400,
        stream_id: 's',
        error: { code: 'previous_response_not_found', param: 'previous_response_id', type: 'invalid_request_error' },
      },
    ])
    expect(textOf(await answerTo(agent, create({ input: user('first') })))).toBe('one')
  })

  it('is one that another socket was told not to store', async () => {
    const agent = await open(script)
    const stored = await answerTo(agent, create({ input: user('first') }))
    const own = await answerTo(agent, create({ input: user('second'), store: false }))
    const other = await openAgent(`${server.url}/v1/responses`)
    const goOn = (events: SentEvent[]) => create({ input: user('first'), previous_response_id: idOf(events) })
    expect((await answerTo(other, goOn(stored))).at(-1)?.type).toBe('response.completed')
    expect((await answerTo(other, goOn(own))).at(-1)?.error?.code).toBe('previous_response_not_found')
    expect((await answerTo(agent, goOn(own))).at(-1)?.type).toBe('response.completed')
  })
})

it('answers on the stream it was asked on, one after the other', async () => {
  const agent = await open(script)
  agent.socket.send(create({ input: user('first'), stream_id: 'a' }))
  agent.socket.send(create({ input: user('second'), stream_id: 'b' }))
  const events = (await agent.messages(18)).map((text): SentEvent => JSON.parse(text))
  expect(events.map(event => event.stream_id).join('')).toBe(`${'a'.repeat(9)}${'b'.repeat(9)}`)
})

it.each([
  ['not JSON', 'is not valid JSON'],
  ['[]', 'is not a JSON object'],
  ['{"type":"session.update"}', 'response.create'],
  ['{"type":"response.create"}', 'model: Field required'],
  ['{"type":"response.create","generate":false}', 'model: Field required'],
])('%s is refused as an error event', async (message, what) => {
  const agent = await open()
  const [error] = await answerTo(agent, message)
  expect(error).toMatchObject({ type: 'error', status: 400, error: { message: expect.stringContaining(what) } })
})

it('says nothing to what asks for nothing', async () => {
  const agent = await open(script)
  agent.socket.send('{"type":"response.processed","response_id":"r"}')
  agent.socket.send('{"type":"response.cancel"}')
  expect(textOf(await answerTo(agent, create({ input: user('first') })))).toBe('one')
})

describe('a fault', () => {
  const withFault = (fault: string) => open(script.replace('somewhere', `somewhere, fault: ${fault}`))
  const broken = create({ input: user('broken') })

  it('of a status is an error event with its headers; the next try is answered', async () => {
    const agent = await withFault('{ kind: status, status: 429, retry_after_s: 3 }')
    const [error] = await answerTo(agent, broken)
    expect(error).toMatchObject({
      type: 'error',
      status: 429,
      error: { code: 'rate_limit_exceeded' },
      headers: { 'retry-after': '3' },
    })
    expect(textOf(await answerTo(agent, broken))).toContain('long enough')
  })

  it.each([
    ['cut', 2],
    ['reset', 0],
  ])('%s ends the connection without a close frame', async (kind, events) => {
    const agent = await withFault(kind === 'cut' ? '{ kind: cut, after_events: 2 }' : '{ kind: reset }')
    agent.socket.on('error', () => undefined)
    agent.socket.send(broken)
    expect((await agent.closed).code).toBe(1006)
    expect(agent.received).toHaveLength(events)
  })

  it('malformed breaks the JSON of one message and no frame', async () => {
    const agent = await withFault('{ kind: malformed, after_events: 2 }')
    agent.socket.send(broken)
    const texts = await agent.messages(6)
    expect(() => JSON.parse(texts[2] ?? '')).toThrow()
    expect(JSON.parse(texts[3] ?? '')).toHaveProperty('type')
  })

  it('drip sends fragments that join to the same messages', async () => {
    const agent = await withFault('{ kind: drip, ms: 0 }')
    expect(textOf(await answerTo(agent, broken))).toContain('long enough')
  })
})

it('says what it is in its 101, and takes no socket elsewhere', async () => {
  await open()
  let header: string | undefined
  await openAgent(`${server.url}/v1/responses?x=1`, {
    finishRequest: request => {
      request.on('upgrade', answer => (header = answer.headers['x-turnpike-simulated'] as string))
      request.end()
    },
  })
  expect(header).toBe('true')
  await expect(openAgent(`${server.url}/v1/chat/completions`)).rejects.toMatchObject({ status: 404 })
  expect(protocolById('openai-chat')?.framings).not.toContain('websocket')
})

it('ends at once when the provider closes', async () => {
  const agent = await open()
  await server.close()
  expect((await agent.closed).code).toBe(1006)
})
