// What is particular to OpenAI Responses: items as messages, thinking that may not be read, tools in the input, sockets, terminal events,
// and translation from and to the other dialects.
import { describe, expect, it } from 'vitest'
import type { Answer, Conversation, Json, JsonObject } from '../../core/types.ts'
import { readSse } from '../../protocols/_sse.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import chat from '../../protocols/openai-chat.ts'
import responses from '../../protocols/openai-responses.ts'
import { readFixtures } from './fixtures.ts'

const requestOf = (name: string): Json => readFixtures('openai-responses').find(one => one.name === name)?.request ?? null
const answerOf = (name: string): Answer =>
  responses.foldEvents(readSse(readFixtures('openai-responses').find(one => one.name === name)?.stream ?? Buffer.alloc(0)))
const ask = (input: Json, more: JsonObject = {}): Conversation => responses.readRequest({ model: 'm', input, ...more })
const kindsOf = (conversation: Conversation) =>
  conversation.messages.map(({ role, blocks }) => [role, ...blocks.map(block => block.kind)])
const said = (text: string, more: JsonObject = {}): JsonObject => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text }],
  ...more,
})
const call = (id: string): JsonObject => ({ type: 'function_call', call_id: id, name: 'run', arguments: '{"a":1}' })
const result = (id: string): JsonObject => ({ type: 'function_call_output', call_id: id, output: 'done' })

describe('items as messages', () => {
  it('what one answer said in several items is one message, everything else a message of its own', () => {
    const conversation = ask([
      { role: 'user', content: 'Go.' },
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      said('Looking.'),
      call('a'),
      call('b'),
      result('a'),
      result('b'),
      said('Done.'),
    ])
    expect(kindsOf(conversation)).toEqual([
      ['user', 'text'],
      ['assistant', 'thinking', 'text', 'tool-call', 'tool-call'],
      ['user', 'tool-result'],
      ['user', 'tool-result'],
      ['assistant', 'text'],
    ])
  })

  it('leading developer and system items are the system text, behind the instructions; later ones stay where they are', () => {
    const developer = { role: 'developer', content: [{ type: 'input_text', text: 'Rules.' }] }
    const conversation = ask([developer, { role: 'system', content: 'More.' }, { role: 'user', content: 'Go.' }, developer], {
      instructions: 'First.',
    })
    expect(conversation.system.map(block => block.kind === 'text' && block.text)).toEqual(['First.', 'Rules.', 'More.'])
    expect(kindsOf(conversation)).toEqual([
      ['user', 'text'],
      ['system', 'text'],
    ])
  })

  it('fields of an item stay with its block: ids, phases, namespaces', () => {
    const { messages } = ask([
      said('A', { id: 'msg_1', phase: 'commentary' }),
      said('B', { id: 'msg_2' }),
      { ...call('a'), namespace: 'n' },
    ])
    expect(messages[0]?.blocks.map(block => block.extra)).toEqual([
      { item: { id: 'msg_1', phase: 'commentary' } },
      { item: { id: 'msg_2' } },
      { namespace: 'n' },
    ])
  })

  it('an answer comes back as the same blocks, whatever the client adds to the items', () => {
    const answer = answerOf('tools.1')
    const items = responses.writeResponse(answer)['output']
    const replayed = (Array.isArray(items) ? items : []).map(item => ({
      ...(item as JsonObject),
      id: 'other',
      passthrough: { x: 1 },
    }))
    const { messages } = ask([{ role: 'user', content: 'Go.' }, ...replayed])
    const bare = (blocks: Answer['message']['blocks']) => blocks.map(({ extra: _, wire: __, ...block }) => block)
    expect(bare(messages[1]?.blocks ?? [])).toEqual(bare(answer.message.blocks))
  })

  it('the input of a custom tool is free text, never JSON', () => {
    const { messages } = ask([{ type: 'custom_tool_call', call_id: 'a', name: 'exec', input: '{"a":1}' }])
    expect(messages[0]?.blocks).toMatchObject([{ kind: 'tool-call', input: '{"a":1}', inputText: '{"a":1}' }])
  })

  it('a call of a typed tool has its action as input, and its output is its result', () => {
    const blocks = responses.readRequest(requestOf('tools.1')).messages.flatMap(message => message.blocks)
    const calls = blocks.flatMap(block => (block.kind === 'tool-call' ? [block.name] : []))
    expect(calls).toEqual([
      'exec_command',
      'spawn_agent',
      'apply_patch',
      'local_shell',
      'shell',
      'apply_patch',
      'computer',
      'tool_search',
    ])
    const results = blocks.flatMap(block => (block.kind === 'tool-result' ? [block.callId] : []))
    expect(results).toEqual(['call_1', 'call_2', 'call_3', 'call_4', 'call_5', 'call_6', 'call_7', 'call_8'])
    const opaque = blocks.flatMap(block => (block.kind === 'opaque' ? [block.type] : []))
    expect(opaque).toEqual([
      'input_image',
      'input_file',
      'tool_search_call',
      'web_search_call',
      'agent_message',
      'item_reference',
      'compaction',
      'never_heard_of',
      'message',
      'function_call',
      'unknown',
    ])
  })
})

describe('reasoning', () => {
  const thinkingOf = (raw: JsonObject) => ask([{ type: 'reasoning', ...raw }]).messages[0]?.blocks[0]

  it('is its summary, and what only the provider may read is kept exactly', () => {
    const summary = ['One.', 'Two.'].map(text => ({ type: 'summary_text', text }))
    expect(thinkingOf({ summary, encrypted_content: 'gAAA=', id: 'rs_1' })).toMatchObject({
      kind: 'thinking',
      text: 'One.\n\nTwo.',
      redacted: 'gAAA=',
      extra: { id: 'rs_1' },
    })
  })
  it('is the reasoning itself where a server shows it', () => {
    const content = [{ type: 'reasoning_text', text: 'Open.' }]
    expect(thinkingOf({ summary: [{ type: 'summary_text', text: 'Short.' }], content })).toMatchObject({ text: 'Open.' })
  })
  it('without content is not made up', () => {
    const block = thinkingOf({ summary: [], encrypted_content: null })
    expect(block).toMatchObject({ kind: 'thinking', text: '' })
    expect(block).not.toHaveProperty('redacted')
  })
})

describe('tools', () => {
  it('are listed flat, with those of namespaces and of items in the input', () => {
    const names = (name: string) => responses.readRequest(requestOf(name)).tools.map(tool => tool.name)
    expect(names('tools.1')).toEqual([
      'exec_command',
      'apply_patch',
      'spawn_agent',
      'close_agent',
      'web_search',
      'local_shell',
      'plain',
    ])
    expect(names('codemode.1')).toEqual(['exec', 'wait', 'sleep', 'late'])
  })
  it('that were changed are written as they are now', () => {
    const conversation = responses.readRequest(requestOf('tools.1'))
    const written = responses.writeRequest({ ...conversation, tools: conversation.tools.slice(0, 1) })
    expect(written['tools']).toHaveLength(1)
  })
})

describe('a message on a socket', () => {
  it('is a request like any other, always streamed, and keeps what makes it one', () => {
    const warmUp = responses.readRequest(requestOf('socket.1'))
    expect(warmUp).toMatchObject({ stream: true, messages: [], extra: { type: 'response.create', generate: false } })
    const next = responses.readRequest(requestOf('socket.2'))
    expect(next.extra).toMatchObject({ previous_response_id: 'resp_1' })
    expect(next.messages).toHaveLength(1)
  })
  it('events without names fold as those with names do', () => {
    for (const { name, stream } of readFixtures('openai-responses')) {
      if (!stream || name === 'unknown.1' || name === 'cut.1') continue
      const events = readSse(stream)
      expect(responses.foldEvents(events.map(({ data }) => ({ event: '', data })))).toEqual(responses.foldEvents(events))
    }
  })
})

describe('the terminal event', () => {
  it.each([
    ['response.completed', '{}', true],
    ['error', '{}', true],
    ['', '{"type":"response.completed","response":{}}', true],
    ['', '{"type" : "response.incomplete"}', true],
    ['', '{"type":"response.failed"}', true],
    ['', '{"type":"error","error":{"message":"x"}}', true],
    ['', '{"response":{"output":[]},"sequence_number":3,"type":"response.completed"}', true],
    ['', '{"type":"response.output_text.delta","delta":"\\"type\\":\\"response.completed\\""}', false],
    ['', '{"delta":"\\"type\\":\\"response.completed\\"","type":"response.output_text.delta"}', false],
    ['', '{"response":{"error":null,"status":"in_progress"},"type":"response.created"}', false],
    ['', '{"item":{"type":"error"},"type":"response.output_item.done"}', false],
    ['', '{"type":"response.output_item.done","item":{"type":"response.completed"}}', false],
    ['', '{"response":"response.completed"', false],
    ['', '', false],
  ])('event %j with data %j: %j', (event, data, expected) => {
    expect(responses.isTerminal({ event, data })).toBe(expected)
  })

  it('ends every whole stream once, and no cut one', () => {
    for (const { name, stream } of readFixtures('openai-responses')) {
      if (!stream) continue
      const ends = readSse(stream).filter(responses.isTerminal)
      expect([name, ends.length]).toEqual([name, name.startsWith('cut') ? 0 : 1])
    }
  })

  it('has the last word on status and usage, the items as streamed on what was said', () => {
    const answer = answerOf('disagreement.1')
    expect(answer.message.blocks).toMatchObject([{ kind: 'text', text: 'Streamed.' }])
    expect(JSON.stringify(answer.extra?.['terminal_output'])).toContain('Final.')
  })

  it('that says less than the beginning ends the answer all the same', () => {
    const answer = responses.foldEvents([
      { event: '', data: '{"type":"response.created","response":{"id":"r","model":"m","status":"in_progress"}}' },
      { event: '', data: '{"type":"response.output_text.delta","delta":"Hi"}' },
      { event: '', data: '{"type":"response.completed","response":{"id":null,"usage":{"input_tokens":1,"output_tokens":2}}}' },
    ])
    expect(answer).toMatchObject({
      id: 'r',
      model: 'm',
      stopReason: 'completed',
      complete: true,
      usage: { output: 2, source: 'wire' },
    })
  })
})

describe('a call that was cut', () => {
  it('has no input, free text even less than JSON', () => {
    expect(answerOf('cut.2').message.blocks).toMatchObject([{ kind: 'tool-call', input: null, inputText: 'text(1)\ntext' }])
    expect(answerOf('cut.1').message.blocks.at(-1)).toMatchObject({ kind: 'tool-call', input: null, inputText: '{"cmd":"ec' })
  })
})

describe('translation', () => {
  const request: JsonObject = {
    model: 'm',
    instructions: 'Be filler.',
    stream: true,
    max_output_tokens: 50,
    input: [
      { role: 'developer', content: 'Rules.' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Go.' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
        ],
      },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'gAAA' },
      said('Looking.', { id: 'msg_1' }),
      call('a'),
      call('b'),
      result('a'),
      { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'two' }] },
    ],
    tools: [
      { type: 'function', name: 'run', description: 'Runs.', parameters: { type: 'object', properties: {} }, strict: true },
      { type: 'web_search' },
    ],
    tool_choice: { type: 'function', name: 'run' },
    parallel_tool_calls: false,
    reasoning: { effort: 'high', summary: 'auto' },
    text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' } }, verbosity: 'low' },
    store: false,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'key',
  }

  it('a Responses client on a Chat Completions server', () => {
    expect(chat.writeRequest(responses.readRequest(request))).toEqual({
      model: 'm',
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 50,
      messages: [
        { role: 'system', content: 'Be filler.\n\nRules.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Go.' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: 'Looking.',
          reasoning_content: 'Hm.',
          tool_calls: ['a', 'b'].map(id => ({ id, type: 'function', function: { name: 'run', arguments: '{"a":1}' } })),
        },
        { role: 'tool', tool_call_id: 'a', content: 'done' },
        { role: 'tool', tool_call_id: 'b', content: 'two' },
      ],
      tools: [
        { type: 'function', function: { name: 'run', description: 'Runs.', parameters: { type: 'object', properties: {} } } },
      ],
      tool_choice: { type: 'function', function: { name: 'run' } },
      parallel_tool_calls: false,
      reasoning_effort: 'high',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
    })
  })

  it('an Anthropic client on a Responses server', () => {
    const written = responses.writeRequest(
      anthropic.readRequest({
        model: 'm',
        max_tokens: 50,
        system: [{ type: 'text', text: 'Be filler.', cache_control: { type: 'ephemeral' } }],
        messages: [
          { role: 'user', content: 'Go.' },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Secret.', signature: 'c2ln' },
              { type: 'text', text: 'Looking.' },
              { type: 'tool_use', id: 'a', name: 'run', input: { a: 1 } },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'a', is_error: true, content: [{ type: 'text', text: 'bad' }] },
              { type: 'text', text: 'On.' },
            ],
          },
        ],
        tools: [{ name: 'run', description: 'Runs.', input_schema: { type: 'object' } }],
        tool_choice: { type: 'any' },
      }),
    )
    expect(written).toEqual({
      model: 'm',
      max_output_tokens: 50,
      store: false,
      instructions: 'Be filler.',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Go.' }] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Looking.' }] },
        call('a'),
        { type: 'function_call_output', call_id: 'a', output: 'bad' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'On.' }] },
      ],
      tools: [{ type: 'function', name: 'run', description: 'Runs.', parameters: { type: 'object' }, strict: false }],
      tool_choice: 'required',
    })
  })

  it('a custom tool of a Chat Completions client keeps its free text, and so does its result', () => {
    const written = responses.writeRequest(
      chat.readRequest({
        model: 'm',
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'exec', input: 'x()' } }] },
          { role: 'tool', tool_call_id: 'a', content: 'done' },
        ],
      }),
    )
    expect(written['input']).toEqual([
      { type: 'custom_tool_call', call_id: 'a', name: 'exec', input: 'x()' },
      { type: 'custom_tool_call_output', call_id: 'a', output: 'done' },
    ])
  })

  it.each([
    ['end_turn', 'completed', null],
    ['tool_use', 'completed', null],
    ['max_tokens', 'incomplete', 'max_output_tokens'],
    ['refusal', 'incomplete', 'content_filter'],
  ])('Anthropic stops with %s: the answer is %s', (word, status, reason) => {
    const answer = anthropic.readResponse({
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'x',
      content: [{ type: 'text', text: 'x' }],
      stop_reason: word,
      usage: { input_tokens: 1, output_tokens: 1 },
    })
    expect(responses.writeResponse(answer)).toMatchObject({ status, incomplete_details: reason === null ? null : { reason } })
    const events = [...responses.writeEvents(answer)]
    expect(events.at(-1)?.event).toBe(`response.${status}`)
  })

  it.each([
    ['text.1', 'end_turn', 'stop'],
    ['tools.1', 'tool_use', 'tool_calls'],
    ['incomplete.1', 'max_tokens', 'length'],
  ])('%s is answered to other clients with their own word', (name, anthropicWord, chatWord) => {
    expect(anthropic.writeResponse(answerOf(name))['stop_reason']).toBe(anthropicWord)
    expect(chat.foldEvents(chat.writeEvents(answerOf(name))).stopReason).toBe(chatWord)
  })

  it('an answer with thinking, text, calls and cache figures arrives whole', () => {
    const fixture = readFixtures('anthropic-messages').find(({ name }) => name === 'tools.1')
    const original = anthropic.foldEvents(readSse(fixture?.stream ?? Buffer.alloc(0)))
    const answer = responses.foldEvents(responses.writeEvents(original))
    expect(answer.usage).toMatchObject({
      input: 10,
      cachedRead: 2000,
      cachedWriteOther: 300,
      output: 95,
      reasoning: 40,
      inconsistent: false,
    })
    const calls = (blocks: Answer['message']['blocks']) =>
      blocks.flatMap(block => (block.kind === 'tool-call' ? [[block.id, block.input]] : []))
    expect(calls(answer.message.blocks)).toEqual(calls(original.message.blocks))
    expect(JSON.stringify(responses.writeResponse(original))).not.toContain('signature')
    expect(JSON.stringify(responses.writeResponse(original))).not.toContain('encrypted')
  })
})
