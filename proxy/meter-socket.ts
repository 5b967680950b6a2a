// The meter over WebSockets: each message that asks for an answer is a call, and the messages that answer it are read like the events of a
// stream. A layer around the linker, the outermost one.

import type { HeaderList } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { webSocketFraming, writeMessage } from '../protocols/_framing-websocket.ts'
import type { OpenReading, Reading } from './meter.ts'
import type { LinkLayer, SocketMessage } from './websocket/link.ts'
import { endsAnswer, findAsked, readAsked } from './websocket/message.ts'

interface OpenAnswer {
  readonly streamId: string | null
  readonly protocol: ProtocolAdapter
  readonly reading: Reading
}

const headers: HeaderList = [['content-type', webSocketFraming.contentType]]

export function createSocketMeter(openReading: OpenReading): LinkLayer {
  return next => ({
    open: (request, events) => {
      const answers: OpenAnswer[] = []
      const endAll = (): void => {
        for (const { reading } of answers.splice(0)) reading.over(true)
      }
      const link = next.open(request, {
        ...events,
        onMessage: message => {
          read(answers, message)
          events.onMessage(message)
        },
        onClose: (code, reason) => {
          endAll()
          events.onClose(code, reason)
        },
        onLost: error => {
          endAll()
          events.onLost(error)
        },
      })
      return {
        ...link,
        send: (message, exchange) => {
          const { wantsAnswer, streamId } = readAsked(message, exchange.protocol)
          const reading = wantsAnswer ? openReading(exchange) : null
          if (reading !== null && exchange.protocol !== null) answers.push({ streamId, protocol: exchange.protocol, reading })
          link.send(message, exchange)
        },
        close: (code, reason) => {
          endAll()
          link.close(code, reason)
        },
        terminate: () => {
          endAll()
          link.terminate()
        },
      }
    },
  })
}

function read(answers: OpenAnswer[], message: SocketMessage): void {
  const answer = findAsked(answers, message)
  if (answer === null) return
  answer.reading.onHead(200, headers)
  answer.reading.onData(writeMessage(message))
  if (!endsAnswer(message, answer.protocol)) return
  answers.splice(answers.indexOf(answer), 1)
  answer.reading.over(false)
}
