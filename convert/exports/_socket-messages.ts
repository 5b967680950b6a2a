// The messages of a recorded WebSocket exchange as Chrome writes them into a HAR: the client's, then the server's with their times. Reads
// canonical server frames (final, unmasked), which is how answers on a socket are stored.

import { isUtf8 } from 'node:buffer'
import type { JsonObject } from '../../core/types.ts'
import type { ExportedExchange } from './_adapter.ts'

const textOpcode = 1
const binaryOpcode = 2

export function listMessages({ exchange, request, response, arrivals }: ExportedExchange): JsonObject[] {
  const sent = request?.bytes ?? Buffer.alloc(0)
  const messages: JsonObject[] = []
  // What kind of message it was is not stored; what is no text can only have been a binary one.
  const sentKind = isUtf8(sent) ? textOpcode : binaryOpcode
  const data = sent.toString(sentKind === textOpcode ? 'utf8' : 'base64')
  if (sent.length > 0) messages.push({ type: 'send', time: exchange.startedAt / 1000, opcode: sentKind, data })
  const arrived = [...arrivals]
  let [passed, at] = [0, exchange.firstByteAt ?? exchange.startedAt]
  for (const frame of readFrames(response?.bytes ?? Buffer.alloc(0))) {
    while (arrived.length > 0 && passed < frame.end) {
      const next = arrived.shift()
      passed += next?.bytes ?? 0
      at = next?.at ?? at
    }
    const isBinary = frame.opcode === binaryOpcode
    const data = frame.payload.toString(isBinary ? 'base64' : 'utf8')
    messages.push({ type: 'receive', time: at / 1000, opcode: frame.opcode, data })
  }
  return messages
}

interface Frame {
  readonly opcode: number
  readonly payload: Buffer
  /** Where it ends in the body. */
  readonly end: number
}

/** A frame that was cut off is read as far as it goes. */
function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2
    if (at + headBytes > bytes.length) break
    const length = short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short
    const end = Math.min(bytes.length, at + headBytes + length)
    frames.push({ opcode: (bytes[at] ?? 0) & 0x0f, payload: bytes.subarray(at + headBytes, end), end })
    at = end
  }
  return frames
}
