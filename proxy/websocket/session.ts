// An open WebSocket between an agent and its upstream: what both directions share, and its end, whoever ends it. asking.ts carries messages
// to the upstream, answering.ts those to the agent. An end is passed on as it came: a close code as that code, a broken connection as a
// broken connection; after the agent's, the upstream is not kept waiting.

import { isTurnpikeError } from '../../core/errors.ts'
import { socketBufferBytesMax } from '../../core/limits.ts'
import { createPace, type Pace } from '../pace.ts'
import type { ResolvedScope } from '../scopes.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { brokenOff, type Ended, type MessageExchange, type SocketContext, unanswered } from './exchange.ts'
import type { Link, SocketEnd } from './link.ts'

export interface Session {
  readonly context: SocketContext
  readonly link: Link
  readonly client: SocketEnd
  readonly delivery: Delivery
  /** Of the upstream: it is paused while the agent or the store does not keep up. */
  readonly pace: Pace
  /** Exchanges whose answer has not ended, in the order they were asked. */
  readonly open: MessageExchange[]
  /** Where the newest message belonged. */
  resolved: ResolvedScope
  /** How exchanges end that were open when the socket ended, or begin later; null while it is open. */
  ended: Ended | null
  draining: boolean
}

const goingAway = 1001
const drainReason = Buffer.from('the proxy is shutting down')

export function createSession(context: SocketContext, resolved: ResolvedScope, link: Link, client: SocketEnd): Session {
  const pace = createPace(() => link, context.gate.recorder.pendingBytes)
  const delivery = createDelivery({
    onReleased: () => relieve(session),
    onFailed: () => breakOff(session, 'E_RECORD_FAILED', 'the store could not be written: the answer is not given'),
  })
  const session: Session = {
    context,
    link,
    client,
    delivery,
    pace,
    open: [],
    resolved,
    ended: null,
    draining: false,
  }
  return session
}

/** Bytes that wait for the agent: behind a commit, or in its socket. */
function waitingBytes({ delivery, client }: Session): number {
  return delivery.heldBytes() + client.bufferedBytes()
}

export function throttle(session: Session): void {
  session.pace.checkStore()
  if (waitingBytes(session) > socketBufferBytesMax) session.pace.agentIsFull()
}

export function relieve(session: Session): void {
  if (session.ended === null && waitingBytes(session) <= socketBufferBytesMax / 2) session.pace.agentHasRead()
}

/** The agent closed: what it still waited for it has given up. */
export function leaveByClose(session: Session, code: number | null, reason: Buffer): void {
  if (session.ended !== null) return
  const aborted = brokenOff('client-aborted', 'E_CLIENT_ABORTED', 'the agent closed the WebSocket before the answer ended')
  void endSession(session, decodable(session) ? aborted : unanswered).catch(ignore)
  session.link.close(code, reason)
}

export function leaveByLoss(session: Session): void {
  if (session.ended !== null) return
  const message = 'the connection to the agent broke before the answer ended'
  void endSession(session, brokenOff('client-aborted', 'E_CLIENT_ABORTED', message)).catch(ignore)
  session.link.terminate()
}

/** The upstream closed: the agent is told behind everything it was already answered, once the record says so. */
export function loseByClose(session: Session, code: number | null, reason: Buffer): void {
  if (session.ended !== null) return
  const how = [code === null ? 'without a status' : `with ${code}`, reason.toString('utf8')].join(' ').trim()
  const cut = brokenOff('upstream-cut', 'E_UPSTREAM_CUT', `the upstream closed the WebSocket ${how} before its answer ended`)
  const committed = endSession(session, decodable(session) ? cut : unanswered)
  session.delivery.push(() => session.client.close(code, reason), committed.catch(ignore))
}

export function loseByLoss(session: Session, error: Error): void {
  if (session.ended !== null) return
  // A layer that broke it off on purpose says so with a code of its own.
  const code = isTurnpikeError(error) ? error.code : 'E_UPSTREAM_CUT'
  const committed = endSession(session, brokenOff('upstream-cut', code, error.message))
  session.delivery.push(() => session.client.terminate(), committed.catch(ignore))
}

/** Ends both sides at once; what was open is recorded with this failure. */
export function breakOff(session: Session, code: 'E_RECORD_FAILED' | 'E_DRAINING', message: string): void {
  session.client.terminate()
  session.link.terminate()
  if (session.ended === null) void endSession(session, brokenOff('client-aborted', code, message)).catch(ignore)
}

/** Lets running answers end, then closes. Where nobody knows whether an answer runs, at once. */
export function drainSession(session: Session): void {
  session.draining = true
  closeWhenDrained(session)
}

export function closeWhenDrained(session: Session): void {
  if (!session.draining || session.ended !== null || (decodable(session) && session.open.length > 0)) return
  void endSession(session, unanswered).catch(ignore)
  session.delivery.push(() => session.client.close(goingAway, drainReason))
  session.link.close(goingAway, drainReason)
}

/** Whether the end of an answer can be seen on this socket. */
export function decodable({ context }: Session): boolean {
  return context.handshake.protocol !== null
}

/** Resolves when every exchange that was open is committed. */
async function endSession(session: Session, ended: Ended): Promise<void> {
  session.ended = ended
  session.pace.close()
  await Promise.all(session.open.splice(0).map(exchange => exchange.end(ended)))
}

/** The socket is gone either way; a store that cannot be written shows at the next message. */
const ignore = (): void => undefined
