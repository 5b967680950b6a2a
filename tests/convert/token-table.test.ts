import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenTable } from '../../convert/token-table.ts'

const count = (length: number, from = 0) => Array.from({ length }, (_, index) => (from + index) % 1000)

describe('a token table', () => {
  it('gives back what it was given, whole and in part', () => {
    const lengths = fc.constantFrom(0, 1, 255, 256, 257, 511, 512, 513, 1300)
    fc.assert(
      fc.property(lengths, fc.nat(1400), fc.nat(1400), (length, from, to) => {
        const table = createTokenTable()
        const ids = count(length)
        const sequence = table.add(ids)
        expect(table.read(sequence, 0, ids.length)).toEqual(ids)
        expect(table.read(sequence, from, to)).toEqual(ids.slice(from, Math.max(from, to)))
      }),
    )
  })

  it('knows whether a prompt begins with an earlier prompt and its answer', () => {
    const lengths = fc.constantFrom(0, 1, 2, 254, 255, 256, 257, 512, 600)
    fc.assert(
      fc.property(lengths, lengths, lengths, fc.option(fc.nat(1200)), (prompt, answer, more, changed) => {
        const table = createTokenTable()
        const first = count(prompt)
        const said = count(answer, 500)
        const next = [...first, ...said, ...count(more, 77)]
        if (changed !== null && changed < next.length) next[changed] = 5000
        const begins = table.begins(table.add(next), table.add(first), Int32Array.from(said))
        expect(begins).toBe(changed === null || changed >= prompt + answer)
      }),
      { numRuns: 400 },
    )
    const table = createTokenTable()
    expect(table.begins(table.add(count(5)), table.add(count(4)), Int32Array.from([4, 5]))).toBe(false)
  })

  it('keeps what conversations share once', () => {
    const table = createTokenTable()
    const [one, two] = [table.add(count(1000)), table.add([...count(1000), 1, 2, 3])]
    expect(table.add(count(1000)).node).toBe(one.node)
    expect([one.node, one.rest.length, two.rest.length]).toEqual([two.node, 1000 - 768, 1003 - 768])
    // The same ids behind others are another place.
    expect(table.add([9, ...count(999)]).node).not.toBe(one.node)
  })
})
