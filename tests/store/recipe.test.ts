import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyRecipe, readArrivals, readRanges, readRecipe, writeArrivals, writeRanges, writeRecipe } from '../../store/recipe.ts'

const ids = fc.array(fc.nat(1_000_000))

it('a recipe applied to its base gives the list it was made for', () => {
  fc.assert(
    fc.property(ids, ids, fc.nat(20), fc.nat(20), (base, fresh, front, back) => {
      const keepFront = Math.min(front, base.length)
      const keepBack = Math.min(back, base.length - keepFront)
      const recipe = readRecipe(writeRecipe({ keepFront, keepBack, ids: fresh }))
      expect([...applyRecipe(recipe, Uint32Array.from(base))]).toEqual([
        ...base.slice(0, keepFront),
        ...fresh,
        ...base.slice(base.length - keepBack),
      ])
    }),
  )
})

it('a recipe that keeps more than its base has is refused', () => {
  expect(() => applyRecipe({ keepFront: 2, keepBack: 2, ids: [] }, Uint32Array.of(1, 2, 3))).toThrow(
    expect.objectContaining({ code: 'E_STORE_CORRUPT' }),
  )
})

it('a new piece after hundreds of kept ones costs a few bytes', () => {
  expect(writeRecipe({ keepFront: 800, keepBack: 20, ids: [123_456, 123_457] }).length).toBeLessThanOrEqual(8)
})

it('masked ranges read back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 100 }))), gaps => {
      let at = 0
      const ranges = gaps.map(([gap, length]) => {
        const start = at + gap
        at = start + length
        return [start, length] as const
      })
      expect(readRanges(writeRanges(ranges))).toEqual(ranges)
    }),
  )
  expect(writeRanges([])).toBeNull()
})

it('arrival times read back to the microsecond, also when the clock stepped back', () => {
  const startedAt = 1_795_000_000_000.25
  const arrivals = [10.001, 10.001, 25.5, 7, 9999.999].map((ms, at) => ({
    at: Math.round((startedAt + ms) * 1000) / 1000,
    bytes: at * 300,
  }))
  expect(readArrivals(writeArrivals(arrivals, startedAt), startedAt)).toEqual(arrivals)
})
