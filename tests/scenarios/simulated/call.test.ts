import { describe, expect, it } from 'vitest'
import { anthropicClient, anthropicTools, openaiClient, openaiTools, post, start } from './_server.ts'

const script = `
rules:
  - steps:
      - { thinking: I think so., text: I run it., shell: "echo 'ü' && ls", tools: [{ name: Other, input: { a: [1, "ß🙂"] } }] }
      - { text: All done (simulated). }
`
const longText = 'All done (simulated).'

describe('with the official Anthropic client', () => {
  const ask = {
    model: 'claude-x',
    max_tokens: 1_000,
    tools: anthropicTools,
    messages: [{ role: 'user' as const, content: 'go' }],
  }
  const expected = [
    { type: 'thinking', thinking: 'I think so.', signature: expect.stringContaining('simulated') },
    { type: 'text', text: 'I run it.' },
    {
      type: 'tool_use',
      id: expect.stringMatching(/^toolu_simulated_[\w]+$/),
      name: 'Bash',
      input: { command: "echo 'ü' && ls" },
    },
    { type: 'tool_use', id: expect.stringMatching(/^toolu_simulated_[\w]+$/), name: 'Other', input: { a: [1, 'ß🙂'] } },
  ]

  it('a whole answer and a streamed one say the same', async () => {
    const client = anthropicClient(await start(script))
    const { data: whole, response } = await client.messages.create(ask).withResponse()
    expect(whole.content).toMatchObject(expected)
    expect(whole).toMatchObject({ model: 'claude-x', stop_reason: 'tool_use', id: expect.stringMatching(/^msg_simulated_\w+$/) })
    expect(response.headers.get('x-turnpike-simulated')).toBe('true')
    expect(response.headers.get('request-id')).toMatch(/^req_simulated_/)
    const streamed = await client.messages.stream(ask).finalMessage()
    const { id, model, content, stop_reason } = whole
    expect(streamed).toMatchObject({ id, model, content, stop_reason })
    expect(streamed.usage).toMatchObject({ input_tokens: whole.usage.input_tokens, output_tokens: whole.usage.output_tokens })
  })

  it('a whole loop of calls ends by itself, ids pairing', async () => {
    const client = anthropicClient(await start(script))
    const first = await client.messages.create(ask)
    const results = first.content.flatMap(block =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'ok' }] : [],
    )
    const second = await client.messages.create({
      ...ask,
      messages: [...ask.messages, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
    })
    expect(second).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: longText }] })
    expect(second.id).not.toBe(first.id)
  })

  it('reports what a prompt cache would have written and read', async () => {
    const client = anthropicClient(await start(script))
    const system = [{ type: 'text' as const, text: 'x'.repeat(4_000), cache_control: { type: 'ephemeral' as const } }]
    const first = (await client.messages.create({ ...ask, system })).usage
    const second = (
      await client.messages.stream({ ...ask, system, messages: [{ role: 'user', content: 'other' }] }).finalMessage()
    ).usage
    expect(first.cache_creation_input_tokens).toBeGreaterThan(1_000)
    expect(first.cache_read_input_tokens).toBe(0)
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens)
    expect(second.cache_creation_input_tokens).toBe(0)
    const count = await client.messages.countTokens({ model: 'claude-x', system, messages: ask.messages, tools: anthropicTools })
    expect(count.input_tokens).toBe(first.input_tokens + (first.cache_creation_input_tokens ?? 0))
  })
})

describe('with the official OpenAI client', () => {
  const ask = { model: 'gpt-x', tools: openaiTools, messages: [{ role: 'user' as const, content: 'go' }] }

  it('a whole answer and a streamed one say the same', async () => {
    const client = openaiClient(await start(script))
    const { data: whole, response } = await client.chat.completions.create(ask).withResponse()
    const message = whole.choices[0]?.message
    expect(whole).toMatchObject({ model: 'gpt-x', id: expect.stringMatching(/^chatcmpl-simulated-\w+$/) })
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls')
    expect(message?.content).toBe('I run it.')
    expect(message).toMatchObject({ reasoning_content: 'I think so.' })
    const calls = message?.tool_calls?.map(call =>
      call.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : [],
    )
    expect(calls).toEqual([
      ['bash', { command: "echo 'ü' && ls" }],
      ['Other', { a: [1, 'ß🙂'] }],
    ])
    for (const call of message?.tool_calls ?? []) expect(call.id).toMatch(/^call_simulated_[\w]{1,25}$/)
    expect(response.headers.get('x-turnpike-simulated')).toBe('true')
    expect(response.headers.get('x-request-id')).toMatch(/^req_simulated_/)

    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } })
    const streamed = await stream.finalChatCompletion()
    expect(streamed.choices[0]?.message.content).toBe(message?.content)
    expect(streamed.choices[0]?.message.tool_calls?.map(({ id }) => id)).toEqual(message?.tool_calls?.map(({ id }) => id))
    expect(streamed.choices[0]?.message.tool_calls?.map(call => JSON.parse(call.function.arguments))).toEqual(
      calls?.map(([, input]) => input),
    )
    expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens)
  })

  it('reports cached tokens of what was sent before', async () => {
    const client = openaiClient(await start(script))
    const messages = [
      { role: 'system' as const, content: 'x'.repeat(4_000) },
      { role: 'user' as const, content: 'go' },
    ]
    const first = (await client.chat.completions.create({ ...ask, messages })).usage
    const second = (await client.chat.completions.create({ ...ask, messages: [...messages, { role: 'user', content: 'more' }] }))
      .usage
    expect(first?.prompt_tokens_details?.cached_tokens).toBe(0)
    expect(second?.prompt_tokens_details?.cached_tokens).toBe(first?.prompt_tokens)
    expect(second?.prompt_tokens).toBeGreaterThan(first?.prompt_tokens ?? 0)
  })

  it('sends usage in a stream only when asked', async () => {
    const server = await start(script)
    const body = { model: 'gpt-x', stream: true, messages: [{ role: 'user', content: 'go' }] }
    const send = async (more: object) =>
      (await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ ...body, ...more }) })).text()
    expect(await send({})).not.toContain('"usage"')
    expect(await send({ stream_options: { include_usage: true } })).toContain('"usage"')
  })
})

describe('the script', () => {
  it('overrides stop reason and usage, and the answer says so', async () => {
    const server = await start(
      'rules: [{ steps: [{ text: a, stop: max_tokens, usage: { input: 10, cached_read: 3, cached_write: 2, output: 20 } }] }]',
    )
    const anthropic = await post(server, 'anthropic', 'hi', false)
    expect(anthropic.headers.get('x-turnpike-simulated-usage')).toBe('scripted')
    expect(await anthropic.json()).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { input_tokens: 10, cache_read_input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 20 },
    })
    const openai = await post(server, 'openai', 'hi', false)
    expect(await openai.json()).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { prompt_tokens: 13, completion_tokens: 20, total_tokens: 33, prompt_tokens_details: { cached_tokens: 3 } },
    })
  })

  it('keeps the pace it was given', async () => {
    const server = await start('rules: [{ steps: [{ text: "abcdefgh", chunk_chars: 2, delay_ms: 150, chunk_delay_ms: 20 }] }]')
    const before = performance.now()
    const response = await post(server, 'anthropic', 'hi', true)
    expect(performance.now() - before).toBeGreaterThanOrEqual(145)
    const text = await response.text()
    expect(performance.now() - before).toBeGreaterThanOrEqual(145 + 8 * 19)
    expect(text.match(/text_delta/g)).toHaveLength(4)
  })

  it('never cuts a character in two', async () => {
    const server = await start('rules: [{ steps: [{ text: "🙂🙃🙂🙃", chunk_chars: 1 }] }]')
    const text = await (await post(server, 'openai', 'hi', true)).text()
    expect(text.match(/"content":"(🙂|🙃)"/gu)).toHaveLength(4)
  })

  it('pings Anthropic streams as the provider does', async () => {
    const server = await start(script)
    const text = await (await post(server, 'anthropic', 'hi', true)).text()
    expect(text.indexOf('event: ping')).toBeGreaterThan(text.indexOf('event: message_start'))
    expect(text.indexOf('event: ping')).toBeLessThan(text.indexOf('event: content_block_start'))
  })
})
