import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import sharegpt from '../../../convert/formats/sharegpt.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
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
  result,
  say,
  signed,
  step,
  text,
  trajectory,
} from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): JsonObject =>
  firstRow(sharegpt, trajectory(steps, changes))
const itemsOf = (row: JsonObject): readonly JsonObject[] => row['conversations'] as readonly JsonObject[]

describe('items', () => {
  it('alternate: all that is said to the model is one item, observations before texts', () => {
    const steps = [
      step(say('system', text('Reminder.'))),
      step(say('user', text('Go'), image)),
      step(say('assistant', signed, text('Both.'), call('t1', 'bash', '{"n": 1}'), call('t2', 'bash', '{"a')), generation('c')),
      step(say('user', text('wait'), result('t2', [text('two'), document]))),
      step(say('user', result('t1', [text('one')]))),
      step(say('assistant', text('Done.'))),
    ]
    expect(itemsOf(write(steps))).toEqual([
      { from: 'system', value: 'You are a test.\n\nBe brief.' },
      {
        from: 'human',
        value: 'Reminder.\n\nGo\n\n[image]',
        other_content: [{ type: 'image', media_type: 'image/png', data: 'aGk=' }],
      },
      {
        from: 'function_call',
        value: '[{"name":"bash","arguments":{"n":1}},{"name":"bash","arguments":"{\\"a"}]',
        text: 'Both.',
        reasoning: 'First thought.',
        train: true,
        call_id: 'c',
      },
      {
        from: 'observation',
        value: 'two\n\n[document]\n\none\n\nwait',
        other_content: [{ type: 'opaque', of: 'document', raw: { type: 'document', source: { type: 'text', data: 'page' } } }],
      },
      { from: 'gpt', value: 'Done.', train: false },
    ])
  })

  it('write one call as an object, as readers of a single call expect it', () => {
    const row = write([step(say('assistant', call('t', 'bash', '{"n":1}')), generation('c'))])
    expect(itemsOf(row).at(-1)?.['value']).toBe('{"name":"bash","arguments":{"n":1}}')
  })

  it('never follow an asking item by an asking one', () => {
    fc.assert(
      fc.property(anyTrajectory, one => {
        const asking = itemsOf(write(one.steps, one)).map(item => /human|observation/.test(String(item['from'])))
        for (const [index, isAsking] of asking.entries()) expect(isAsking && asking[index + 1]).not.toBe(true)
      }),
    )
  })
})

describe('rows', () => {
  const row = firstRow(sharegpt, everything)

  it('say that they are lossy, and have tools as text', () => {
    expect(row['lossy']).toBe(true)
    expect(JSON.parse(String(row['tools']))[0]).toEqual({
      type: 'function',
      function: { name: 'bash', description: 'Runs a command.', parameters: bash.schema },
    })
  })

  it('mark what may be trained on, and leave cut and doubtful answers out', () => {
    const marked = itemsOf(row).flatMap(item => ('call_id' in item ? [[item['call_id'], item['train']]] : []))
    expect(marked).toEqual([
      ['c1', true],
      ['c2', true],
      ['c3', false],
      ['c4', false],
    ])
    const calls = (row['turnpike'] as JsonObject)['calls'] as Array<{ call_id: string; message: number }>
    for (const { call_id: id, message } of calls) expect(itemsOf(row)[message]?.['call_id']).toBe(id)
  })
})
