import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createEncodedHold } from '../../proxy/hold-encoded.ts'
import { zstdEvents } from '../core/_zstd.ts'

const events = ['event: a\ndata: 1\n\n', 'event: b\ndata: 2\n\n', 'event: message_stop\ndata: {}\n\n']

/** Each event compressed and flushed by itself, as providers stream them. */
async function compressed(stream: zlib.Gzip | zlib.BrotliCompress | zlib.Deflate): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for (const event of events) {
    const parts: Buffer[] = []
    const collect = (bytes: Buffer) => void parts.push(bytes)
    stream.on('data', collect)
    stream.write(event)
    await new Promise<void>(resolve => stream.flush(() => resolve()))
    stream.off('data', collect)
    chunks.push(Buffer.concat(parts))
  }
  return chunks
}

describe('the hold for compressed streams', () => {
  it.each([
    ['gzip', () => zlib.createGzip()],
    ['deflate', () => zlib.createDeflate()],
    ['br', () => zlib.createBrotliCompress()],
  ] as const)('finds the terminal event inside %s and judges chunks in order', async (encoding, create) => {
    const chunks = await compressed(create())
    const hold = createEncodedHold(['event: message_stop'], encoding)
    const judged = await Promise.all(chunks.map(chunk => new Promise<boolean>(resolve => hold?.push(chunk, resolve))))
    expect(judged).toEqual([false, false, true])
    hold?.close()
  })
  it('lets bytes pass that are not what they claim to be', async () => {
    const hold = createEncodedHold(['x'], 'gzip')
    const first = await new Promise<boolean>(resolve => hold?.push(Buffer.from('not gzip at all'), resolve))
    expect(first).toBe(false)
    hold?.close()
  })
  it('finds the terminal event inside zstd', async () => {
    const hold = createEncodedHold(['event: message_stop'], 'zstd')
    const judged = await Promise.all(zstdEvents.map(chunk => new Promise<boolean>(resolve => hold?.push(chunk, resolve))))
    expect(judged).toEqual([false, false, true, true])
    hold?.close()
  })
  it('is not there for encodings nobody knows', () => {
    expect(createEncodedHold(['x'], 'rot13')).toBeNull()
  })
})
