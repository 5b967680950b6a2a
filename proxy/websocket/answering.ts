// A message of the upstream on its way to the agent: it belongs to an exchange, is recorded there, and passes at once, but for the one that
// ends an answer: that one, and all behind it, waits until the exchange is committed. Nothing passes unrecorded.

import { answered, beginExchange, type MessageExchange } from './exchange.ts'
import type { SocketMessage } from './link.ts'
import { endsAnswer, findAsked } from './message.ts'
import { closeWhenDrained, type Session, throttle } from './session.ts'

export function passAnswer(session: Session, message: SocketMessage): void {
  if (session.ended !== null) return
  const exchange = findAsked(session.open, message)
  if (exchange === null) return deliver(session, message, recordUnasked(session, message))
  const sent = exchange.append(message)
  const { protocol } = session.context.handshake
  if (protocol === null || !endsAnswer(message, protocol)) return deliver(session, sent)
  session.open.splice(session.open.indexOf(exchange), 1)
  deliver(session, sent, exchange.end(answered))
  closeWhenDrained(session)
}

/** Sends it when all before it is sent and `after` has come true. */
export function deliver(session: Session, message: SocketMessage, after?: Promise<void>): void {
  session.delivery.push(() => session.client.send(message), after, message.payload.length)
  throttle(session)
}

/** Word of the provider that nobody asked for (rate limits, a notice before it closes): an exchange with an empty request. */
async function recordUnasked(session: Session, message: SocketMessage): Promise<void> {
  const { gate } = session.context
  const begin = { payload: nothing, streamId: null, wantsAnswer: false, startedAt: gate.now() }
  gate.onStarted()
  let exchange: MessageExchange
  try {
    exchange = await beginExchange(session.context, begin, session.resolved, session.link.note)
  } catch (error) {
    gate.onOver({ ...neverBegun, ms: gate.now() - begin.startedAt })
    throw error
  }
  exchange.append(message)
  await exchange.end(answered)
}

const nothing = Buffer.alloc(0)
const neverBegun = {
  protocol: null,
  outcome: 'refused',
  status: null,
  code: 'E_RECORD_FAILED',
  requestBytes: 0,
  responseBytes: 0,
}
