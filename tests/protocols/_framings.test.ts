// Every framing: frames join to the bytes in any chunking, and events come back as they were written.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEvents } from '../../protocols/_framing.ts'
import { findFraming, framingById, framings } from '../../protocols/_framings.ts'

const events = fc.array(fc.record({ event: fc.constantFrom('', 'delta'), data: fc.json() }), { minLength: 1, maxLength: 8 })
const spoil = fc.uint8Array({ maxLength: 12 })

describe.each(framings)('$id', framing => {
  it('is found by its content type', () => {
    const [first = Buffer.alloc(0)] = framing.writeEvents([{ event: '', data: '{}' }])
    expect(findFraming(framing.contentType, first)?.id).toBe(framing.id)
    expect(framingById(framing.id)).toBe(framing)
  })

  it('splits any bytes in any chunks into frames that join to them', () => {
    const check = (
      list: readonly { event: string; data: string }[],
      sizes: readonly number[],
      junk: Uint8Array,
      where: number,
    ): void => {
      const sound = Buffer.concat([...framing.writeEvents(list)])
      const at = Math.floor(where * sound.length)
      const bytes = Buffer.concat([sound.subarray(0, at), junk, sound.subarray(at)])
      const splitter = framing.openSplitter()
      const frames: Buffer[] = []
      for (let from = 0, turn = 0; from < bytes.length; turn++) {
        const to = from + (sizes[turn % sizes.length] ?? 1)
        frames.push(...splitter.push(bytes.subarray(from, to)))
        from = to
      }
      expect(Buffer.concat([...frames, splitter.rest()])).toEqual(bytes)
      const byFrame = [...frames, splitter.rest()].flatMap(frame => (frame.length > 0 ? (framing.readFrame(frame) ?? []) : []))
      expect(readEvents(framing, bytes)).toEqual(byFrame)
    }
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 })
    fc.assert(fc.property(events, sizes, spoil, fc.double({ min: 0, max: 1, noNaN: true }), check), { numRuns: 300 })
  })

  it('reads one event of each frame, as written, in any chunking', () => {
    const check = (list: readonly { event: string; data: string }[], size: number): void => {
      const named = framing.id === 'sse' || framing.id === 'aws-event-stream'
      const written = named ? list : list.map(({ data }) => ({ event: '', data }))
      const bytes = Buffer.concat([...framing.writeEvents(written)])
      const splitter = framing.openSplitter()
      const frames: Buffer[] = []
      for (let from = 0; from < bytes.length; from += size) frames.push(...splitter.push(bytes.subarray(from, from + size)))
      const found = [...frames, splitter.rest()].flatMap(frame => framing.readFrame(frame) ?? [])
      expect(found).toEqual(written)
      expect(readEvents(framing, bytes)).toEqual(written)
    }
    fc.assert(fc.property(events, fc.integer({ min: 1, max: 50 }), check), { numRuns: 200 })
  })
})

it.each([
  ['event: message_start\ndata: {}\n\n', 'text/event-stream; charset=utf-8', 'sse'],
  ['data: {}\n\n', 'application/json', 'sse'],
  [': ping\n\ndata: 1\n\n', null, 'sse'],
  ['{"error":{}}', 'text/event-stream', null],
  ['{"data": 1}', 'application/json', null],
  ['', 'text/event-stream', 'sse'],
])('%j as %s', (body, type, expected) => expect(findFraming(type, Buffer.from(body))?.id ?? null).toBe(expected))
