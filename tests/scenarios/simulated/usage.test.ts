import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/types.ts'
import {
  countPromptTokens,
  estimateMarkedPrompt,
  estimateTokens,
  estimateUnmarkedPrompt,
  openPromptMemory,
  type PromptEstimate,
} from '../../../scenarios/simulated/usage.ts'

const mark = { cache_control: { type: 'ephemeral' } }
const markHour = { cache_control: { type: 'ephemeral', ttl: '1h' } }
const block = (size: number, more: JsonObject = {}): JsonObject => ({ type: 'text', text: 'x'.repeat(size), ...more })
const body = (system: Json, ...messages: Json[]): JsonObject => ({ model: 'm', system, messages })
const turn = (...content: Json[]): JsonObject => ({ role: 'user', content })
const sum = (estimate: PromptEstimate) => estimate.input + estimate.cachedRead + estimate.cachedWrite5m + estimate.cachedWrite1h

describe('an Anthropic prompt', () => {
  it('without marks is all input, every time', () => {
    const memory = openPromptMemory()
    const prompt = body('be good', { role: 'user', content: 'hi' })
    const first = estimateMarkedPrompt(prompt, memory)
    expect(first).toEqual({ input: countPromptTokens(prompt), cachedRead: 0, cachedWrite5m: 0, cachedWrite1h: 0 })
    expect(estimateMarkedPrompt(prompt, memory)).toEqual(first)
  })

  it('is written up to its last mark, then read by whoever sends the same beginning', () => {
    const memory = openPromptMemory()
    const first = estimateMarkedPrompt(body([block(400, mark)], turn(block(40, mark))), memory)
    expect(first.cachedWrite5m).toBeGreaterThan(110)
    expect([first.input, first.cachedRead, first.cachedWrite1h]).toEqual([0, 0, 0])

    const longer = body(
      [block(400, mark)],
      turn(block(40)),
      { role: 'assistant', content: 'yes' },
      turn(block(80, mark), block(20)),
    )
    const second = estimateMarkedPrompt(longer, memory)
    expect(second.cachedRead).toBe(first.cachedWrite5m)
    expect(second.cachedWrite5m).toBeGreaterThan(20)
    expect(second.input).toBeGreaterThan(0)
    expect(sum(second)).toBe(countPromptTokens(longer))
  })

  it('is recognised when the mark has moved and a block became a bare string', () => {
    const memory = openPromptMemory()
    const first = estimateMarkedPrompt(body('s', turn({ type: 'text', text: 'hello', ...mark })), memory)
    const again = estimateMarkedPrompt(body('s', { role: 'user', content: 'hello' }, turn(block(9, mark))), memory)
    expect(again.cachedRead).toBe(first.cachedWrite5m)
  })

  it('is not read after something before the mark has changed, or by another model', () => {
    const memory = openPromptMemory()
    estimateMarkedPrompt(body('s', turn(block(40, mark))), memory)
    expect(estimateMarkedPrompt(body('t', turn(block(40, mark))), memory).cachedRead).toBe(0)
    expect(estimateMarkedPrompt({ ...body('s', turn(block(40, mark))), model: 'n' }, memory).cachedRead).toBe(0)
  })

  it('tells one-hour writes from five-minute writes', () => {
    const estimate = estimateMarkedPrompt(body([block(400, markHour)], turn(block(40, mark))), openPromptMemory())
    expect(estimate.cachedWrite1h).toBeGreaterThanOrEqual(100)
    expect(estimate.cachedWrite5m).toBeGreaterThanOrEqual(10)
    expect(estimate.cachedWrite5m).toBeLessThan(50)
  })

  it('takes a mark on the request for one on the last block', () => {
    const prompt = { ...body('s', turn(block(40))), ...mark }
    const memory = openPromptMemory()
    const { cachedWrite5m } = estimateMarkedPrompt(prompt, memory)
    expect(cachedWrite5m).toBe(countPromptTokens(prompt))
    expect(estimateMarkedPrompt(prompt, memory).cachedRead).toBe(cachedWrite5m)
  })

  it('counts tools', () => {
    const plain = body('s', turn(block(4)))
    expect(countPromptTokens({ ...plain, tools: [{ name: 'a', description: 'x'.repeat(400) }] })).toBeGreaterThan(
      countPromptTokens(plain) + 100,
    )
  })
})

describe('an OpenAI prompt', () => {
  it('is remembered unasked, message by message', () => {
    const memory = openPromptMemory()
    const messages = [
      { role: 'system', content: 'x'.repeat(400) },
      { role: 'user', content: 'hi' },
    ]
    const first = estimateUnmarkedPrompt({ model: 'm', messages }, memory)
    expect(first).toMatchObject({ cachedRead: 0, cachedWrite5m: 0, cachedWrite1h: 0 })
    const second = estimateUnmarkedPrompt({ model: 'm', messages: [...messages, { role: 'assistant', content: 'ho' }] }, memory)
    expect(second.cachedRead).toBe(first.input)
    expect(second.input).toBeGreaterThan(0)
    const changed = estimateUnmarkedPrompt({ model: 'm', messages: [{ role: 'system', content: 'y' }, ...messages] }, memory)
    expect(changed.cachedRead).toBe(0)
  })
})

it('tokens are bytes by four, rounded up', () => {
  expect([0, 1, 4, 5].map(estimateTokens)).toEqual([0, 1, 1, 2])
  // Two bytes a letter.
  const ascii = countPromptTokens(body('', turn(block(400))))
  const umlauts = countPromptTokens(body('', turn({ type: 'text', text: 'ü'.repeat(400) })))
  expect(umlauts - ascii).toBe(100)
})
