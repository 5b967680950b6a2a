import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import trl from '../../../convert/formats/trl.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Json, JsonObject } from '../../../core/types.ts'
import {
  anyTrajectory,
  bash,
  call,
  document,
  everything,
  firstRow,
  generation,
  image,
  redacted,
  result,
  say,
  setOf,
  signed,
  step,
  text,
  trajectory,
  webSearch,
} from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): JsonObject =>
  firstRow(trl, trajectory(steps, changes))
const messagesOf = (row: JsonObject): readonly JsonObject[] => row['messages'] as readonly JsonObject[]
const notesOf = (row: JsonObject): JsonObject => JSON.parse(String(row['turnpike'])) as JsonObject

it('messages are text, thinking in a key of its own, arguments as the model spelled them', () => {
  const steps = [
    step(say('user', text('see'), image, text('this'))),
    step(say('assistant', signed, text('a'), redacted, text('b'), call('t', 'bash', '{"n":  1}')), generation('c')),
    step(say('user', result('t', [text('x'), document, text('y')]), text('hm'))),
  ]
  const row = write(steps)
  expect(messagesOf(row)).toEqual([
    { role: 'system', content: 'You are a test.\n\nBe brief.' },
    { role: 'user', content: 'see\n\n[image]\n\nthis' },
    {
      role: 'assistant',
      content: 'ab',
      reasoning_content: 'First thought.',
      tool_calls: [{ id: 't', type: 'function', function: { name: 'bash', arguments: '{"n":  1}' } }],
      train: true,
    },
    { role: 'tool', tool_call_id: 't', name: 'bash', content: 'x\n[document]\ny' },
    { role: 'user', content: 'hm' },
  ])
  expect((notesOf(row)['omitted'] as JsonObject[]).map(({ message, at }) => [message, at])).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
  ])
})

describe('the mark', () => {
  it('is true only on what was generated here, whole and surely; every generation is listed', () => {
    const row = firstRow(trl, everything)
    const answers = messagesOf(row).filter(message => message['role'] === 'assistant')
    expect(answers.map(message => message['train'])).toEqual([false, true, true, false, false])
    expect(trl.listGenerations(row)).toEqual(['c1', 'c2', 'c3', 'c4'])
    for (const { message } of notesOf(row)['calls'] as Array<{ message: number }>)
      expect(messagesOf(row)[message]?.['role']).toBe('assistant')
  })
})

it('every column and every key of a message has one type in all rows, as columnar readers need it', () => {
  const typeOf = (value: Json): string =>
    Array.isArray(value) ? `list of ${[...new Set(value.map(typeOf))].join()}` : typeof value
  const types = new Map<string, Set<string>>()
  const note = (path: string, value: Json): void => {
    if (Array.isArray(value)) for (const item of value) note(`${path}[]`, item)
    else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) note(`${path}.${key}`, item as Json)
    else types.set(path, (types.get(path) ?? new Set()).add(typeOf(value)))
  }
  fc.assert(
    fc.property(anyTrajectory, one => {
      for (const row of trl.write(setOf(one))) note('', row)
    }),
  )
  for (const [path, found] of types) expect([...found], path).toHaveLength(1)
  expect([...types.keys()].sort()).toEqual([
    '.messages[].content',
    '.messages[].name',
    '.messages[].reasoning_content',
    '.messages[].role',
    '.messages[].tool_call_id',
    '.messages[].tool_calls[].function.arguments',
    '.messages[].tool_calls[].function.name',
    '.messages[].tool_calls[].id',
    '.messages[].tool_calls[].type',
    '.messages[].train',
    '.tools',
    '.turnpike',
  ])
})

it('tools are the text of a list of functions, without those of the provider', () => {
  expect(JSON.parse(String(write([], { tools: [bash, webSearch] })['tools']))).toEqual([
    { type: 'function', function: { name: 'bash', description: 'Runs a command.', parameters: bash.schema } },
  ])
  expect(write([], { tools: [] })['tools']).toBe('[]')
})
