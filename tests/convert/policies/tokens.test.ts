import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../core/types.ts'
import { usage } from '../script.ts'
import { answersOf, convert, onBlocks, type PolicyCall, playLinear, reasonsOf } from './rows.ts'

const give = (prompt: readonly number[], answer: readonly number[], logprobs?: readonly number[]): Partial<PolicyCall> => {
  const content = (logprobs ?? []).map(logprob => ({ token: 'x', logprob }))
  const choice: JsonObject = { token_ids: answer, ...(logprobs === undefined ? {} : { logprobs: { content } }) }
  return { protocol: 'openai-chat', usage: usage(prompt.length, answer.length), said: { prompt_token_ids: prompt, choice } }
}
const ids = [
  give([1, 2, 3], [10, 11], [-0.5, -0.25]),
  give([1, 2, 3, 10, 11, 4], [12]),
  give([1, 2, 3, 10, 11, 4, 12, 5, 6], [13, 14], [-1, -2]),
]
const play = (given: ReadonlyArray<Partial<PolicyCall> | undefined>, calls = playLinear()): PolicyCall[] =>
  calls.map((call, index) => ({ ...call, protocol: 'openai-chat', ...given[index] }))
const tokensOf = (row: ReturnType<typeof convert>[number] | undefined) => (row?.steps ?? []).map(step => step.tokens)

describe('tokens', () => {
  it('is one row while each prompt begins with the last prompt and its answer', () => {
    const rows = convert(play(ids), 'tokens')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([[['a', 'b', 'c']], [null]])
    expect(tokensOf(rows[0])).toEqual([
      { ids: [1, 2, 3], logprobs: null },
      { ids: [10, 11], logprobs: [-0.5, -0.25] },
      { ids: [4], logprobs: null },
      { ids: [12], logprobs: null },
      { ids: [5, 6], logprobs: null },
      { ids: [13, 14], logprobs: [-1, -2] },
    ])
    // The row is the last prompt and the last answer; the mask counts what was generated.
    expect(tokensOf(rows[0]).flatMap(tokens => tokens?.ids ?? [])).toEqual([1, 2, 3, 10, 11, 4, 12, 5, 6, 13, 14])
    const masked = (rows[0]?.steps ?? []).flatMap(step => (step.generation === null ? [] : (step.tokens?.ids ?? [])))
    expect(masked).toHaveLength(5)
  })

  it('is cut where a prompt does not', () => {
    const rows = convert(play([ids[0], give([1, 2, 3, 10, 99, 4], [12]), ids[2]]), 'tokens')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a'], ['b'], ['c']],
      [null, 'tokens-not-contiguous', 'tokens-not-contiguous'],
    ])
    expect(tokensOf(rows[1]).map(tokens => tokens?.ids ?? null)).toEqual([null, null, [1, 2, 3, 10, 99, 4], [12]])
  })

  it('gives the reason that the texts tell', () => {
    const calls = playLinear(message => onBlocks(message, block => (block.kind === 'thinking' ? null : block)))
    const rows = convert(play([ids[0], give([1, 2, 3, 10, 4], [12]), undefined], calls), 'tokens')
    expect(reasonsOf(rows)).toEqual([null, 'thinking-dropped', 'tokens-missing'])
  })

  it('believes the ids where they go on and only the texts differ', () => {
    const trimmed = playLinear(message =>
      onBlocks(message, block => (block.kind === 'text' ? { ...block, text: block.text.trimEnd() } : block)),
    )
    expect(answersOf(convert(play(ids, trimmed), 'tokens'))).toEqual([['a', 'b', 'c']])
  })

  it('exports calls without ids once, in rows of their own and without tokens', () => {
    const rows = convert(play([ids[0], undefined, ids[2]]), 'tokens')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a'], ['b'], ['c']],
      [null, 'tokens-missing', 'tokens-missing'],
    ])
    expect(tokensOf(rows[1]).every(tokens => tokens === null)).toBe(true)
    // What has no ids at all is cut where exact cuts it.
    expect(reasonsOf(convert(playLinear(), 'tokens'))).toEqual(['tokens-missing'])
  })

  it('keeps ids between two answers that no message stands for', () => {
    const [call] = playLinear()
    const calls: PolicyCall[] = [{ ...call, id: 'a', at: 1, messages: [], answer: call?.answer ?? null, ...give([7], [8]) }]
    expect(convert(calls, 'tokens')[0]?.steps).toMatchObject([
      { message: { blocks: [] }, generation: null, tokens: { ids: [7] } },
      { generation: { callId: 'a' }, tokens: { ids: [8] } },
    ])
  })
})
