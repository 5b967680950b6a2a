import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import trl from '../../../convert/formats/trl.ts'
import trlPrompt from '../../../convert/formats/trl-prompt.ts'
import type { Generation, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { JsonObject } from '../../../core/types.ts'
import { anyTrajectory, firstRow, generation, say, setOf, step, text, trajectory } from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[]): JsonObject[] => [...trlPrompt.write(setOf(trajectory(steps, { system: [] })))]
const contents = (messages: unknown): unknown[] => (messages as JsonObject[]).map(message => message['content'])
const notesOf = (row: JsonObject): JsonObject => JSON.parse(String(row['turnpike'])) as JsonObject
const asks = (word: string) => step(say('user', text(word)))
const answers = (word: string, changes: Partial<Generation> | null = {}) =>
  step(say('assistant', text(word)), changes === null ? null : generation(word, changes))

describe('rows', () => {
  it('are one where every answer was generated here: what stands between answers belongs to the completion', () => {
    const [row = {}, ...others] = write([asks('q1'), answers('a1'), asks('q2'), answers('a2')])
    expect(others).toEqual([])
    expect(contents(row['prompt'])).toEqual(['q1'])
    expect(contents(row['completion'])).toEqual(['a1', 'q2', 'a2'])
    expect(notesOf(row)['rest']).toEqual([])
  })

  it('begin anew after an answer that is only context, which stands in the next prompt', () => {
    const rows = write([
      asks('q1'),
      answers('old', null),
      asks('q2'),
      answers('a'),
      asks('q3'),
      answers('cut', { partial: true }),
      asks('q4'),
      answers('b'),
    ])
    expect(rows.map(row => contents(row['prompt']))).toEqual([
      ['q1', 'old', 'q2'],
      ['q1', 'old', 'q2', 'a', 'q3', 'cut', 'q4'],
    ])
    expect(rows.map(row => contents(row['completion']))).toEqual([['a'], ['b']])
    expect(rows.map(trlPrompt.listGenerations)).toEqual([['a'], ['cut', 'b']])
  })

  it('keep what follows the last completion where nothing trains on it', () => {
    const [row = {}] = write([asks('q1'), answers('a'), asks('q2'), answers('doubtful', { unresolvedRetry: true })])
    expect(contents(row['completion'])).toEqual(['a'])
    expect(contents(notesOf(row)['rest'])).toEqual(['q2', 'doubtful'])
    expect(trlPrompt.listGenerations(row)).toEqual(['a', 'doubtful'])
  })

  it('have an empty completion where nothing may be trained on', () => {
    const [row = {}, ...others] = write([asks('q'), answers('cut', { partial: true })])
    expect(others).toEqual([])
    expect(contents(row['prompt'])).toEqual(['q', 'cut'])
    expect(row['completion']).toEqual([])
    expect(trlPrompt.listGenerations(row)).toEqual(['cut'])
  })
})

it('completions hold each answer that may be trained on once, and no other answer; prompt, completion and rest are the conversation', () => {
  fc.assert(
    fc.property(anyTrajectory, one => {
      const whole = firstRow(trl, one)
      const messages = whole['messages'] as JsonObject[]
      const rows = [...trlPrompt.write(setOf(one))]
      const trained = rows.flatMap(row => (row['completion'] as JsonObject[]).filter(message => message['role'] === 'assistant'))
      expect(trained).toEqual(messages.filter(message => message['train'] === true))
      for (const row of rows) {
        const said = [...(row['prompt'] as JsonObject[]), ...(row['completion'] as JsonObject[])]
        expect(said).toEqual(messages.slice(0, said.length))
      }
      const last: JsonObject = rows.at(-1) ?? {}
      expect([
        ...(last['prompt'] as JsonObject[]),
        ...(last['completion'] as JsonObject[]),
        ...(notesOf(last)['rest'] as JsonObject[]),
      ]).toEqual(messages)
    }),
  )
})
