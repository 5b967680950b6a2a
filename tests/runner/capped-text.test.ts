import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCappedText } from '../../runner/capped-text.ts'

describe('bounded output', () => {
  it('keeps short output whole and of long output both ends', () => {
    const small = createCappedText(10)
    small.push(Buffer.from('0123456789'))
    expect(small.text()).toBe('0123456789')
    small.push(Buffer.from('abcdef'))
    expect(small.text()).toBe('01234\n[… 6 bytes cut out …]\nbcdef')
  })

  it('does not depend on how the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 3_000 }),
        fc.integer({ min: 2, max: 2_000 }),
        fc.integer({ min: 1, max: 700 }),
        (text, max, step) => {
          const once = createCappedText(max)
          once.push(Buffer.from(text))
          const parts = createCappedText(max)
          for (let at = 0; at < text.length; at += step) parts.push(Buffer.from(text.slice(at, at + step)))
          expect(parts.text()).toBe(once.text())
        },
      ),
    )
  })

  it('stays small while gigabytes would pass', () => {
    const capped = createCappedText(1_000)
    for (let count = 0; count < 2_000; count++) capped.push(Buffer.alloc(65_536, 97))
    expect(capped.text().length).toBeLessThan(1_100)
    expect(capped.text()).toContain(`${2_000 * 65_536 - 1_000} bytes cut out`)
  })
})
