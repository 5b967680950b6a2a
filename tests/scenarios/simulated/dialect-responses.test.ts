// The simulated OpenAI Responses over real sockets: whole and streamed to the official client, with calls of every kind that agents offer,
// counted, limited and refused.
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/types.ts'
import { readSse } from '../../../protocols/_sse.ts'
import responses from '../../../protocols/openai-responses.ts'
import { openaiClient, start } from './_server.ts'

const script = `
rules:
  - when: { user: 'list' }
    steps:
      - { thinking: 'Think.', text: 'Looking around.', shell: 'ls -a' }
      - { text: 'Seen.' }
  - when: { user: 'patch' }
    steps: [{ tools: [{ name: apply_patch, input: "*** Begin\\n" }, { name: Shell, input: { cmd: ls } }] }]
  - when: { user: 'long' }
    steps: [{ text: 'Half', stop: max_tokens }]
`
const parameters = { type: 'object', properties: { cmd: { type: 'string' } }, required: ['cmd'] }
const shell = { type: 'function' as const, name: 'exec_command', description: 'Runs.', parameters, strict: false }
const custom = { type: 'custom' as const, name: 'apply_patch', description: 'Patches.' }
const codeMode = {
  type: 'additional_tools',
  role: 'developer',
  tools: [
    { type: 'namespace', name: 'functions', tools: [{ type: 'custom', name: 'exec', description: 'tools.exec_command()' }] },
  ],
}

async function post(url: string, body: Json, path = '/v1/responses') {
  const response = await fetch(`${url}/t/token${path}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  const events = isStream ? readSse(Buffer.from(text)) : []
  const answer = isStream ? responses.foldEvents(events) : responses.readResponse(JSON.parse(text) as Json)
  return { response, answer, events, body: isStream ? null : (JSON.parse(text) as JsonObject) }
}

const callsOf = (answer: { message: { blocks: readonly { kind: string }[] } }) =>
  answer.message.blocks.filter(block => block.kind === 'tool-call')

describe('the simulated OpenAI Responses', () => {
  it.each([true, false])('answers the official client with a shell step and goes on, stream %s', async stream => {
    const client = openaiClient(await start(script))
    const ask = async (input: Parameters<typeof client.responses.create>[0]['input']) => {
      const request = { model: 'gpt-x', instructions: 'Be filler.', input: input ?? '', tools: [shell], store: false }
      return stream ? client.responses.stream(request).finalResponse() : client.responses.create(request)
    }
    const first = await ask('list files')
    expect(first).toMatchObject({ model: 'gpt-x', status: 'completed', output_text: 'Looking around.' })
    expect(first.output.map(item => item.type)).toEqual(['reasoning', 'message', 'function_call'])
    expect(first.output.map(item => 'id' in item && String(item.id).split('_').slice(0, 2))).toEqual([
      ['rs', 'simulated'],
      ['msg', 'simulated'],
      ['fc', 'simulated'],
    ])
    const call = first.output.find(item => item.type === 'function_call')
    expect(call).toMatchObject({ name: 'exec_command', arguments: '{"cmd":"ls -a"}', status: 'completed' })
    const history = first.output.map(item => item as unknown as Record<string, Json>)
    const second = await ask([
      { role: 'user', content: 'list files' },
      ...(history as never[]),
      { type: 'function_call_output', call_id: call?.type === 'function_call' ? call.call_id : '', output: '.' },
    ])
    expect(second.output_text).toBe('Seen.')
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(0)
    expect(second.usage?.input_tokens_details.cached_tokens).toBeLessThan(second.usage?.input_tokens ?? 0)
  })

  it('streams the events of the provider, numbered, whose last tells the usage', async () => {
    const { events, response } = await post((await start(script)).url, {
      model: 'gpt-x',
      stream: true,
      input: 'list',
      tools: [shell],
    })
    const data = events.map(event => JSON.parse(event.data) as JsonObject)
    expect(response.headers.get('x-turnpike-simulated')).toBe('true')
    expect(data.map(one => one['type'])).toEqual(events.map(event => event.event))
    expect(data.map(one => one['sequence_number'])).toEqual(data.map((_, index) => index))
    expect(data.map(one => one['type']).filter((type, at, all) => type !== all[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(data.at(-1)?.['response']).toMatchObject({ status: 'completed', usage: { output_tokens: expect.any(Number) } })
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['a function', { tools: [shell] }, { name: 'exec_command', input: { cmd: 'ls -a' } }],
    [
      'JavaScript of code mode, whose tools stand in the input',
      { input: [codeMode, { role: 'user', content: 'list' }] },
      { name: 'exec', wire: { form: 'custom_tool_call' }, inputText: expect.stringContaining('"ls -a"') as unknown as Json },
    ],
    [
      'a local shell',
      { tools: [{ type: 'local_shell' }] },
      { name: 'local_shell', wire: { form: 'local_shell_call' }, input: { type: 'exec', command: ['sh', '-c', 'ls -a'] } },
    ],
  ])('runs a command as %s', async (_what, more, expected) => {
    const server = await start(script)
    for (const stream of [true, false]) {
      const { answer } = await post(server.url, { model: 'gpt-x', input: 'list', stream, ...more })
      expect(callsOf(answer)).toEqual([
        expect.objectContaining({
          ...expected,
          kind: 'tool-call',
          ...('input' in expected ? { input: expect.objectContaining(expected['input'] as object) } : {}),
        }),
      ])
    }
  })

  it('calls a tool that takes free text with the text of the script', async () => {
    const { answer } = await post((await start(script)).url, { model: 'gpt-x', input: 'patch', tools: [custom, shell] })
    expect(callsOf(answer)).toMatchObject([
      { name: 'apply_patch', input: '*** Begin\n', inputText: '*** Begin\n' },
      { name: 'Shell', input: { cmd: 'ls' } },
    ])
  })

  it('says why an answer is incomplete', async () => {
    const server = await start(script)
    const whole = await post(server.url, { model: 'gpt-x', input: 'long' })
    expect(whole.body).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    const streamed = await post(server.url, { model: 'gpt-x', input: 'long', stream: true })
    expect(streamed.events.at(-1)?.event).toBe('response.incomplete')
    expect(streamed.answer.stopReason).toBe('max_output_tokens')
  })

  it('counts tokens, of instructions and tools too', async () => {
    const server = await start(script)
    const count = async (body: JsonObject) => (await post(server.url, body, '/v1/responses/input_tokens')).body ?? {}
    const bare = await count({ model: 'gpt-x', input: 'list' })
    expect(bare).toEqual({ object: 'response.input_tokens', input_tokens: expect.any(Number) })
    expect(bare['input_tokens']).toBe((await post(server.url, { model: 'gpt-x', input: 'list' })).answer.usage?.input)
    for (const more of [{ instructions: 'Be filler.' }, { tools: [shell] }])
      expect((await count({ model: 'gpt-x', input: 'list', ...more }))['input_tokens']).toBeGreaterThan(
        Number(bare['input_tokens']),
      )
    expect(server.calls()).toBe(1)
  })

  it.each([{ model: 'gpt-x' }, { model: 'gpt-x', input: [] }, { input: 'list' }])(
    'refuses %j as the provider does',
    async body => {
      const { response, answer } = await post((await start(script)).url, body)
      expect(response.status).toBe(400)
      expect(answer.error).toMatchObject({ type: 'invalid_request_error' })
    },
  )
})
