import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSketches, sketchNames, sketchText } from '../../../proxy/replay/sketch.ts'

const likeness = (a: string, b: string): number => compareSketches(sketchText(a), sketchText(b))

describe('likeness of texts', () => {
  it('is shared words by all words', () => {
    expect(likeness('one two three', 'two three four')).toBe(0.5)
    expect(likeness('one', 'two')).toBe(0)
    expect(likeness('', '')).toBe(1)
    expect(likeness('', 'word')).toBe(0)
  })

  it('is blind to dates, times and ids', () => {
    const then = 'Today is 2026-01-02, 09:15:01. Session 11111111-2222-4333-8444-555555555555, commit 0123456789abcdef0123.'
    const now = 'Today is 2026-11-21, 17:40. Session 99999999-2222-4333-8444-555555555555, commit fedcba98765432100000.'
    expect(likeness(then, now)).toBe(1)
    expect(sketchText(then).whole).toBe(sketchText(now).whole)
  })

  it('sees the single characters of scripts without spaces', () => {
    expect(likeness('修复这个错误', '修复那个错误')).toBeGreaterThan(0.6)
    expect(likeness('修复这个错误', '写一首诗')).toBe(0)
  })

  it('looks at both ends of a long text', () => {
    const middle = Array.from({ length: 20_000 }, (_, index) => `w${index}`).join(' ')
    expect(sketchText(`alpha ${middle} omega`).words).toEqual(sketchText(`alpha ${middle} omega`).words)
    expect(sketchText(`alpha ${middle} omega`).whole).not.toBe(sketchText(`alpha ${middle} other`).whole)
    expect(sketchText(middle).words.length).toBeLessThan(15_000)
  })

  it('is symmetric, between 0 and 1, and 1 for a text and itself', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 30 }), fc.lorem({ maxCount: 30 }), (a, b) => {
        const value = likeness(a, b)
        expect(value).toBe(likeness(b, a))
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(1)
        expect(likeness(a, a)).toBe(1)
      }),
    )
  })
})

describe('likeness of names', () => {
  it('takes each name as one word', () => {
    expect(compareSketches(sketchNames(['read_file', 'run-it']), sketchNames(['read_file', 'run']))).toBeCloseTo(1 / 3)
  })
})
