// Filler: sizes, shapes, equality and beginnings kept; nothing that leads back.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFiller } from '../../../convert/scrub/scrub-filler.ts'
import { cpuOf, leastCpuOf } from '../../growth.ts'

const filler = createFiller('test')

describe('text', () => {
  it('keeps bytes, characters, white space, punctuation and case', () => {
    const text = 'Hello, Wörld — 12 “quoted”\n\t日本語 😀 file_name.ts (x=3)'
    const filled = filler.text(text)
    expect(Buffer.byteLength(filled)).toBe(Buffer.byteLength(text))
    expect(filled).toHaveLength(text.length)
    expect(filled).toMatch(
      /^[A-Z][a-z]{4}, [A-Z][^ ]{4} . \d\d .[^ ]{6}.\n\t[^ ]{3} \S\S [a-z]{4}_[a-z]{4}\.[a-z]\w \([a-z]=\d\)$/,
    )
    expect(filled).not.toMatch(/Hello|quoted|file|name|日本語|😀/)
  })

  it('is the same size as any text, and the same for the same text', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), text => {
        const filled = filler.text(text)
        expect(Buffer.byteLength(filled)).toBe(Buffer.byteLength(text))
        expect(filled).toHaveLength(text.length)
        expect(filler.text(text)).toBe(filled)
        expect(createFiller('test').text(text).length).toBe(filled.length)
      }),
    ))

  it('tells different texts apart, the shortest too', () => {
    const texts = [
      ...'abcdefghijklmnopqrstuvwxyz',
      ...Array.from({ length: 10 }, (_, at) => `${at}`),
      'ab',
      'cd',
      'ok',
      'no',
      'é',
      'ü',
    ]
    expect(new Set(texts.map(filler.text)).size).toBe(texts.length)
  })

  it('begins alike where texts begin alike, and nowhere else', () => {
    const [one, two] = [filler.text('The quick brown fox'), filler.text('The quick brown fox jumps over it')]
    expect(two.startsWith(one)).toBe(true)
    expect(filler.text('Some quick brown fox').slice(4)).not.toBe(one.slice(3))
  })

  it('of a line is the same wherever the line stands', () => {
    const line = 'Count the lines of every file in "docs".'
    const whole = filler.text(`Reminder: be brief.\n${line}\nThen stop.`)
    expect(whole.split('\n')[1]).toBe(filler.text(line))
    expect(filler.text(`Say ${line}`).slice(4)).not.toBe(filler.text(line))
  })

  it('is another without the seed, each time', () => {
    const [first, second] = [createFiller(null), createFiller(null)]
    expect(first.text('confidential')).not.toBe(second.text('confidential'))
    expect(createFiller('other').text('confidential')).not.toBe(filler.text('confidential'))
  })

  it('of a history is found, not made again', async () => {
    const texts = Array.from({ length: 10 }, (_, index) => `${index} ${'word '.repeat(4_000)}`)
    const all = (): void => void texts.map(text => filler.text(text))
    const made = await cpuOf(all)
    expect(await leastCpuOf(all, 5)).toBeLessThan(made / 5)
  })
})

describe('ids and numbers', () => {
  it('keep a provider prefix, and hexadecimal digits', () => {
    expect(filler.id('toolu_01AbCdEf')).toMatch(/^toolu_\d\d[A-Z][a-z][A-Z][a-z][A-Z][a-z]$/)
    expect(filler.id('toolu_01AbCdEf')).not.toBe('toolu_01AbCdEf')
    expect(filler.id('9b58ef0a-7673-4e39-b8a2-53e1938ad5b9')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('stay JSON numbers of the same length', () => {
    for (const literal of ['0', '7', '-12', '1234567890123', '0.5', '-3.25e-7', '1E10', '100']) {
      const filled = filler.number(literal)
      expect(filled).toHaveLength(literal.length)
      expect(Number.isFinite(JSON.parse(filled))).toBe(true)
      if (literal.length > 4) expect(filled).not.toBe(literal)
    }
  })
})
