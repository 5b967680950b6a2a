// The messages of a recorded WebSocket exchange as Chrome writes them into a HAR: the client's, then the server's with their times. A
// message that was cut off is written as far as it goes.

import { isUtf8 } from 'node:buffer'
import type { JsonObject } from '../../core/types.ts'
import { readMessage, webSocketFraming } from '../../protocols/_framing-websocket.ts'
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
  let [passed, end, at] = [0, 0, exchange.firstByteAt ?? exchange.startedAt]
  const splitter = webSocketFraming.openSplitter()
  const whole = splitter.push(response?.bytes ?? Buffer.alloc(0))
  for (const frame of [...whole, splitter.rest()]) {
    const message = readMessage(frame)
    end += frame.length
    if (message === null) continue
    while (arrived.length > 0 && passed < end) {
      const next = arrived.shift()
      passed += next?.bytes ?? 0
      at = next?.at ?? at
    }
    const data = message.payload.toString(message.binary ? 'base64' : 'utf8')
    messages.push({ type: 'receive', time: at / 1000, opcode: message.binary ? binaryOpcode : textOpcode, data })
  }
  return messages
}
