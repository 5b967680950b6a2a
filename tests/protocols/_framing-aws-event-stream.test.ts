// Frames of AWS event streams built by hand after the documented layout, not by the library that reads them.
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { readEvents } from '../../protocols/_framing.ts'
import { awsEventStreamFraming as framing } from '../../protocols/_framing-aws-event-stream.ts'
import { findFraming } from '../../protocols/_framings.ts'

function frame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const heads = Object.entries(headers).map(([name, value]) => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(Buffer.byteLength(value))
    return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(7), length, Buffer.from(value)])
  })
  const head = Buffer.concat(heads)
  const body = Buffer.from(payload)
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + head.length + body.length, 0)
  prelude.writeUInt32BE(head.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const all = Buffer.concat([prelude, head, body])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(all))
  return Buffer.concat([all, checksum])
}

const first = frame({ ':event-type': 'messageStart', ':content-type': 'application/json', ':message-type': 'event' }, '{"a":"é"}')
const last = frame({ ':event-type': 'metadata', ':content-type': 'application/json', ':message-type': 'event' }, '{}')

it('events are read from their headers and payloads', () => {
  const exception = frame({ ':exception-type': 'throttlingException', ':message-type': 'exception' }, '{"message":"slow"}')
  const error = frame({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'why' }, '')
  expect(readEvents(framing, Buffer.concat([first, exception, error, last]))).toEqual([
    { event: 'messageStart', data: '{"a":"é"}' },
    { event: 'throttlingException', data: '{"message":"slow"}' },
    { event: 'InternalError', data: '{"message":"why"}' },
    { event: 'metadata', data: '{}' },
  ])
})

it('what is written is what the layout says', () => {
  const [written] = framing.writeEvents([{ event: 'metadata', data: '{}' }])
  expect(written).toEqual(last)
})

it('a corrupt payload shows, and what follows is read', () => {
  const corrupt = Buffer.from(first)
  corrupt[corrupt.length - 8] = (corrupt[corrupt.length - 8] ?? 0) ^ 1
  const events = readEvents(framing, Buffer.concat([corrupt, last]))
  expect(events.map(({ event }) => event)).toEqual(['corrupt-frame', 'metadata'])
})

it('after a length that cannot be trusted nothing is split, and the rest shows', () => {
  const corrupt = Buffer.from(first)
  corrupt[0] = 1
  const splitter = framing.openSplitter()
  const bytes = Buffer.concat([last, corrupt, last])
  expect(splitter.push(bytes)).toEqual([last])
  expect(splitter.rest()).toEqual(bytes.subarray(last.length))
  expect(readEvents(framing, bytes).map(({ event }) => event)).toEqual(['metadata', 'corrupt-frame'])
})

it('half a frame is no event', () => {
  for (let cut = 0; cut < first.length; cut++) expect(readEvents(framing, first.subarray(0, cut))).toEqual([])
})

it('an error in plain JSON under the same content type is no stream', () => {
  expect(findFraming(framing.contentType, Buffer.from('{"message":"no"}'))).toBeNull()
  expect(findFraming(framing.contentType, first)?.id).toBe('aws-event-stream')
})
