import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTurnpikeError } from '../../core/errors.ts'
import { createZstdReader, decompressZstd } from '../../core/zstd.ts'
import { events, frameRaw, longText, plainText, zstdEvents, zstdLongText, zstdSizedText, zstdText } from './_zstd.ts'

const bound = 1024 * 1024
const whole = [
  ['a short body', zstdText, plainText],
  ['a body with its size and a checksum', zstdSizedText, plainText],
  ['several blocks that reach back', zstdLongText, longText],
  ['a flushed stream', Buffer.concat(zstdEvents), events.join('')],
] as const

function readAll(chunks: readonly Buffer[]): string {
  const parts: Buffer[] = []
  const reader = createZstdReader(bytes => void parts.push(Buffer.from(bytes)))
  for (const chunk of chunks) reader.push(chunk)
  return Buffer.concat(parts).toString()
}

describe('decompressZstd', () => {
  it.each(whole)('reads %s', (_, bytes, text) => expect(decompressZstd(bytes, bound).toString()).toBe(text))

  it.each(whole)('reads %s cut anywhere as far as it goes', (_, bytes, text) => {
    for (let length = 0; length < bytes.length; length++) {
      const part = decompressZstd(bytes.subarray(0, length), bound).toString()
      expect(text.startsWith(part), `cut after ${length}`).toBe(true)
    }
    expect(decompressZstd(bytes.subarray(0, bytes.length - 1), bound).length).toBeGreaterThanOrEqual(0)
  })

  it('reads frame after frame and passes over skippable ones', () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const bytes = Buffer.concat([zstdSizedText, skippable, zstdText, frameRaw([Buffer.from('end')])])
    expect(decompressZstd(bytes, bound).toString()).toBe(`${plainText}${plainText}end`)
  })

  it('reads any bytes in frames of uncompressed blocks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }), parts => {
        const buffers = parts.map(part => Buffer.from(part))
        expect(decompressZstd(frameRaw(buffers), bound)).toEqual(Buffer.concat(buffers))
      }),
    )
  })

  it('unpacks nothing beyond its bound', () => {
    expect(() => decompressZstd(zstdLongText, longText.length - 1)).toThrow(/more than/)
    expect(decompressZstd(zstdLongText, longText.length).length).toBe(longText.length)
    // A run of 128 KB in four bytes, a thousand times.
    const run = Buffer.from([(1 << 1) | ((131072 << 3) & 255), (131072 << 3) >> 8, (131072 << 3) >> 16, 0x41])
    const bomb = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), ...Array.from({ length: 1000 }, () => run)])
    expect(() => decompressZstd(bomb, bound)).toThrow(/more than/)
  })

  it('fails on damaged bytes with an error, and never hands out more than the bound', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), (at, value) => {
        const copy = Buffer.from(zstdSizedText)
        copy[at % copy.length] = value
        try {
          expect(decompressZstd(copy, bound).length).toBeLessThanOrEqual(bound)
        } catch (error) {
          expect(error instanceof Error).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('createZstdReader', () => {
  it.each(whole)('reads %s in chunks of any size', (_, bytes, text) => {
    for (const size of [7, 18, 100, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_part, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      )
      expect(readAll(chunks)).toBe(text)
    }
  })

  it('gives out each flushed event as soon as its bytes are there', () => {
    const seen: string[] = []
    const reader = createZstdReader(bytes => void seen.push(Buffer.from(bytes).toString()))
    for (const [at, part] of zstdEvents.entries()) {
      reader.push(part)
      expect(seen.join('')).toBe(events.slice(0, at + 1).join(''))
    }
  })

  it('refuses windows that nobody may need, before any memory is taken for them', () => {
    const huge = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0]), Buffer.alloc(20)])
    const reader = createZstdReader(() => undefined)
    let thrown: unknown = null
    try {
      reader.push(huge)
    } catch (error) {
      thrown = error
    }
    expect(isTurnpikeError(thrown) && thrown.message).toMatch(/window is larger/)
  })
})
