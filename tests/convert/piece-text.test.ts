import { describe, expect, it } from 'vitest'
import { type Entry, readPieceText } from '../../convert/piece-text.ts'

const read = (text: string, entry: Entry, isLast = false) => readPieceText(text, entry, isLast)

describe('a piece', () => {
  it('that begins a body ends within a list of it', () => {
    expect(read('{"a":1,"messages":[', 'start')).toEqual({
      continued: [],
      members: [
        ['a', 1],
        ['messages', []],
      ],
      next: 'opened',
    })
    expect(read('{"a":"]}","messages":[{"x":1}', 'start')).toMatchObject({
      members: [
        ['a', ']}'],
        ['messages', [{ x: 1 }]],
      ],
      next: 'element',
    })
  })

  it('in the middle is elements, or the end of one list and the beginning of another', () => {
    expect(read(',{"x":1} , 2', 'element')).toEqual({ continued: [{ x: 1 }, 2], members: [], next: 'element' })
    expect(read('{"x":1}', 'opened')).toEqual({ continued: [{ x: 1 }], members: [], next: 'element' })
    expect(read(',1],"k":2,"tools":[', 'element')).toEqual({
      continued: [1],
      members: [
        ['k', 2],
        ['tools', []],
      ],
      next: 'opened',
    })
    expect(read(' \n],"tools":[{"t":1}', 'element')).toEqual({ continued: [], members: [['tools', [{ t: 1 }]]], next: 'element' })
  })

  it('that ends a body closes everything', () => {
    expect(read('],"k":{"messages":[1]}} ', 'element', true)).toEqual({
      continued: [],
      members: [['k', { messages: [1] }]],
      next: null,
    })
    expect(read('{"a":1}', 'start', true)).toEqual({ continued: [], members: [['a', 1]], next: null })
    expect(read('{"":[1],"b":2}', 'start', true)).toEqual({
      continued: [],
      members: [
        ['', [1]],
        ['b', 2],
      ],
      next: null,
    })
  })

  it.each<[string, string, Entry, boolean]>([
    ['no comma between elements', '{"x":1}', 'element', false],
    ['a comma before the first element', ',{"x":1}', 'opened', false],
    ['two commas', ',,1', 'element', false],
    ['a comma and nothing', ' , ', 'element', false],
    ['a comma before the end of the list', ',],"a":1}', 'element', true],
    ['a comma behind the last element', ',1,', 'element', false],
    ['an end that is not the last', '],"a":1}', 'element', false],
    ['an object open at its end', ',{"x":[1', 'element', false],
    ['a field that is no list open at its end', '{"a":1', 'start', false],
    ['an object within which the list is', '{"a":{"messages":[', 'start', false],
    ['a list instead of a body', '[[1', 'start', false],
    ['a field twice', '{"a":1,"a":2,"messages":[', 'start', false],
    ['a field twice, spelled otherwise', '{"a":1,"\\u0061":2,"messages":[', 'start', false],
    ['a list twice', '],"a":[1],"a":[', 'element', false],
    ['a field without a name behind a list', '],"":[', 'element', false],
    ['something behind the end', ']}x', 'element', true],
  ])('with %s cannot be read for itself', (_what, text, entry, isLast) => {
    expect(read(text, entry, isLast)).toBeNull()
  })

  it('keeps the order of fields, and a field that looks like a prototype', () => {
    const piece = read('{"b":1,"__proto__":{"x":1},"a":2,"messages":[', 'start')
    expect(piece?.members.map(([name]) => name)).toEqual(['b', '__proto__', 'a', 'messages'])
    expect(piece?.members[1]?.[1]).toEqual({ x: 1 })
  })
})
