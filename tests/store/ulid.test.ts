import { expect, it } from 'vitest'
import { createUlid } from '../../store/ulid.ts'

it('ids made in one millisecond, and while the clock steps back, still sort in order of birth', () => {
  const ids = [
    ...Array.from({ length: 5000 }, () => createUlid(2_000_000_000_000)),
    ...Array.from({ length: 10 }, () => createUlid(1_000)),
  ]
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

it('an id is 26 Crockford characters that begin with the time', () => {
  const id = createUlid(2_100_000_000_000)
  expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
  const digits = [...id.slice(0, 10)].map(char => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(char))
  expect(digits.reduce((sum, digit) => sum * 32 + digit, 0)).toBe(2_100_000_000_000)
})
