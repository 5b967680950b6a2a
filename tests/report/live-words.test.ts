import { expect, it } from 'vitest'
import { shortenCount, writeCost, writeDuration, writeInput, writeStamp } from '../../report/live-words.ts'
import { figuresOf } from './live-story.ts'

it.each([
  [-5000, '0s'],
  [Number.NaN, '0s'],
  [499, '0s'],
  [59_400, '59s'],
  [59_600, '1m 00s'],
  [3_599_000, '59m 59s'],
  [3_600_000, '1h 00m'],
  [172_800_000, '2d 00h'],
])('%d ms is written %s', (ms, text) => {
  expect(writeDuration(ms)).toBe(text)
})

it.each([
  [-1, '0:00'],
  [59_999, '0:59'],
  [3_727_000, '1:02:07'],
])('%d ms after the start is stamped %s', (ms, text) => {
  expect(writeStamp(ms)).toBe(text)
})

it.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.0k'],
  [9_949, '9.9k'],
  [9_999, '10k'],
  [999_400, '999k'],
  [999_950, '1.0M'],
  [1_234_567, '1.2M'],
  [12_000_000_000, '12G'],
])('%d is shortened to %s', (count, text) => {
  expect(shortenCount(count)).toBe(text)
})

it('never makes an unknown price look like a known one', () => {
  expect(writeCost(figuresOf(2))).toBe('$0.0084')
  expect(writeCost(figuresOf(2, { unpricedCalls: 1 }))).toBe('≥$0.0084')
  expect(writeCost(figuresOf(2, { pricedCalls: 0, unpricedCalls: 2, nanoUsd: 0 }))).toBeNull()
})

it('tells the share of the input that came from a cache', () => {
  expect(writeInput(figuresOf(10))).toBe('16k in (75% cached)')
  expect(writeInput(figuresOf(1, { tokens: { input: 10, cachedRead: 0, cachedWrite: 0, output: 1 } }))).toBe('10 in')
})
