import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/types.ts'
import { findDifference } from '../../../proxy/replay/difference.ts'

describe('the first difference', () => {
  it.each<[Json, Json, string, string, string]>([
    [{ a: 1 }, { a: 2 }, 'a', '1', '2'],
    [{ a: [{ b: 'x' }] }, { a: [{ b: 'y' }] }, 'a[0].b', '"x"', '"y"'],
    [{ a: 1, b: 2 }, { b: 2 }, 'a', '1', 'nothing'],
    [{ a: [1] }, { a: [1, { z: 1, y: 2 }] }, 'a[1]', 'nothing', '{"y":2,"z":1}'],
    [{ 'a key': true }, { 'a key': null }, '["a key"]', 'true', 'null'],
    [[1], { a: 1 }, '', '[1]', '{"a":1}'],
  ])('of %j and %j is at %s', (recorded, asked, path, left, right) => {
    expect(findDifference(recorded, asked)).toEqual({ path, recorded: left, asked: right })
  })

  it('shows long texts where they part', () => {
    const found = findDifference({ t: `${'a'.repeat(100)}XX${'b'.repeat(100)}` }, { t: `${'a'.repeat(100)}YY` })
    expect(found?.recorded).toBe(`…"${'a'.repeat(15)}XX${'b'.repeat(43)}"…`)
    expect(found?.asked).toBe(`…"${'a'.repeat(15)}YY"`)
  })

  it('takes nothing that every object inherits for a value', () => {
    expect(findDifference({ valueOf: null }, {})).toEqual({ path: 'valueOf', recorded: 'null', asked: 'nothing' })
    expect(findDifference({}, { constructor: 'x' })).toMatchObject({ path: 'constructor', recorded: 'nothing' })
  })

  it('is null exactly for equal values', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        // What JSON itself cannot tell apart is no difference.
        const [left, right] = [a, b].map(value => JSON.parse(JSON.stringify(value)) as Json)
        expect(findDifference(left, structuredClone(left))).toBeNull()
        const sorted = (value: unknown): string =>
          JSON.stringify(value, (_, inner: unknown) =>
            inner !== null && typeof inner === 'object' && !Array.isArray(inner)
              ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
              : inner,
          )
        expect(findDifference(left, right) === null).toBe(sorted(left) === sorted(right))
      }),
    )
  })
})
