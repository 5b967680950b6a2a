import fc from 'fast-check'
import { expect, it } from 'vitest'
import { didYouMean, editDistance, suggest } from '../../core/suggest.ts'

it.each([
  ['concurency', ['concurrency', 'config'], 'concurrency'],
  ['timeoutMs', ['timeout_ms', 'title'], 'timeout_ms'],
  ['timeout-ms', ['timeout_ms'], 'timeout_ms'],
  ['stoer', ['store', 'stop'], 'store'],
  ['Mini', ['mini', 'nop'], 'mini'],
  ['xyz', ['agents', 'tasks'], null],
  ['a', ['b'], 'b'],
  ['', ['store'], null],
  ['anything', [], null],
])('suggests for %j among %j: %j', (wanted, known, expected) => {
  expect(suggest(wanted, known)).toBe(expected)
})

it('prefers the nearest word, and the earlier of two equally near ones', () => {
  expect(suggest('trails', ['trains', 'trials', 'tails'])).toBe('trains')
  expect(suggest('comand', ['commands', 'command'])).toBe('command')
})

it('says nothing rather than something far-fetched', () => {
  expect(didYouMean('database', ['agents', 'tasks', 'store'])).toBe('')
  expect(didYouMean('agnets', ['agents'])).toBe('; did you mean "agents"?')
})

it.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['ab', 'ba', 1],
  ['ca', 'abc', 3],
])('counts the edits from %j to %j as %i', (a, b, expected) => {
  expect(editDistance(a, b)).toBe(expected)
})

it('is symmetric, zero only for equal words, and never more than the longer word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b)
      expect(distance).toBe(editDistance(b, a))
      expect(distance === 0).toBe(a === b)
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})
