import { expect, it } from 'vitest'
import { sumKnown, sumPrompt, sumWritten } from '../../core/usage.ts'
import { makeUsage } from '../rows.ts'

it('sums what is known, and does not make a 0 of what is not', () => {
  expect([[1, null, 2], [null, 0], [null, null], []].map(sumKnown)).toEqual([3, 0, null, null])
})

it('counts every way of writing to a cache, and every part of a prompt once', () => {
  const usage = makeUsage({
    input: 1,
    cachedRead: 20,
    cachedWrite5m: 300,
    cachedWrite1h: 4000,
    cachedWriteOther: 50_000,
    output: 9,
  })
  expect([sumWritten(usage), sumPrompt(usage)]).toEqual([54_300, 54_321])
  const unsaid = { cachedRead: null, cachedWrite5m: null, cachedWrite1h: null, cachedWriteOther: null }
  expect([sumWritten(null), sumPrompt(null)]).toEqual([null, null])
  expect([sumWritten(makeUsage(unsaid)), sumPrompt(makeUsage({ ...unsaid, input: 7 }))]).toEqual([null, 7])
})
