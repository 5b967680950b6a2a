// A message of the agent on its way to the upstream: attribute, admit, route, commit, forward; one after the other, in order. A message that
// may not pass is answered by an error in the dialect, and the socket stays open. Nothing is forwarded before it is committed.

import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { EpochMs } from '../../core/types.ts'
import { findModel, type ModelPlace, renameModel } from '../model.ts'
import type { Route } from '../routes.ts'
import { deliver } from './answering.ts'
import { answered, type BeginMessage, beginExchange, type MessageExchange, unanswered } from './exchange.ts'
import type { SocketMessage } from './link.ts'
import { type AskedMessage, readAsked, writeRefusalMessage } from './message.ts'
import { decodable, type Session } from './session.ts'

/** Never rejects. */
export async function ask(session: Session, message: SocketMessage): Promise<void> {
  if (session.ended !== null) return // both ends are closing: it was sent too late to be taken
  const { gate, handshake } = session.context
  const asked = readAsked(message, handshake.protocol)
  const startedAt = gate.now()
  gate.onStarted()
  try {
    if (session.draining) throw new TurnpikeError('E_DRAINING', 'the proxy is shutting down and takes no new calls')
    session.resolved = await gate.scopes.resolve(handshake.addressed.attribution)
    const place = asked.wantsAnswer && gate.routes.needModel ? findModel(message.payload) : null
    const choice = (await refuse(session, asked)) ?? chooseRoute(session, place)
    const begin: BeginMessage = { ...asked, payload: message.payload, startedAt }
    const exchange = await beginExchange(session.context, begin, session.resolved, session.link.note)
    if (choice instanceof TurnpikeError) return answerOurselves(session, exchange, choice)
    forward(session, exchange, { ...message, payload: rename(message.payload, place, choice) }, asked)
  } catch (error) {
    refuseUnrecorded(session, asTurnpikeError(error), asked, startedAt)
  }
}

/** What asks for nothing is not a call that a budget could refuse. */
async function refuse(session: Session, asked: AskedMessage): Promise<TurnpikeError | null> {
  const { gate, handshake } = session.context
  if (!asked.wantsAnswer) return null
  const { protocol, addressed } = handshake
  return gate.admit({ resolved: session.resolved, protocol, method: 'WS', path: addressed.path })
}

/** The socket is open to one provider; the model may rename itself there, but not go elsewhere. */
function chooseRoute({ context, resolved }: Session, place: ModelPlace | null): Route | TurnpikeError {
  const { gate, route, handshake } = context
  if (place === null || route.intercepted === true) return route
  const protocol = handshake.protocol?.id ?? null
  try {
    const wanted = gate.routes.choose({ model: place.model, protocol, anthropicClient: false, needKey: resolved.ownKey })
    if (wanted.name === route.name && wanted.origin.href === route.origin.href) return wanted
    const what = `the model "${place.model}" is served by ${wanted.name}, and this WebSocket is open to ${route.name}`
    return new TurnpikeError('E_MODEL_UNKNOWN', what, {
      hint: 'set websocket: false on the endpoint: agents then send plain requests, and each finds its provider',
    })
  } catch (error) {
    return asTurnpikeError(error)
  }
}

function rename(payload: Buffer, place: ModelPlace | null, route: Route): Buffer {
  if (place === null || route.upstreamModel === null || route.upstreamModel === place.model) return payload
  return Buffer.from(renameModel(payload, place, route.upstreamModel))
}

function forward(session: Session, exchange: MessageExchange, message: SocketMessage, asked: AskedMessage): void {
  if (session.ended !== null) return void exchange.end(session.ended).catch(ignore)
  // Where no protocol says when an answer ends, the next message does.
  if (!decodable(session)) for (const before of session.open.splice(0)) void before.end(answered).catch(ignore)
  if (asked.wantsAnswer) session.open.push(exchange)
  session.link.send(message, exchange.forwarded)
  if (!asked.wantsAnswer) void exchange.end(unanswered).catch(ignore)
}

function answerOurselves(session: Session, exchange: MessageExchange, error: TurnpikeError): void {
  const { status, message } = writeRefusalMessage(session.context.handshake.protocol, error, exchange.streamId)
  const sent = exchange.append(message)
  const failure = { code: error.code, message: error.message }
  deliver(session, sent, exchange.end({ status, outcome: 'refused', failure }))
}

/** For what never became an exchange: an unknown token, a store that cannot be written. */
function refuseUnrecorded(session: Session, error: TurnpikeError, asked: AskedMessage, startedAt: EpochMs): void {
  const { gate, handshake } = session.context
  const { status, message } = writeRefusalMessage(handshake.protocol, error, asked.streamId)
  if (session.ended === null) deliver(session, message)
  const ms = gate.now() - startedAt
  const protocol = handshake.protocol?.id ?? null
  gate.onOver({ protocol, outcome: 'refused', status, code: error.code, ms, requestBytes: 0, responseBytes: 0 })
}

/** The store's failure shows at the next message, which is refused. */
const ignore = (): void => undefined
