import { describe, expect, it } from 'vitest'
import anthropic from '../../../convert/formats/anthropic.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Block, JsonObject } from '../../../core/types.ts'
import adapter from '../../../protocols/anthropic-messages.ts'
import {
  bash,
  call,
  document,
  everything,
  firstRow,
  generation,
  image,
  redacted,
  refusal,
  result,
  say,
  signed,
  step,
  text,
  trajectory,
  webSearch,
} from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): JsonObject =>
  firstRow(anthropic, trajectory(steps, changes))
const part = (row: JsonObject, key: string): JsonObject => row[key] as JsonObject
const messagesOf = (row: JsonObject): readonly JsonObject[] => part(row, 'request')['messages'] as readonly JsonObject[]
const blocksOf = (row: JsonObject): readonly Block[][] =>
  [...anthropic.read(row).trajectories].flatMap(one => one.steps.map(({ message }) => [...message.blocks]))

describe('a conversation of this protocol', () => {
  const row = firstRow(anthropic, everything)

  it('is the request of the last call and its answer, as they crossed the wire', () => {
    expect(part(row, 'request')).toMatchObject({
      model: 'model-a-1',
      max_tokens: 1000,
      system: [
        { type: 'text', text: 'You are a test.', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'Be brief.' },
      ],
      metadata: { user_id: 'u1' },
      tools: [{ name: 'bash', description: 'Runs a command.', input_schema: bash.schema }, webSearch.raw],
    })
    expect(messagesOf(row)[3]).toEqual({
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'First thought.', signature: 'sig-1' },
        { type: 'redacted_thinking', data: 'ZW5jcnlwdGVk' },
        { type: 'text', text: 'First.' },
        { type: 'thinking', thinking: 'Second thought.', signature: 'sig-2' },
        { type: 'text', text: 'Second.' },
        { type: 'server_tool_use', id: 'srv_1' },
        { type: 'tool_use', id: 't1', name: 'bash', input: { command: 'ls', n: 1 } },
        { type: 'tool_use', id: 't2', name: 'edit', input: { path: '/a' } },
      ],
    })
    expect(messagesOf(row)[4]).toEqual({ role: 'system', content: [{ type: 'text', text: 'A reminder.' }] })
    expect(messagesOf(row)[0]?.['content']).toContainEqual(document.kind === 'opaque' ? document.raw : null)
    expect(part(row, 'turnpike')['translated']).toBe(false)
  })

  it('reads as a request by the protocol itself, with nothing unknown in it', () => {
    const conversation = adapter.readRequest(part(row, 'request'))
    expect(conversation.messages).toHaveLength(everything.steps.length - 1)
    expect(adapter.writeRequest(conversation)).toEqual(part(row, 'request'))
    const kinds = conversation.messages.flatMap(({ blocks }) =>
      blocks.filter(block => block.kind === 'opaque').map(block => block.type),
    )
    expect(kinds).toEqual(['document', 'server_tool_use'])
  })

  it('ends with the response, cut or not; usage is what was said and no zero', () => {
    expect(part(row, 'response')).toEqual({
      id: 'answer-1',
      type: 'message',
      role: 'assistant',
      model: 'model-a-1',
      content: [{ type: 'tool_use', id: 't3', name: 'bash', input: {} }],
      stop_reason: null,
      usage: { input_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 50, output_tokens: 10 },
    })
    const unknown = write([step(say('assistant', text('x')), generation('c', { usage: null, model: null }))])
    expect(part(unknown, 'response')).toEqual({
      id: 'answer-1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'x' }],
      stop_reason: 'end_turn',
    })
    expect(write([step(say('user', text('x')))])['response']).toBe(null)
  })

  it('says of each generation which message it is, the response being the one after the last', () => {
    const calls = part(row, 'turnpike')['calls'] as Array<{ call_id: string; message: number }>
    expect(calls.map(({ call_id: id, message }) => [id, message])).toEqual([
      ['c1', 3],
      ['c2', 6],
      ['c3', 8],
      ['c4', 10],
    ])
    expect(messagesOf(row)).toHaveLength(10)
    for (const { message } of calls.slice(0, -1)) expect(messagesOf(row)[message]?.['role']).toBe('assistant')
  })

  it('keeps the exact text of arguments that their value does not give back', () => {
    expect(part(row, 'turnpike')['arguments']).toEqual([
      { message: 1, at: 1, text: '{"command": "old"}' },
      { message: 3, at: 6, text: '{"command": "ls",  "n": 1.0}' },
      { message: 10, at: 0, text: '{"command": "l' },
    ])
    const calls = blocksOf(row)
      .flat()
      .flatMap(block => (block.kind === 'tool-call' ? [[block.inputText, block.input]] : []))
    expect(calls[3]).toEqual(['{"command": "l', null])
  })
})

describe('a conversation of another protocol', () => {
  const steps = [
    step(say('system', text('Reminder.'))),
    step(say('user', text(''), text('Go'), document)),
    step(
      say(
        'assistant',
        { kind: 'thinking', text: 'foreign', signature: 'theirs' },
        redacted,
        text('a'),
        call('call/1', 'bash', '{}'),
      ),
      generation('c'),
    ),
    step(say('user', result('call/1', [document, text('out'), image]))),
    step(say('assistant', signed, refusal, call('t', 'bash', '{"n":1}')), generation('d', { stopReason: 'tool_calls' })),
  ]
  const row = write(steps, { protocol: 'openai-chat', tools: [bash, webSearch] })

  it('is translated, and says so; nothing of the other dialect is passed off as this one', () => {
    expect(part(row, 'turnpike')['translated']).toBe(true)
    expect(messagesOf(row)).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Reminder.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Go' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'a' },
          { type: 'tool_use', id: 'call_1', name: 'bash', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'call_1',
            content: [
              { type: 'text', text: 'out' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
            ],
          },
        ],
      },
    ])
    expect(part(row, 'response')).toMatchObject({
      content: [
        { type: 'text', text: 'I will not.' },
        { type: 'tool_use', id: 't', input: { n: 1 } },
      ],
      stop_reason: 'tool_use',
    })
    expect(part(row, 'request')['tools']).toEqual([{ name: 'bash', description: 'Runs a command.', input_schema: bash.schema }])
    expect(part(row, 'request')).not.toHaveProperty('metadata')
    expect(part(row, 'turnpike')['metadata']).toEqual({ user_id: 'u1' })
  })

  it('loses nothing: what cannot be said is noted with its place, and read back into it', () => {
    expect((part(row, 'turnpike')['omitted'] as JsonObject[]).map(({ message, at, inside }) => [message, at, inside])).toEqual([
      [1, 0, undefined],
      [1, 2, undefined],
      [2, 0, undefined],
      [2, 1, undefined],
      [3, 0, 0],
      [4, 0, undefined],
    ])
    const read = blocksOf(row)
    expect(read[1]).toEqual([text(''), text('Go'), document])
    expect(read[2]?.map(block => block.kind)).toEqual(['thinking', 'thinking', 'text', 'tool-call'])
    expect(read[2]?.[0]).toEqual({ kind: 'thinking', text: 'foreign', signature: 'theirs' })
    const [outcome] = read[3] ?? []
    expect(outcome?.kind === 'tool-result' ? outcome.content : []).toEqual([document, text('out'), image])
    expect(part(row, 'turnpike')['server_tools']).toMatchObject([{ raw: webSearch.raw }])
  })
})
