import { describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../../core/errors.ts'
import { askPatiently, classifyFailure } from '../../../runner/terminus/patience.ts'
import { never } from '../_sandbox.ts'

const failure = (status: number | undefined, message = 'no', headers: Record<string, string> = {}) =>
  Object.assign(new Error(message), { status, headers: new Headers(headers) })

describe('a failure', () => {
  it.each([
    [failure(429), 'transient'],
    [failure(500), 'transient'],
    [failure(529), 'transient'],
    [failure(408), 'transient'],
    [failure(undefined, 'Connection error.'), 'transient'],
    [new TurnpikeError('E_UPSTREAM_CUT', 'ended before its last event'), 'transient'],
    [failure(400), 'final'],
    [failure(401), 'final'],
    [failure(403, 'context length'), 'final'],
    [failure(404), 'final'],
    [failure(402, '', { 'x-turnpike-error': 'E_BUDGET_COST' }), 'final'],
    [failure(429, '', { 'x-turnpike-error': 'E_BUDGET_CALLS' }), 'final'],
    [failure(502, '', { 'x-should-retry': 'false' }), 'final'],
    [failure(413), 'context-overflow'],
    [failure(400, 'prompt is too long: 213000 tokens > 200000 maximum'), 'context-overflow'],
    [failure(400, "This model's maximum context length is 128000 tokens."), 'context-overflow'],
    [failure(400, 'context_length_exceeded'), 'context-overflow'],
    [failure(400, 'Your input exceeds the context window of this model.'), 'context-overflow'],
    [failure(400, 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'), 'context-overflow'],
    [failure(400, 'The input token count (1200000) exceeds the maximum number of tokens allowed'), 'context-overflow'],
    [new TurnpikeError('E_AGENT_FAILED', 'the model failed: context_length_exceeded'), 'context-overflow'],
    [failure(500, 'context window'), 'transient'],
    ['a text', 'transient'],
  ])('%o is %s', (error, kind) => {
    expect(classifyFailure(error, never)).toBe(kind)
  })

  it('of a call that was called off is an interruption, whatever it looks like', () => {
    expect(classifyFailure(failure(413), AbortSignal.abort())).toBe('interrupted')
  })
})

describe('patience', () => {
  const ask = async (errors: readonly unknown[], waitSec = 0.001, signal = never) => {
    let tries = 0
    let retries = 0
    const work = async () => {
      const error = errors[tries++]
      if (error !== undefined) throw error
      return 'answer'
    }
    const result = await askPatiently(work, { waitSec, signal, onRetry: () => retries++ }).catch((error: unknown) => error)
    return { tries, retries, result }
  }

  it('ends after nine tries with the last error', async () => {
    const errors = Array.from({ length: 20 }, (_, index) => failure(500, `no ${index}`))
    expect(await ask(errors)).toMatchObject({ tries: 9, retries: 8, result: { message: 'no 8' } })
    expect(await ask(errors.slice(0, 8))).toMatchObject({ tries: 9, result: 'answer' })
  })

  it('does not repeat what does not pass by itself', async () => {
    for (const error of [failure(401), failure(413)]) expect(await ask([error])).toMatchObject({ tries: 1, result: error })
  })

  it('waits as long as the provider asks, not longer', async () => {
    const start = performance.now()
    await ask([failure(429, '', { 'retry-after': '0' })], 30)
    expect(performance.now() - start).toBeLessThan(3_000)
    const later = performance.now()
    await ask([failure(429, '', { 'retry-after': '0.3' })], 0)
    expect(performance.now() - later).toBeGreaterThan(250)
  })

  it('doubles its pauses within a round and begins anew', async () => {
    const start = performance.now()
    // 0.05 + 0.1 + 0.2, then 0.05 again
    await ask([failure(500), failure(500), failure(500), failure(500)], 0.05)
    const ms = performance.now() - start
    expect(ms).toBeGreaterThan(390)
    expect(ms).toBeLessThan(3_000)
  })

  it('ends at once when it is called off', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    const start = performance.now()
    expect((await ask([failure(500), failure(500)], 15, stop.signal)).tries).toBe(2)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
