// One dialect in, the other out: an Anthropic client on a Chat Completions server and the reverse. The cases are those on which
// translating proxies are known to fail.
import { describe, expect, it } from 'vitest'
import type { Answer, Conversation, Json, JsonObject } from '../../core/types.ts'
import { readSse } from '../../protocols/_sse.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import chat from '../../protocols/openai-chat.ts'
import { decodeChunks, readFixtures } from './fixtures.ts'

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'upstream-model' }
const chunk = (delta: Json, finish: string | null = null): JsonObject => ({
  ...head,
  choices: [{ index: 0, delta, finish_reason: finish }],
})
const call = (index: number, fields: JsonObject): JsonObject => chunk({ tool_calls: [{ index, ...fields }] })
const usage: JsonObject = {
  ...head,
  choices: [],
  usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, prompt_tokens_details: { cached_tokens: 64 } },
}
const streamOf = (events: readonly JsonObject[], done = true): Buffer =>
  Buffer.from(events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('') + (done ? 'data: [DONE]\n\n' : ''))

interface Told {
  readonly blocks: Json[]
  readonly stop: Json
  readonly usage: Json
  readonly ended: boolean
  readonly error: Json
}

/** What a strict client understands: events in order, one block open at a time, indices counting up, arguments valid JSON. */
function readStrictly(events: Iterable<{ event: string; data: string }>): Told {
  const blocks: JsonObject[] = []
  let open: { index: number; block: Record<string, Json>; text: string } | null = null
  let told: Told = { blocks, stop: null, usage: null, ended: false, error: null }
  let started = false
  for (const { event, data } of events) {
    const body = JSON.parse(data) as Record<string, Json> & {
      index: number
      delta: Record<string, string>
      content_block: JsonObject
    }
    expect(event).toBe(body['type'])
    expect(told.ended).toBe(false)
    if (body['type'] === 'message_start') {
      expect(started).toBe(false)
      started = true
      expect(body['message']).toMatchObject({
        type: 'message',
        role: 'assistant',
        content: [],
        stop_reason: null,
        usage: { input_tokens: expect.any(Number) },
      })
    } else if (body['type'] === 'error') {
      told = { ...told, error: body['error'] ?? null }
    } else expect(started).toBe(true)
    if (body['type'] === 'content_block_start') {
      expect(open).toBeNull()
      expect(body.index).toBe(blocks.length)
      open = { index: body.index, block: { ...body.content_block }, text: '' }
    }
    if (body['type'] === 'content_block_delta') {
      expect(open?.index).toBe(body.index)
      const kinds: Record<string, string> = { text_delta: 'text', thinking_delta: 'thinking', input_json_delta: 'tool_use' }
      expect(kinds[body.delta['type'] ?? '']).toBe(open?.block['type'])
      if (open) open.text += body.delta['text'] ?? body.delta['thinking'] ?? body.delta['partial_json'] ?? ''
    }
    if (body['type'] === 'content_block_stop' && open) {
      expect(body.index).toBe(open.index)
      const type = open.block['type']
      blocks.push(
        type === 'tool_use'
          ? { ...open.block, input: open.text === '' ? {} : (JSON.parse(open.text) as Json) }
          : { ...open.block, [String(type)]: open.text },
      )
      open = null
    }
    if (body['type'] === 'message_delta') {
      expect(open).toBeNull()
      told = { ...told, stop: (body['delta'] as unknown as JsonObject)['stop_reason'] ?? null, usage: body['usage'] ?? null }
    }
    if (body['type'] === 'message_stop') told = { ...told, ended: true }
  }
  return told
}

const toAnthropic = (stream: Buffer): Told =>
  readStrictly(anthropic.writeEvents(chat.foldEvents(readSse(stream)), text => text.match(/[\s\S]{1,4}/gu) ?? []))
const figures = { input_tokens: 36, cache_read_input_tokens: 64, output_tokens: 20 }

describe('an Anthropic client on a Chat Completions server: answers', () => {
  it('text, with the cache taken out of the input and usage after the reason for stopping', () => {
    const told = toAnthropic(
      streamOf([chunk({ role: 'assistant', content: 'Hello ' }), chunk({ content: 'wörld' }), chunk({}, 'stop'), usage]),
    )
    expect(told).toEqual({
      blocks: [{ type: 'text', text: 'Hello wörld' }],
      stop: 'end_turn',
      usage: figures,
      ended: true,
      error: null,
    })
  })
  it('reasoning is thinking, without a made-up signature', () => {
    const told = toAnthropic(
      streamOf([chunk({ role: 'assistant', reasoning_content: 'Because' }), chunk({ content: 'Yes' }), chunk({}, 'stop'), usage]),
    )
    expect(told.blocks).toEqual([
      { type: 'thinking', thinking: 'Because', signature: '' },
      { type: 'text', text: 'Yes' },
    ])
  })
  it('two tool calls one after the other', () => {
    const told = toAnthropic(
      streamOf([
        call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        call(0, { function: { arguments: '{"é":1}' } }),
        call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{"b":2}' } }),
        chunk({}, 'tool_calls'),
        usage,
      ]),
    )
    expect(told.blocks).toEqual([
      { type: 'tool_use', id: 'a', name: 'f', input: { é: 1 } },
      { type: 'tool_use', id: 'b', name: 'g', input: { b: 2 } },
    ])
    expect(told).toMatchObject({ stop: 'tool_use', usage: figures })
  })
  it('two tool calls whose fragments interleave', () => {
    const told = toAnthropic(
      streamOf([
        call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":' } }),
        call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{"b":' } }),
        call(0, { function: { arguments: '1}' } }),
        call(1, { function: { arguments: '2}' } }),
        chunk({}, 'tool_calls'),
        usage,
      ]),
    )
    expect(told.blocks).toEqual([
      { type: 'tool_use', id: 'a', name: 'f', input: { a: 1 } },
      { type: 'tool_use', id: 'b', name: 'g', input: { b: 2 } },
    ])
  })
  it('reasoning, text and a call without arguments', () => {
    const told = toAnthropic(
      streamOf([
        chunk({ reasoning: 'Hm' }),
        chunk({ content: 'Look:' }),
        call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        chunk({}, 'tool_calls'),
        usage,
      ]),
    )
    expect(told.blocks).toEqual([
      { type: 'thinking', thinking: 'Hm', signature: '' },
      { type: 'text', text: 'Look:' },
      { type: 'tool_use', id: 'a', name: 'f', input: {} },
    ])
  })
  it('a call announced with the wrong reason is still a call', () => {
    expect(
      toAnthropic(
        streamOf([call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }), chunk({}, 'stop'), usage]),
      ).stop,
    ).toBe('tool_use')
  })
  it.each([
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
    ['function_call', 'tool_use'],
  ])('%s is %s', (word, expected) => {
    expect(toAnthropic(streamOf([chunk({ content: 'x' }), chunk({}, word), usage])).stop).toBe(expected)
  })
  it('an error in the middle of the stream stays an error and nothing ends cleanly', () => {
    const told = toAnthropic(
      streamOf([chunk({ content: 'Half' }), { error: { message: 'fell over', type: 'server_error' } }], false),
    )
    expect(told).toMatchObject({ ended: false, stop: null, error: { type: 'server_error', message: 'fell over' } })
  })
  it('a stream that was cut off does not end cleanly', () => {
    const told = toAnthropic(
      streamOf(
        [chunk({ content: 'Half' }), call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a' } })],
        false,
      ),
    )
    expect(told).toMatchObject({ ended: false, stop: null, blocks: [{ type: 'text', text: 'Half' }] })
  })
  it('multi-byte text cut at every seven bytes', () => {
    const stream = streamOf([chunk({ content: 'Größe 東京 🚂' }), chunk({}, 'stop'), usage])
    const cuts = [...stream.keys()].filter(at => at % 7 === 6)
    expect(readStrictly(anthropic.writeEvents(chat.foldEvents(decodeChunks(stream, cuts)))).blocks).toEqual([
      { type: 'text', text: 'Größe 東京 🚂' },
    ])
  })
  it('calls without ids get ids, each its own, that the provider accepts', () => {
    const told = toAnthropic(
      streamOf([
        call(0, { function: { name: 'f', arguments: '{}' } }),
        call(1, { function: { name: 'g', arguments: '{}' } }),
        chunk({}, 'tool_calls'),
      ]),
    )
    const ids = told.blocks.map(block => (block as JsonObject)['id'])
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/)
  })
  it.each(readFixtures('openai-chat').flatMap(({ name, stream }) => (stream ? [{ name, stream }] : [])))(
    'fixture $name passes the strict client',
    ({ stream }) => {
      expect(() => toAnthropic(stream)).not.toThrow()
    },
  )
})

const hard: JsonObject = {
  model: 'claude-x',
  max_tokens: 4096,
  stream: true,
  system: [
    { type: 'text', text: 'First.', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: 'Second.' },
  ],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Go.', cache_control: { type: 'ephemeral' } }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Secret.', signature: 'c2ln' },
        { type: 'text', text: 'Looking.' },
        { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a' } },
        { type: 'tool_use', id: 'toolu_2', name: 'shot', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_1', content: 'no such file', is_error: true },
        {
          type: 'tool_result',
          tool_use_id: 'toolu_2',
          content: [
            { type: 'text', text: 'seen' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
          ],
        },
        { type: 'text', text: 'And now?' },
      ],
    },
  ],
  tools: [
    {
      name: 'read',
      description: 'Reads.',
      input_schema: { type: 'object', properties: { path: { type: 'string' } } },
      cache_control: { type: 'ephemeral' },
    },
    { type: 'web_search_20250305', name: 'web_search' },
  ],
  tool_choice: { type: 'any', disable_parallel_tool_use: true },
  stop_sequences: ['END'],
  top_p: 0.5,
  thinking: { type: 'enabled', budget_tokens: 20_000 },
  metadata: { user_id: 'someone' },
}

describe('an Anthropic client on a Chat Completions server: requests', () => {
  const written = chat.writeRequest(anthropic.readRequest(hard))

  it('is what such a server expects, field by field', () => {
    expect(written).toEqual({
      model: 'claude-x',
      max_tokens: 4096,
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'First.\n\nSecond.' },
        { role: 'user', content: 'Go.' },
        {
          role: 'assistant',
          content: 'Looking.',
          tool_calls: [
            { id: 'toolu_1', type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } },
            { id: 'toolu_2', type: 'function', function: { name: 'shot', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'no such file' },
        { role: 'tool', tool_call_id: 'toolu_2', content: 'seen\n(image in the next message)' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
            { type: 'text', text: 'And now?' },
          ],
        },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'read',
            description: 'Reads.',
            parameters: { type: 'object', properties: { path: { type: 'string' } } },
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      stop: ['END'],
      top_p: 0.5,
      reasoning_effort: 'high',
    })
  })
  it('no foreign word leaks', () => {
    for (const word of ['cache_control', 'budget_tokens', 'c2ln', 'Secret.', 'metadata', 'any"', 'input_schema', 'web_search'])
      expect(JSON.stringify(written)).not.toContain(word)
  })
  it.each([
    ['gpt-5', 'max_completion_tokens'],
    ['openai/o3-mini', 'max_completion_tokens'],
    ['gpt-4o', 'max_tokens'],
    ['deepseek-chat', 'max_tokens'],
  ])('%s is asked with %s', (model, key) => {
    expect(chat.writeRequest(anthropic.readRequest({ ...hard, model }))[key]).toBe(4096)
  })
  it.each<[Json, Json]>([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'none' }, 'none'],
    [
      { type: 'tool', name: 'read' },
      { type: 'function', function: { name: 'read' } },
    ],
  ])('tool choice %j is %j', (choice, expected) => {
    expect(chat.writeRequest(anthropic.readRequest({ ...hard, tool_choice: choice }))['tool_choice']).toEqual(expected)
  })
  it('thinking that came unsigned from such a server goes back to it', () => {
    const answer = anthropic.writeResponse(
      chat.readResponse({
        id: 'x',
        choices: [
          { index: 0, message: { role: 'assistant', content: 'Yes', reasoning_content: 'Because' }, finish_reason: 'stop' },
        ],
      }),
    )
    const next = {
      ...hard,
      messages: [
        { role: 'user', content: 'Go.' },
        { role: 'assistant', content: answer['content'] ?? [] },
        { role: 'user', content: 'On.' },
      ],
    }
    expect(chat.writeRequest(anthropic.readRequest(next))['messages']).toContainEqual({
      role: 'assistant',
      content: 'Yes',
      reasoning_content: 'Because',
    })
  })
})

describe('a Chat Completions client on an Anthropic server', () => {
  const request: JsonObject = {
    model: 'gpt-x',
    max_completion_tokens: 500,
    stream: true,
    messages: [
      { role: 'developer', content: 'Be filler.' },
      { role: 'user', content: 'Go.', name: 'tester' },
      {
        role: 'assistant',
        content: '',
        reasoning_content: 'Hm',
        tool_calls: [
          { id: 'functions.f:0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
          { id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
        ],
      },
      { role: 'tool', tool_call_id: 'functions.f:0', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: 'two' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
        ],
      },
    ],
    tools: [
      { type: 'function', function: { name: 'f', parameters: { type: 'object' } } },
      { type: 'function', function: { name: 'g' } },
      { type: 'web_search' },
    ],
    tool_choice: 'required',
    parallel_tool_calls: false,
    stop: 'END',
    seed: 7,
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
  }

  it('roles alternate, results follow their calls, ids are acceptable, foreign fields are gone', () => {
    expect(anthropic.writeRequest(chat.readRequest(request))).toEqual({
      model: 'gpt-x',
      max_tokens: 500,
      stream: true,
      system: [{ type: 'text', text: 'Be filler.' }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Go.' }] },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'functions_f_0', name: 'f', input: { a: 1 } },
            { type: 'tool_use', id: 'b', name: 'g', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'functions_f_0', content: [{ type: 'text', text: 'one' }] },
            { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'two' }] },
            { type: 'text', text: 'See' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
      ],
      tools: [
        { name: 'f', description: '', input_schema: { type: 'object' } },
        { name: 'g', description: '', input_schema: { type: 'object', properties: {} } },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
    })
  })
  it('a request without a limit gets the one the protocol demands', () => {
    const { max_completion_tokens: _, ...unlimited } = request
    expect(anthropic.writeRequest(chat.readRequest(unlimited))['max_tokens']).toBe(32_000)
  })
  it.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['stop_sequence', 'stop'],
    ['refusal', 'content_filter'],
    ['model_context_window_exceeded', 'length'],
  ])('%s is %s', (word, expected) => {
    const answer = anthropic.readResponse({
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'x',
      content: [{ type: 'text', text: 'x' }],
      stop_reason: word,
      usage: { input_tokens: 1, output_tokens: 1 },
    })
    expect(chat.foldEvents(chat.writeEvents(answer)).stopReason).toBe(expected)
  })
  it('an answer with thinking, text, calls and cache figures arrives whole', () => {
    const fixture = readFixtures('anthropic-messages').find(({ name }) => name === 'tools.1')
    const answer: Answer = chat.foldEvents(chat.writeEvents(anthropic.foldEvents(readSse(fixture?.stream ?? Buffer.alloc(0)))))
    expect(answer).toMatchObject({ id: 'msg_fixture01', stopReason: 'tool_calls', complete: true })
    // 2000 read and 300 written of 2310 tokens in; the lifetimes of the writes have no word here.
    expect(answer.usage).toMatchObject({
      input: 10,
      cachedRead: 2000,
      cachedWriteOther: 300,
      output: 95,
      reasoning: 40,
      inconsistent: false,
    })
    expect(answer.message.blocks.map(block => block.kind)).toEqual(['text', 'tool-call', 'tool-call'])
    expect(JSON.stringify(answer.message)).not.toContain('signature')
  })
})

it('a conversation that was translated there and back says the same', () => {
  const original: Conversation = anthropic.readRequest({
    ...hard,
    messages: [
      { role: 'user', content: 'Go.' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'On.' },
    ],
  })
  const back = anthropic.readRequest(anthropic.writeRequest(chat.readRequest(chat.writeRequest(original))))
  expect(back.messages.flatMap(message => message.blocks).map(block => block.kind === 'text' && block.text)).toEqual([
    'Go.',
    'Yes.',
    'On.',
  ])
})
