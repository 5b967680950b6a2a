import { describe, expect, it, onTestFinished, vi } from 'vitest'
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

  /** Milliseconds of a clock that goes from one pause to the end of it. */
  const waited = async (errors: readonly unknown[], waitSec: number): Promise<number> => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const start = performance.now()
    const asked = ask(errors, waitSec)
    for (let done = false; !done; ) {
      await vi.advanceTimersToNextTimerAsync()
      done = await Promise.race([asked.then(() => true), Promise.resolve().then(() => false)])
    }
    return performance.now() - start
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
    expect(await waited([failure(429, '', { 'retry-after': '0' })], 30)).toBe(0)
    expect(await waited([failure(429, '', { 'retry-after': '0.3' })], 0)).toBe(300)
    expect(await waited([failure(429, '', { 'retry-after': '3600' })], 0)).toBe(60_000)
  })

  it('doubles its pauses within a round and begins anew', async () => {
    const four = Array.from({ length: 4 }, () => failure(500))
    expect(await waited(four, 0.05)).toBe(50 + 100 + 200 + 50)
    expect(await waited(four, 10)).toBe(10_000 + 15_000 + 15_000 + 10_000)
  })

  it('ends at once when it is called off', async () => {
    const stop = new AbortController()
    // The clock stands: whoever waits waits for ever.
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const asked = ask([failure(500), failure(500)], 15, stop.signal)
    await vi.advanceTimersByTimeAsync(50)
    stop.abort()
    expect((await asked).tries).toBe(2)
  })
})
