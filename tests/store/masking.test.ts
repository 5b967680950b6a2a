import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createStreamMasker, looksLikeText, maskBody, maskEncoded, maskRest } from '../../store/masking.ts'
import { plainText, zstdSecret } from '../core/_zstd.ts'

const secrets = ['sk-secret-0001', 'tp_trialtoken9', 'aaaaaaaa', '0001tail']
/** Text in which whole, half and overlapping secrets are likely. */
const text = fc
  .array(fc.constantFrom(...secrets, 'sk-', 'secret', 'tp_trial', 'token9', 'aaa', '0001', 'tail', ' ', 'x'), { maxLength: 30 })
  .map(parts => Buffer.from(parts.join('')))

function unmask(stored: Buffer, sent: Buffer, ranges: ReadonlyArray<readonly [number, number]>): Buffer {
  const copy = Buffer.from(stored)
  for (const [start, length] of ranges) {
    expect(copy.subarray(start, start + length).every(byte => byte === 0x2a)).toBe(true)
    sent.copy(copy, start, start, start + length)
  }
  return copy
}

it('however a stream is cut into chunks, no secret is written, and outside the masked ranges nothing changes', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(9), { minLength: 1 }), (sent, sizes) => {
      const masker = createStreamMasker(secrets)
      const parts = []
      for (let at = 0, turn = 0; at < sent.length; turn++) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0)
        parts.push(masker.push(sent.subarray(at, at + size)))
        at += size
      }
      // What is written before the end must not hold the beginning of a secret that the next bytes complete.
      const early = Buffer.concat(parts.map(part => part.bytes))
      parts.push(masker.held())
      const stored = Buffer.concat(parts.map(part => part.bytes))
      expect(Buffer.concat(parts.map(part => part.sent))).toEqual(sent)
      expect(
        unmask(
          stored,
          sent,
          parts.flatMap(part => part.ranges),
        ),
      ).toEqual(sent)
      for (const secret of secrets) expect([stored.includes(secret), early.includes(secret)]).toEqual([false, false])
    }),
    { numRuns: 500 },
  )
})

it('a beginning that is known to be searched gives the same masks as a full search', () => {
  const plain = secrets.filter(secret => secret !== 'aaaaaaaa')
  fc.assert(
    fc.property(text, text, text, (front, first, second) => {
      const [parent, body] = [Buffer.concat([front, first]), Buffer.concat([front, second])]
      const known = maskBody(parent, plain)
      const rest = maskRest(body, plain, front.length, known.ranges)
      expect(rest.bytes.toString()).toBe(maskBody(body, plain).bytes.toString())
      expect(unmask(rest.bytes, body, rest.ranges)).toEqual(body)
    }),
    { numRuns: 500 },
  )
})

it.each([
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
] as const)('a secret under %s is found and masked in the decoded bytes', (encoding, encode) => {
  const sent = encode(Buffer.from(`{"key":"${secrets[0]}"}`))
  expect(maskEncoded(sent, encoding, secrets)?.bytes.toString()).toBe('{"key":"**************"}')
  expect(maskEncoded(encode(Buffer.from('{"key":"none"}')), encoding, secrets)).toBeNull()
})

it('a secret in a compressed stream that was cut off is found', () => {
  const sent = gzipSync(
    Buffer.from(`${'begin '.repeat(20)}${secrets[0]} ${Array.from({ length: 4000 }, (_, at) => at * at).join()}`),
  )
  const masked = maskEncoded(sent.subarray(0, sent.length - 500), 'gzip', secrets)
  expect(masked?.ranges).toEqual([[120, 14]])
})

it('a secret under zstd is found wherever it repeats', () => {
  const masked = maskEncoded(zstdSecret, 'zstd', secrets)
  expect(masked?.ranges).toHaveLength(3)
  expect(masked?.bytes.toString()).toBe(`${'{"key":"**************"}'.repeat(3)}${plainText}`)
})

it('unknown or broken encodings are left alone', () => {
  expect(maskEncoded(Buffer.from(`not gzip ${secrets[0]}`), 'gzip', secrets)).toBeNull()
  expect(maskEncoded(Buffer.from(`anything ${secrets[0]}`), 'rot13', secrets)).toBeNull()
})

it('tells text from bytes that may be compressed', () => {
  expect(looksLikeText(Buffer.from('event: ping\ndata: {"é":"漢字"}\n\n'))).toBe(true)
  expect(looksLikeText(Buffer.from('漢'.repeat(200)))).toBe(true)
  expect(looksLikeText(gzipSync('text'))).toBe(false)
  expect(looksLikeText(brotliCompressSync('event: ping '.repeat(50)))).toBe(false)
})
