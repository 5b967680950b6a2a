// Messages of a recorded socket for a HAR: kinds, times by how many bytes had come, and an answer that was cut off.
import { expect, it } from 'vitest'
import type { ExportedBody, ExportedExchange } from '../../../convert/exports/_adapter.ts'
import { listMessages } from '../../../convert/exports/_socket-messages.ts'

const body = (...parts: Array<readonly number[] | string>): ExportedBody => {
  const bytes = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
  return { bytes, sentSha256: '', masked: [], decodedFrom: null }
}

it('each message has the time of its last byte, and half a message is written as far as it goes', () => {
  const long = 'x'.repeat(200)
  const given = {
    exchange: { startedAt: 1000, firstByteAt: 1500 },
    request: body('ask'),
    response: body([0x81, 126, 0, 200], long, [0x82, 2, 0xff, 0xfe], [0x81, 9], 'half'),
    arrivals: [
      { at: 2000, bytes: 100 },
      { at: 3000, bytes: 104 },
      { at: 4000, bytes: 4 },
      { at: 5000, bytes: 6 },
    ],
  }
  expect(listMessages(given as unknown as ExportedExchange)).toEqual([
    { type: 'send', time: 1, opcode: 1, data: 'ask' },
    { type: 'receive', time: 3, opcode: 1, data: long },
    { type: 'receive', time: 4, opcode: 2, data: '//4=' },
    { type: 'receive', time: 5, opcode: 1, data: 'half' },
  ])
})
