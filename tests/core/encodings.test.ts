import { randomBytes } from 'node:crypto'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDecoder, readEncoding, undoEncodings } from '../../core/encodings.ts'
import { events, longText, plainText, zstdEvents, zstdLongText, zstdSizedText, zstdText } from './_zstd.ts'

const plain = Buffer.from(plainText)

describe('undoEncodings', () => {
  it.each([
    ['gzip', zlib.gzipSync(plain)],
    ['x-gzip', zlib.gzipSync(plain)],
    ['br', zlib.brotliCompressSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
    ['deflate', zlib.deflateRawSync(plain)],
    ['zstd', zstdText],
    ['zstd', zstdSizedText],
    ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(plain))],
    ['zstd, gzip', zlib.gzipSync(zstdText)],
    [' GZIP ', zlib.gzipSync(plain)],
    ['identity', plain],
    [null, plain],
    ['', plain],
  ])('gives back the bytes under %s', (encodings, bytes) => {
    expect(undoEncodings(bytes, encodings)).toEqual({ bytes: plain })
  })

  it.each([
    ['gzip', zlib.gzipSync(plain)],
    ['br', zlib.brotliCompressSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
  ])('gives what a cut %s stream still holds', (encoding, bytes) => {
    const result = undoEncodings(bytes.subarray(0, bytes.length - 4), encoding)
    expect('bytes' in result && plain.subarray(0, result.bytes.length).equals(result.bytes) && result.bytes.length > 0).toBe(true)
  })

  it('gives the events of a zstd stream that was cut in the third one', () => {
    const cut = Buffer.concat([...zstdEvents.slice(0, 2), Buffer.from(zstdEvents[2]?.subarray(0, 9) ?? [])])
    expect(undoEncodings(cut, 'zstd')).toEqual({ bytes: Buffer.from(events.slice(0, 2).join('')) })
  })

  it.each([
    ['gzip', Buffer.from('not compressed at all'), 'gzip'],
    ['zstd', Buffer.from('not compressed at all'), 'zstd'],
    ['rot13', plain, 'rot13'],
    ['br, br, br, br, br', plain, '5 content-encodings'],
  ])('says why %s cannot be undone', (encoding, bytes, word) => {
    expect(undoEncodings(bytes, encoding)).toEqual({ reason: expect.stringContaining(word) })
  })

  it.each([
    ['gzip', zlib.gzipSync(longText)],
    ['br', zlib.brotliCompressSync(longText)],
    ['deflate', zlib.deflateSync(longText)],
    ['zstd', zstdLongText],
  ])('unfolds %s no further than the bound', (encoding, bytes) => {
    const whole = undoEncodings(bytes, encoding, longText.length)
    expect('bytes' in whole && whole.bytes.equals(Buffer.from(longText))).toBe(true)
    expect(undoEncodings(bytes, encoding, longText.length - 1)).toEqual({ reason: expect.stringContaining(encoding) })
  })

  it('answers damaged bytes with bytes or a reason, and never throws', () => {
    const coded = {
      gzip: zlib.gzipSync(plain),
      deflate: zlib.deflateSync(plain),
      br: zlib.brotliCompressSync(plain),
      zstd: zstdSizedText,
    }
    const names = fc.constantFrom(...(Object.keys(coded) as Array<keyof typeof coded>))
    fc.assert(
      fc.property(names, fc.nat(), fc.nat(255), fc.nat(80), (name, at, value, cut) => {
        const copy = Buffer.from(coded[name].subarray(0, Math.max(1, coded[name].length - cut)))
        copy[at % copy.length] = value
        const undone = undoEncodings(copy, name, 1024 * 1024)
        expect('reason' in undone ? undone.reason.length > 0 : undone.bytes.length <= 1024 * 1024).toBe(true)
      }),
      { numRuns: 600 },
    )
    for (let time = 0; time < 50; time++) undoEncodings(randomBytes(200), 'zstd')
  })

  it('leaves an empty body alone', () => expect(undoEncodings(Buffer.alloc(0), 'zstd')).toEqual({ bytes: Buffer.alloc(0) }))
})

describe('createDecoder', () => {
  it.each([
    ['gzip', [zlib.gzipSync(plain)]],
    ['deflate', [zlib.deflateSync(plain)]],
    ['br', [zlib.brotliCompressSync(plain)]],
    ['zstd', [zstdText.subarray(0, 30), zstdText.subarray(30)]],
  ] as const)('reads %s', async (encoding, chunks) => {
    const decoder = createDecoder(encoding)
    for (const chunk of chunks) decoder?.write(chunk)
    decoder?.end()
    const parts: Buffer[] = []
    for await (const part of decoder ?? []) parts.push(part as Buffer)
    expect(Buffer.concat(parts).toString()).toBe(plainText)
  })
  it('is not there for what nobody knows', () => expect(createDecoder('rot13')).toBeNull())
})

it('reads the content-encoding out of a header list', () => {
  expect(readEncoding([['Content-Encoding', ' GZip ']])).toBe('gzip')
  expect(
    readEncoding([
      ['Content-Encoding', 'gzip'],
      ['content-encoding', 'br, identity'],
    ]),
  ).toBe('gzip, br')
  expect(readEncoding([['content-encoding', 'identity']])).toBeNull()
  expect(readEncoding([['content-type', 'text/plain']])).toBeNull()
  expect(readEncoding(null)).toBeNull()
})
