// Where values stand in a JSON text, for any JSON however it is written.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findMember, findText, readLiteral, readSpans, type Span } from '../../convert/json-spans.ts'
import type { Json } from '../../core/types.ts'

function rebuild(text: string, span: Span): Json {
  switch (span.kind) {
    case 'object':
      return Object.fromEntries(span.members.map(({ key, value }) => [key, rebuild(text, value)]))
    case 'array':
      return span.items.map(item => rebuild(text, item))
    case 'string':
      return readLiteral(text, span)
    case 'number':
      return JSON.parse(text.slice(span.start, span.end)) as Json
    case 'word':
      return 'word'
  }
}

const words = (value: Json): Json => {
  if (value === null || typeof value === 'boolean') return 'word'
  if (Array.isArray(value)) return value.map(item => words(item as Json))
  return typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, words(item)])) : value
}

describe('readSpans', () => {
  it('finds every value of any JSON, with and without white space', () =>
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const span = readSpans(text)
        expect(span === null ? null : rebuild(text, span)).toEqual(words(JSON.parse(text) as Json))
      }),
    ))

  it('reads escapes of every kind', () => {
    const text = '{"a\\"b" : "x\\\\", "\\u00e9":["\\ud83d\\ude00\\n", -1.5e3 ,true]}'
    expect(rebuild(text, readSpans(text) ?? { kind: 'word' })).toEqual({ 'a"b': 'x\\', é: ['😀\n', -1500, 'word'] })
    expect(findText(text, readSpans(text), 'a"b')).toBe('x\\')
    expect(findMember(readSpans(text), 'missing')).toBeNull()
  })

  it('is null for what is not JSON, and for what is nested without measure', () => {
    for (const text of ['', '{', '{"a":}', 'word', '[1,]']) expect(readSpans(text)).toBeNull()
    expect(readSpans('['.repeat(5000) + ']'.repeat(5000))).toBeNull()
  })
})
