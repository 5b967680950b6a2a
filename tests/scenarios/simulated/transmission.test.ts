import { expect, it } from 'vitest'
import { jsonTransmission, streamTransmission } from '../../../scenarios/simulated/transmission.ts'

it('a stream waits before its head and before each further event', () => {
  const { head, frames, ending } = streamTransmission(
    ['a', 'b', 'c'].map(text => Buffer.from(text)),
    'text/event-stream; charset=utf-8',
    { x: 'y' },
    { delayMs: 9, chunkChars: 1, chunkDelayMs: 2 },
  )
  expect(head).toMatchObject({ status: 200, headers: { x: 'y', 'content-type': 'text/event-stream; charset=utf-8' } })
  expect(head?.headers).not.toHaveProperty('content-length')
  expect([frames.map(frame => frame.waitMs), ending]).toEqual([[9, 2, 2], 'end'])
})

it('a JSON body knows its length in bytes', () => {
  const { head, frames } = jsonTransmission(404, { why: 'ü' }, {}, 5)
  expect(head).toEqual({ status: 404, headers: { 'content-type': 'application/json', 'content-length': '12' } })
  expect(frames).toEqual([{ bytes: Buffer.from('{"why":"ü"}'), waitMs: 5 }])
})
