import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRateQueue, type ProviderLimits } from '../../proxy/rate-queue.ts'

const none: ProviderLimits = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null }

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

function open(limits: Partial<ProviderLimits>) {
  const gone: Array<{ readonly name: string; readonly at: number }> = []
  const queue = createRateQueue({ ...none, ...limits }, Date.now)
  const enter = (name: string, tokens = 1) =>
    queue.enter(name.split('-')[0] ?? '', tokens, () => gone.push({ name, at: Date.now() }))
  return { queue, gone, enter, names: () => gone.map(one => one.name) }
}

describe('calls at once', () => {
  it('go in order within a scope, and scopes take turns', () => {
    const { enter, names } = open({ concurrent: 1 })
    const first = enter('a-1')
    const tickets = ['a-2', 'a-3', 'a-4', 'b-1', 'b-2', 'c-1'].map(name => enter(name))
    expect(names()).toEqual(['a-1'])
    first.leave()
    for (const next of [0, 3, 5, 1, 4, 2]) tickets[next]?.leave()
    expect(names()).toEqual(['a-1', 'a-2', 'b-1', 'c-1', 'a-3', 'b-2', 'a-4'])
  })

  it('leave the queue without having gone', () => {
    const { queue, enter, names } = open({ concurrent: 1 })
    const first = enter('a-1')
    const second = enter('a-2')
    const third = enter('b-1')
    expect([first.waited(), second.waited(), queue.waiting()]).toEqual([false, true, 2])
    second.leave()
    expect(queue.waiting()).toBe(1)
    first.leave()
    first.leave()
    expect(names()).toEqual(['a-1', 'b-1'])
    expect(third.waited()).toBe(true)
    enter('a-3')
    expect(names(), 'leaving twice gives one place back').toEqual(['a-1', 'b-1'])
  })
})

describe('calls in a minute', () => {
  it('never exceed the limit in any sixty seconds', () => {
    const { enter, gone } = open({ requestsPerMinute: 3 })
    for (let index = 0; index < 10; index++) {
      enter(`a-${index}`)
      vi.advanceTimersByTime(7_000)
    }
    vi.advanceTimersByTime(200_000)
    expect(gone).toHaveLength(10)
    const times = gone.map(one => one.at)
    expect(times.slice(0, 4)).toEqual([0, 7_000, 14_000, 60_000])
    for (const [index, at] of times.entries())
      expect((times[index + 3] ?? Number.POSITIVE_INFINITY) - at).toBeGreaterThanOrEqual(60_000)
  })
})

describe('tokens in a minute', () => {
  it('are estimates until the call says what it used', () => {
    const { enter, names } = open({ tokensPerMinute: 100 })
    const first = enter('a-1', 90)
    enter('a-2', 50)
    expect(names()).toEqual(['a-1'])
    first.correct(40)
    expect(names()).toEqual(['a-1', 'a-2'])
    first.correct(400)
    enter('a-3', 1)
    vi.advanceTimersByTime(59_999)
    expect(names()).toEqual(['a-1', 'a-2'])
    vi.advanceTimersByTime(1)
    expect(names()).toEqual(['a-1', 'a-2', 'a-3'])
  })

  it('let a call that is larger than the limit go alone, and keep small ones from overtaking it', () => {
    const { enter, names, queue } = open({ tokensPerMinute: 100 })
    enter('a-1', 10)
    enter('b-1', 500)
    enter('c-1', 1)
    expect(names()).toEqual(['a-1'])
    vi.advanceTimersByTime(60_000)
    expect(names()).toEqual(['a-1', 'b-1'])
    vi.advanceTimersByTime(60_000)
    expect(names()).toEqual(['a-1', 'b-1', 'c-1'])
    queue.close()
  })
})
