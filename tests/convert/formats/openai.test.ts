import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import openai from '../../../convert/formats/openai.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import { compileSchema } from '../../../core/schema.ts'
import type { JsonObject } from '../../../core/types.ts'
import {
  anyTrajectory,
  bash,
  call,
  document,
  everything,
  firstRow,
  generation,
  image,
  refusal,
  result,
  say,
  signed,
  step,
  text,
  trajectory,
  webImage,
  webSearch,
} from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): JsonObject =>
  firstRow(openai, trajectory(steps, { system: [], ...changes }))
const messagesOf = (row: JsonObject): readonly JsonObject[] => row['messages'] as readonly JsonObject[]
const notesOf = (row: JsonObject): JsonObject => row['turnpike'] as JsonObject

describe('messages', () => {
  it('carry the exact text of arguments and pair results by id', () => {
    const steps = [
      step(say('assistant', text('Both.'), call('t1', 'bash', '{"n":  1.0}'), call('t2', 'bash', '{"a')), generation('c')),
      step(say('user', result('t2', [text('x'), text('y')], true), result('t1', []))),
    ]
    const row = write(steps)
    expect(messagesOf(row)).toEqual([
      {
        role: 'assistant',
        content: 'Both.',
        tool_calls: [
          { id: 't1', type: 'function', function: { name: 'bash', arguments: '{"n":  1.0}' } },
          { id: 't2', type: 'function', function: { name: 'bash', arguments: '{"a' } },
        ],
        weight: 1,
      },
      {
        role: 'tool',
        tool_call_id: 't2',
        content: [
          { type: 'text', text: 'x' },
          { type: 'text', text: 'y' },
        ],
      },
      { role: 'tool', tool_call_id: 't1', content: '' },
    ])
    expect(row['parallel_tool_calls']).toBe(true)
    expect(notesOf(row)['errors']).toEqual([1])
  })

  it('weigh 1 only what was generated here, whole and surely', () => {
    const steps = [
      step(say('assistant', text('context'))),
      step(say('assistant', text('whole')), generation('a')),
      step(say('assistant', text('cut')), generation('b', { partial: true })),
      step(say('assistant', text('doubtful')), generation('c', { unresolvedRetry: true })),
    ]
    const row = write(steps)
    expect(messagesOf(row).map(message => message['weight'])).toEqual([0, 1, 0, 0])
    expect(openai.listGenerations(row)).toEqual(['a', 'b', 'c'])
    expect((notesOf(row)['calls'] as JsonObject[]).map(call => call['message'])).toEqual([1, 2, 3])
  })

  it('show images to the model only from the user; what has no place leaves a word in brackets, but none in an answer', () => {
    const steps = [
      step(say('user', text('see'), image, webImage, document)),
      step(say('assistant', signed, text('a'), image, refusal, text('b')), generation('c')),
      step(say('user', result('t', [image]))),
      step(say('assistant', signed), generation('d')),
    ]
    const row = write(steps)
    expect(messagesOf(row).map(message => message['content'])).toEqual([
      [
        { type: 'text', text: 'see' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
        { type: 'image_url', image_url: { url: 'https://images.test/a.png' } },
        { type: 'text', text: '[document]' },
      ],
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      [{ type: 'text', text: '[image]' }],
      '',
    ])
    expect(messagesOf(row)[1]?.['refusal']).toBe('I will not.')
    expect((notesOf(row)['omitted'] as JsonObject[]).map(({ message, at }) => [message, at])).toEqual([
      [0, 3],
      [1, 0],
      [1, 2],
      [2, 0],
      [3, 0],
    ])
  })

  it('leave tools of the provider out of the list, and the list out when it is empty', () => {
    const row = write([], { tools: [bash, webSearch] })
    expect((row['tools'] as JsonObject[]).map(tool => (tool['function'] as JsonObject)['name'])).toEqual(['bash'])
    expect(notesOf(row)['server_tools']).toMatchObject([{ raw: webSearch.raw }])
    expect(write([], { tools: [webSearch] })).not.toHaveProperty('tools')
  })
})

it('without the key turnpike, a row has only keys of the API', () => {
  const schema = JSON.parse(readFileSync('convert/formats/schemas/openai.schema.json', 'utf8')) as {
    properties: Record<string, unknown>
    $defs: Record<string, unknown>
  }
  const { turnpike: _, ...properties } = schema.properties
  const strict = compileSchema({ ...schema, properties, required: ['messages'] } as unknown as JsonObject)
  fc.assert(
    fc.property(anyTrajectory, one => {
      const { turnpike: _, ...upload } = firstRow(openai, one)
      expect(strict.problems(upload)).toEqual([])
      for (const message of upload['messages'] as JsonObject[]) {
        const known = ['role', 'content', 'tool_calls', 'tool_call_id', 'refusal', 'weight']
        expect(Object.keys(message).filter(key => !known.includes(key))).toEqual([])
      }
    }),
    { numRuns: 100 },
  )
})

it('reading puts every block back: thinking, images and documents from where they were noted', () => {
  const row = firstRow(openai, everything)
  const [read] = [...openai.read(row).trajectories]
  const kindsOf = (one: Trajectory | undefined) =>
    one?.steps.flatMap(({ message }) => message.blocks.map(block => block.kind)).sort()
  expect(kindsOf(read)).toEqual(kindsOf(everything))
  expect(read?.steps[0]?.message.blocks).toEqual(everything.steps[0]?.message.blocks)
  const errors = read?.steps
    .flatMap(({ message }) => message.blocks)
    .filter(block => block.kind === 'tool-result' && block.isError)
  expect(errors).toHaveLength(1)
  expect(read?.tools.map(tool => tool.name)).toEqual(['bash', 'web_search'])
  expect(read?.system.map(block => (block.kind === 'text' ? block.text : ''))).toEqual(['You are a test.', 'Be brief.'])
})

it('thinking comes back whole: text, signature and what may not be read', () => {
  const thoughts = [
    { kind: 'thinking', text: 'summary', redacted: 'ZW5j' },
    { kind: 'thinking', text: 'a', signature: 's', redacted: 'ZW5j' },
    { kind: 'thinking', text: 'b', signature: 's' },
    { kind: 'thinking', text: '', redacted: 'ZW5j' },
  ] as const
  const [read] = [...openai.read(write([step(say('assistant', ...thoughts), generation('c'))])).trajectories]
  expect(read?.steps[0]?.message.blocks.slice(0, 4)).toEqual(thoughts)
})
