// Messages of a WebSocket as the bytes a recorded one has: canonical server frames (final, unmasked, shortest length form), one a
// message. For formats that hold messages as text. Pure.

import type { HeaderList } from '../../core/types.ts'

export const socketHeaders: HeaderList = [['content-type', 'application/vnd.turnpike.websocket']]

const textOpcode = 1
const binaryOpcode = 2

export function writeFrame(payload: Uint8Array, binary = false): Buffer {
  const first = 0x80 | (binary ? binaryOpcode : textOpcode)
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload])
  if (length < 0x1_00_00) {
    const head = Buffer.from([first, 126, 0, 0])
    head.writeUInt16BE(length, 2)
    return Buffer.concat([head, payload])
  }
  const head = Buffer.from([first, 127, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

export function writeFrames(messages: readonly string[]): Buffer {
  return Buffer.concat(messages.map(message => writeFrame(Buffer.from(message))))
}
