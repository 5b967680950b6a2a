import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findKeyShapes, maskBytes, maskHeaders, maskQuery, maskText } from '../../core/redact.ts'

const key = 'sekret-0123456789'
const bytesOf = (text: string): Buffer => Buffer.from(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('maskBytes', () => {
  it('hands the same object back when nothing is found', () => {
    const bytes = bytesOf('nothing to see')
    expect(maskBytes(bytes, [key])).toEqual({ bytes, ranges: [] })
    expect(maskBytes(bytes, [key]).bytes).toBe(bytes)
    expect(maskBytes(bytes, []).bytes).toBe(bytes)
  })

  it('masks every occurrence and keeps the length', () => {
    const bytes = bytesOf(`${key} and ${key}${key}`)
    const masked = maskBytes(bytes, [key])
    expect(textOf(masked.bytes)).toBe(`${'*'.repeat(17)} and ${'*'.repeat(34)}`)
    expect(masked.ranges).toEqual([
      [0, 17],
      [22, 34],
    ])
    expect(textOf(bytes)).toContain(key)
  })

  it('merges secrets that contain or overlap each other', () => {
    const masked = maskBytes(bytesOf('xxabcdefghijklmnopyy'), ['abcdefghij', 'efghijklmnop', 'abcdefgh'])
    expect(masked.ranges).toEqual([[2, 16]])
    expect(textOf(masked.bytes)).toBe(`xx${'*'.repeat(16)}yy`)
  })

  it('counts bytes, not characters', () => {
    const masked = maskBytes(bytesOf(`é${'schlüssel-ß'}é`), ['schlüssel-ß'])
    expect(masked.ranges).toEqual([[2, 13]])
    expect(textOf(masked.bytes)).toBe(`é${'*'.repeat(13)}é`)
  })

  it('leaves strings alone that are too short to be secrets', () => {
    const bytes = bytesOf('aaaa short12 aaaa')
    expect(maskBytes(bytes, ['a', '', 'short12']).bytes).toBe(bytes)
    expect(maskBytes(bytes, ['short12 ']).ranges).toEqual([[5, 8]])
  })

  it('works on a view into a larger buffer', () => {
    const whole = bytesOf(`${key}|${key}|${key}`)
    const view = new Uint8Array(whole.buffer, whole.byteOffset + 18, 17)
    expect(maskBytes(view, [key]).ranges).toEqual([[0, 17]])
    expect(textOf(whole)).toBe(`${key}|${key}|${key}`)
  })

  it('leaves no secret behind, changes nothing else and reports exactly what it changed', () => {
    const secrets = fc.array(fc.string({ minLength: 8, maxLength: 12, unit: fc.constantFrom('a', 'b', 'é') }), { maxLength: 3 })
    const parts = fc.array(fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), maxLength: 20 }), fc.constant(key)))
    fc.assert(
      fc.property(secrets, parts, (some, texts) => {
        const all = [...some, key]
        const bytes = bytesOf(texts.join(some[0] ?? ''))
        const { bytes: masked, ranges } = maskBytes(bytes, all)
        expect(masked.length).toBe(bytes.length)
        for (const secret of all) expect(Buffer.from(masked).includes(Buffer.from(secret))).toBe(false)
        const rebuilt = Buffer.from(bytes)
        let end = -1
        for (const [start, length] of ranges) {
          expect(start).toBeGreaterThan(end)
          end = start + length
          rebuilt.fill('*', start, end)
        }
        expect(Buffer.compare(rebuilt, masked)).toBe(0)
      }),
    )
  })
})

describe('maskText', () => {
  it('masks known secrets and nothing shorter', () => {
    expect(maskText(`Bearer ${key}, again ${key}`, [key, 'a'])).toBe(`Bearer ${'*'.repeat(17)}, again ${'*'.repeat(17)}`)
  })
  it('leaves no rest of a secret that overlaps another', () => {
    expect(maskText('xxabcdefghijklmnopyy', ['abcdefghij', 'efghijklmnop'])).toBe(`xx${'*'.repeat(16)}yy`)
  })
  it('takes a secret literally', () => {
    expect(maskText('a.c$&^(x)[y] and abc$&^(x)[y]', ['a.c$&^(x)[y]'])).toBe('************ and abc$&^(x)[y]')
  })
})

describe('maskHeaders', () => {
  const mask = (name: string, value: string): string => maskHeaders([[name, value]], ['x-custom-key'], [key])[0]?.[1] ?? ''

  it.each([
    ['Authorization', 'Bearer abc.def', 'Bearer *******'],
    ['authorization', 'bearer abc.def', 'bearer *******'],
    ['Authorization', 'Basic dXNlcjpwYXNz', 'Basic ************'],
    ['Authorization', 'AWS4-HMAC-SHA256 x', '*'.repeat(18)],
    ['X-Api-Key', 'short', '*****'],
    ['api-key', 'abc', '***'],
    ['x-goog-api-key', 'abc', '***'],
    ['Cookie', 'a=1; b=2', '*'.repeat(8)],
    ['set-cookie', 'session=1', '*'.repeat(9)],
    ['X-Custom-Key', 'abc', '***'],
    ['trailer:X-Api-Key', 'abc', '***'],
    ['x-other', `see ${key}`, `see ${'*'.repeat(17)}`],
    ['user-agent', 'curl/8', 'curl/8'],
  ])('%s: %s is kept as %s', (name, value, expected) => {
    expect(mask(name, value)).toBe(expected)
  })

  it('keeps order, case and duplicates', () => {
    const headers = [
      ['X-B', '1'],
      ['x-a', '2'],
      ['X-B', '3'],
    ] as const
    expect(maskHeaders(headers, [], [])).toEqual(headers)
  })
})

describe('maskQuery', () => {
  it.each([
    ['key=abc&alt=sse', 'key=***&alt=sse'],
    ['alt=sse&KEY=abc', 'alt=sse&KEY=***'],
    ['access_token=a&token=bb&api_key=ccc&apikey=d', 'access_token=*&token=**&api_key=***&apikey=*'],
    ['X-Amz-Signature=abcd&X-Amz-Date=1', 'X-Amz-Signature=****&X-Amz-Date=1'],
    ['monkey=abc&keyboard=x', 'monkey=abc&keyboard=x'],
    ['key=', 'key='],
    ['', ''],
    [`beta=true&note=${key}`, `beta=true&note=${'*'.repeat(17)}`],
  ])('%j is kept as %j', (query, expected) => {
    expect(maskQuery(query, [key])).toBe(expected)
  })
})

describe('findKeyShapes', () => {
  const long = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'
  it.each([
    ['Anthropic', `sk-ant-${long}`],
    ['OpenAI', `sk-proj-${long}`],
    ['OpenRouter', `sk-or-${long}`],
    ['Google', `AIza${long.slice(0, 35)}`],
    ['AWS', 'AKIAABCDEFGHIJKLMNOP'],
    ['GitHub', `ghp_${long}`],
    ['GitHub, fine-grained', `github_pat_${long}${long}`],
    ['GitLab', `glpat-${long}`],
    ['Slack', `xoxb-${long}`],
    ['Hugging Face', `hf_${long}`],
    ['a PEM block', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\n-----END RSA PRIVATE KEY-----'],
    ['a PEM block inside JSON', '-----BEGIN PRIVATE KEY-----\\nMIIEow+/=\\n-----END PRIVATE KEY-----'],
  ])('finds the key of %s', (_, secret) => {
    expect(findKeyShapes(`{"text":"before ${secret}"}`)).toContain(secret)
  })

  it('finds nothing in ordinary text', () => {
    expect(findKeyShapes('the sk-learn library, AIzawa, task-1234, risk-free, hf_short')).toEqual([])
  })
})
