import * as zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readHeader, undoEncodings } from '../../convert/bodies.ts'

const plain = Buffer.from(JSON.stringify({ text: 'a line of text. '.repeat(200) }))

describe('undoEncodings', () => {
  it.each([
    ['gzip', zlib.gzipSync(plain)],
    ['x-gzip', zlib.gzipSync(plain)],
    ['br', zlib.brotliCompressSync(plain)],
    ['deflate', zlib.deflateSync(plain)],
    ['deflate', zlib.deflateRawSync(plain)],
    ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(plain))],
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
  ])('gives what a cut %s stream still holds', (encoding, bytes) => {
    const result = undoEncodings(bytes.subarray(0, bytes.length - 4), encoding)
    expect('bytes' in result && plain.subarray(0, result.bytes.length).equals(result.bytes) && result.bytes.length > 0).toBe(true)
  })

  it.each([
    ['gzip', Buffer.from('not compressed at all'), 'gzip'],
    ['rot13', plain, 'rot13'],
  ])('says why %s cannot be undone', (encoding, bytes, word) => {
    expect(undoEncodings(bytes, encoding)).toEqual({ reason: expect.stringContaining(word) })
  })

  it('undoes zstd where Node can, and says what is needed where it cannot', () => {
    const zstd = (zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }).zstdCompressSync
    if (zstd === undefined) expect(undoEncodings(plain, 'zstd')).toEqual({ reason: expect.stringContaining('22.15') })
    else expect(undoEncodings(zstd(plain), 'zstd')).toEqual({ bytes: plain })
  })

  it('leaves an empty body alone', () => expect(undoEncodings(Buffer.alloc(0), 'gzip')).toEqual({ bytes: Buffer.alloc(0) }))
})

it('readHeader ignores case and joins repeated fields', () => {
  expect(
    readHeader(
      [
        ['Content-Encoding', 'gzip'],
        ['content-encoding', 'br'],
      ],
      'content-encoding',
    ),
  ).toBe('gzip, br')
  expect(readHeader(null, 'content-encoding')).toBeNull()
})
