import { describe, expect, it } from 'vitest'
import { openSseDecoder, readSse, writeSse } from '../../protocols/_sse.ts'
import { decodeChunks } from './fixtures.ts'

const read = (text: string) => readSse(Buffer.from(text))

describe('server-sent events', () => {
  it.each([
    ['one event', 'data: a\n\n', [{ event: '', data: 'a' }]],
    ['a named event', 'event: x\ndata: a\n\n', [{ event: 'x', data: 'a' }]],
    ['no space after the colon', 'event:x\ndata:a\n\n', [{ event: 'x', data: 'a' }]],
    ['only one space is removed', 'data:  a\n\n', [{ event: '', data: ' a' }]],
    ['several data lines', 'data: a\ndata\ndata: b\n\n', [{ event: '', data: 'a\n\nb' }]],
    [
      'carriage returns',
      'event: x\rdata: a\r\rdata: b\r\r',
      [
        { event: 'x', data: 'a' },
        { event: '', data: 'b' },
      ],
    ],
    [
      'both',
      'event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n',
      [
        { event: 'x', data: 'a' },
        { event: '', data: 'b' },
      ],
    ],
    ['mixed line ends', 'data: a\r\ndata: b\rdata: c\n\r\n', [{ event: '', data: 'a\nb\nc' }]],
    ['comments', ': hello\n\n:\ndata: a\n: in between\ndata: b\n\n', [{ event: '', data: 'a\nb' }]],
    ['a byte order mark', '\ufeffdata: a\n\n', [{ event: '', data: 'a' }]],
    ['a second byte order mark is text', 'data: \ufeffa\n\n\ufeffdata: b\n\n', [{ event: '', data: '\ufeffa' }]],
    ['ids and retries', 'id: 1\nretry: 5\ndata: a\n\n', [{ event: '', data: 'a' }]],
    ['an event without data is none', 'event: x\n\ndata: a\n\n', [{ event: '', data: 'a' }]],
    ['empty data is data', 'data:\n\n', [{ event: '', data: '' }]],
    ['a colon in the data', 'data: {"a":"b: c"}\n\n', [{ event: '', data: '{"a":"b: c"}' }]],
    [
      'an event that was never ended',
      'data: a\n\nevent: y\ndata: b',
      [
        { event: '', data: 'a' },
        { event: 'y', data: 'b' },
      ],
    ],
    ['nothing', '', []],
  ])('%s', (_, text, events) => {
    expect(read(text)).toEqual(events)
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++) expect(decodeChunks(bytes, [cut])).toEqual(events)
    expect(decodeChunks(bytes, [...bytes.keys()])).toEqual(events)
  })

  it('a character cut into its bytes arrives whole', () => {
    const bytes = Buffer.from('data: é漢🚂\n\n')
    for (let a = 0; a < bytes.length; a++)
      for (let b = a; b < bytes.length; b++) expect(decodeChunks(bytes, [a, b])).toEqual([{ event: '', data: 'é漢🚂' }])
  })

  it('events are handed out as soon as their blank line is there, not before', () => {
    const decoder = openSseDecoder()
    expect(decoder.push(Buffer.from('data: a\n'))).toEqual([])
    expect(decoder.push(Buffer.from('\n'))).toEqual([{ event: '', data: 'a' }])
    expect(decoder.push(Buffer.from('data: b\r\r'))).toEqual([{ event: '', data: 'b' }])
    expect(decoder.push(Buffer.from('\ndata: c\n\n'))).toEqual([{ event: '', data: 'c' }])
    expect(decoder.end()).toEqual([])
  })

  it('a line or an event that never ends does not fill the memory, and the next event is whole', () => {
    const decoder = openSseDecoder({ eventBytesMax: 1000 })
    for (let n = 0; n < 500; n++) expect(decoder.push(Buffer.alloc(100, 'x'))).toEqual([])
    expect(decoder.push(Buffer.from(`\ndata: ${'y'.repeat(5000)}\n\ndata: fine\n\n`))).toEqual([
      { event: '', data: 'y'.repeat(994) },
      { event: '', data: 'fine' },
    ])
    const flooded = Array.from({ length: 5000 }, () => 'data: 0123456789\n').join('')
    const [event] = decoder.push(Buffer.from(`${flooded}\n`))
    expect(event?.data.length).toBeLessThanOrEqual(1000)
  })

  it('a million bytes one at a time take linear time', () => {
    const decoder = openSseDecoder()
    const byte = Buffer.from('z')
    decoder.push(Buffer.from('data: '))
    for (let n = 0; n < 1_000_000; n++) decoder.push(byte)
    expect(decoder.end()[0]?.data.length).toBe(1_000_000)
  }, 20_000)

  it.each([
    { event: '', data: 'a' },
    { event: 'x', data: '' },
    { event: 'x', data: 'a\nb\n\nc' },
    { event: '', data: ' leading' },
  ])('what is written is read: %j', event => {
    expect(read(writeSse(event))).toEqual([event])
  })
})
