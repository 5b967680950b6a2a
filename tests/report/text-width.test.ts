import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutMiddle, cutText, padEnd, padStart, widthOf } from '../../report/text-width.ts'

it.each([
  ['plain', 5],
  ['', 0],
  ['日本語', 6],
  ['한글', 4],
  ['\u1112\u1161\u11ab', 2],
  ['é', 1],
  ['e\u0301', 1],
  ['ｆｕｌｌ', 8],
  ['✓✗·…━●', 6],
  ['🚀', 2],
  ['👩‍💻', 2],
  ['❤️', 2],
  ['a\u200bb', 2],
  ['\u200e', 0],
])('%j takes %i columns', (text, width) => {
  expect(widthOf(text)).toBe(width)
})

it('cuts to columns, not to letters, and marks the cut', () => {
  expect(cutText('日本語', 6)).toBe('日本語')
  expect(cutText('日本語', 5)).toBe('日本…')
  expect(cutText('日本語', 4)).toBe('日…')
  expect(cutText('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…')
  expect(cutText('abc', 0)).toBe('')
  expect(cutMiddle('ledger.claude-code@model.12', 13)).toBe('ledger…del.12')
  expect(cutMiddle('short', 13)).toBe('short')
  expect([padEnd('日', 4), padStart('日', 4)]).toEqual(['日  ', '  日'])
})

it('is never wider than asked for, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 30 }), (text, width) => {
      expect(widthOf(cutText(text, width))).toBeLessThanOrEqual(width)
      expect(widthOf(cutMiddle(text, width))).toBeLessThanOrEqual(width)
    }),
  )
})
