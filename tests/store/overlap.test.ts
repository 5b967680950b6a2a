import fc from 'fast-check'
import { expect, it } from 'vitest'
import { commonPrefix, commonSuffix } from '../../store/overlap.ts'

function slowPrefix(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++
  return at
}

const reversed = (bytes: Buffer) => Buffer.from([...bytes].reverse())

it('finds the shared beginning and end of any two bodies exactly', () => {
  const part = fc.nat(20_000).map(length => Buffer.alloc(length, 'abcdefg'))
  const middle = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(part, middle, middle, part, (front, first, second, back) => {
      const a = Buffer.concat([front, first, back])
      const b = Buffer.concat([front, second, back])
      const prefix = slowPrefix(a, b)
      expect(commonPrefix(a, b)).toBe(prefix)
      const limit = Math.min(a.length, b.length) - prefix
      expect(commonSuffix(a, b, limit)).toBe(Math.min(limit, slowPrefix(reversed(a), reversed(b))))
    }),
  )
})
