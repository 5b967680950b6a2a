import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readVarints, unzigzag, writeVarints, zigzag } from '../../store/varint.ts'

const large = Number.MAX_SAFE_INTEGER

it('any list of numbers reads back as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(large)), numbers => {
      expect(readVarints(writeVarints(numbers))).toEqual(numbers)
    }),
  )
})

it('differences keep their sign and small ones their smallness', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), number => {
      expect(unzigzag(zigzag(number))).toBe(number)
    }),
  )
  expect([0, -1, 1, -2].map(zigzag)).toEqual([0, 1, 2, 3])
  expect(writeVarints([zigzag(-64)]).length).toBe(1)
})

it('a list that breaks off in the middle of a number is refused', () => {
  expect(() => readVarints(Buffer.from([0x80]))).toThrow(expect.objectContaining({ code: 'E_STORE_CORRUPT' }))
  expect(() => readVarints(Buffer.alloc(12, 0xff).fill(0x01, 11))).toThrow(expect.objectContaining({ code: 'E_STORE_CORRUPT' }))
})
