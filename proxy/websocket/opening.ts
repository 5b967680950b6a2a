// One WebSocket from the request to the open session, in order: attribute, route, commit, dial the upstream, commit its answer, pass it on. The
// agent gets its 101 only after the upstream's, and a refusal as it came. The upgrade is an exchange of method GET; it decodes to no call.

import { asTurnpikeError, isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { HeaderList } from '../../core/types.ts'
import type { UpstreamHead } from '../forward.ts'
import { describeUnreachable } from '../forward-failure.ts'
import { interceptRoute } from '../intercept/route.ts'
import { type Recording, startRecording } from '../record.ts'
import { writeRefusal } from '../refuse.ts'
import type { Route } from '../routes.ts'
import type { ResolvedScope } from '../scopes.ts'
import { acceptUpgrade, answerUpgrade, type Upgrade, watchAgent } from './accept.ts'
import { brokenOff, type Ended, type SocketGate } from './exchange.ts'
import { type Handshake, linkRequest, modelOf } from './handshake.ts'
import type { Link, LinkEvents, SocketEvents } from './link.ts'
import { createRelay } from './relay.ts'
import { createSession, type Session } from './session.ts'
import { wrapSocket } from './socket-end.ts'

export interface Arriving {
  readonly gate: SocketGate
  readonly upgrade: Upgrade
  readonly handshake: Handshake
}

interface Opening extends Arriving {
  readonly resolved: ResolvedScope
  readonly recording: Recording
}

/** Takes an open session; the promise comes true when the agent's end is closed. */
export type KeepSession = (session: Session, closed: Promise<void>) => void

/** Never rejects; resolves when the socket is open, refused or gone. */
export async function openUpgrade(arriving: Arriving, keep: KeepSession): Promise<void> {
  const { gate, handshake } = arriving
  try {
    const resolved = await gate.scopes.resolve(handshake.addressed.attribution)
    const choice = chooseRoute(arriving, resolved)
    const route = choice instanceof TurnpikeError ? null : choice.name
    const recorded = { ...handshake, method: 'GET', body: Buffer.alloc(0), noCall: true }
    const opening = { ...arriving, resolved, recording: await startRecording(gate, recorded, resolved, route) }
    if (choice instanceof TurnpikeError) return await answerOurselves(opening, choice, 'refused')
    await dialUpstream(opening, choice, keep)
  } catch (error) {
    refuseUnrecorded(arriving, asTurnpikeError(error))
  }
}

/** For what never became an exchange: a flaw, an unknown token, a store that cannot be written. */
export function refuseUnrecorded({ gate, upgrade, handshake }: Arriving, error: TurnpikeError): void {
  const refusal = writeRefusal(handshake.protocol, error)
  answerUpgrade(upgrade, refusal)
  const ms = gate.now() - handshake.startedAt
  const bytes = { requestBytes: 0, responseBytes: 0 }
  gate.onOver({ protocol: null, outcome: 'refused', status: refusal.status, code: error.code, ms, ...bytes })
}

function chooseRoute({ gate, handshake }: Arriving, resolved: ResolvedScope): Route | TurnpikeError {
  const protocol = handshake.protocol?.id ?? null
  if (handshake.origin !== undefined) return interceptRoute(gate.routes, handshake.origin, protocol)
  const wanted = { model: modelOf(handshake), protocol, anthropicClient: false, needKey: resolved.ownKey, websocket: true }
  try {
    const route = gate.routes.choose(wanted)
    if (route.websocket) return route
    return new TurnpikeError('E_NO_WEBSOCKET', `the route ${route.name} takes no WebSockets`)
  } catch (error) {
    return asTurnpikeError(error)
  }
}

interface Answer {
  readonly headers: HeaderList
  readonly body: Buffer
}

/** Commits the end of the upgrade's exchange. */
async function commit({ gate, handshake, recording }: Opening, ended: Ended, answer: Answer | null): Promise<void> {
  const endedAt = gate.now()
  if (answer !== null && answer.body.length > 0) recording.append(answer.body, endedAt)
  const { status, outcome, failure } = ended
  const responseHeaders = answer?.headers ?? null
  const firstByteAt = answer === null ? null : endedAt
  try {
    await recording.end({ status, responseHeaders, outcome, failure, firstByteAt, endedAt }, 0)
  } finally {
    const ms = endedAt - handshake.startedAt
    const bytes = { requestBytes: 0, responseBytes: answer?.body.length ?? 0 }
    gate.onOver({ protocol: null, outcome, status, code: failure?.code ?? null, ms, ...bytes })
  }
}

/** Commits an answer and gives it; when the store refuses, says that instead. */
async function answerCommitted(
  opening: Opening,
  ended: Ended & { readonly status: number },
  answer: Answer & { readonly statusText?: string },
): Promise<void> {
  try {
    await commit(opening, ended, answer)
    answerUpgrade(opening.upgrade, { status: ended.status, ...answer })
  } catch (error) {
    answerUpgrade(opening.upgrade, writeRefusal(opening.handshake.protocol, asTurnpikeError(error)))
  }
}

function answerOurselves(opening: Opening, error: TurnpikeError, outcome: 'refused' | 'upstream-refused'): Promise<void> {
  const refusal = writeRefusal(opening.handshake.protocol, error)
  const failure = { code: error.code, message: error.message }
  return answerCommitted(opening, { status: refusal.status, outcome, failure }, refusal)
}

/** Resolves when the upstream has answered and the agent knows, or when either is gone. */
function dialUpstream(opening: Opening, route: Route, keep: KeepSession): Promise<void> {
  const { gate, upgrade, handshake, resolved } = opening
  return new Promise(resolve => {
    let link: Link | null = null
    const onGone = (): void => {
      link?.terminate()
      const failure = brokenOff('client-aborted', 'E_CLIENT_ABORTED', 'the agent went away before its WebSocket was open')
      resolve(commit(opening, failure, null).catch(ignore))
    }
    const settled = (outcome: Promise<void>): void => {
      unwatch()
      resolve(outcome)
    }
    const deferred = createDeferred()
    const events: LinkEvents = {
      ...deferred.events,
      onOpen: head => {
        if (link !== null) settled(passOn({ ...opening, upgrade: unwatch(), route, link }, head, deferred, keep))
      },
      onRefused: ({ status, statusText, headers }, body) =>
        settled(answerCommitted(opening, { status, outcome: 'complete', failure: null }, { statusText, headers, body })),
      onUnreachable: ({ stage, error }) => settled(failToReach(opening, route, stage, error)),
    }
    const unwatch = watchAgent(upgrade, onGone)
    if (upgrade.socket.destroyed) return onGone()
    try {
      link = gate.linker.open(linkRequest(handshake, resolved, route), events)
    } catch (error) {
      const what = `the upgrade cannot be forwarded: ${error instanceof Error ? error.message : String(error)}`
      settled(answerOurselves(opening, new TurnpikeError('E_BAD_REQUEST', what, { cause: error }), 'refused'))
    }
  })
}

/** A connection that broke is broken for the agent too; where there was none, it is told. */
async function failToReach(opening: Opening, route: Route, stage: 'connect' | 'handshake', error: Error): Promise<void> {
  // A layer's own refusal.
  if (isTurnpikeError(error)) return answerOurselves(opening, error, 'refused')
  if (stage === 'connect') return answerOurselves(opening, describeUnreachable(route, error), 'upstream-refused')
  await commit(opening, brokenOff('upstream-cut', 'E_UPSTREAM_CUT', error.message), null).catch(ignore)
  opening.upgrade.socket.destroy()
}

interface Dialled extends Opening {
  readonly route: Route
  readonly link: Link
}

/** The upstream's 101 to the agent, once it is committed; then the session begins. */
async function passOn(dialled: Dialled, head: UpstreamHead, deferred: Deferred, keep: KeepSession): Promise<void> {
  const { gate, upgrade, handshake, resolved, route, link } = dialled
  const ended: Ended = { status: head.status, outcome: 'complete', failure: null }
  try {
    await commit(dialled, ended, { headers: head.headers, body: Buffer.alloc(0) })
  } catch (error) {
    link.terminate()
    return answerUpgrade(upgrade, writeRefusal(handshake.protocol, asTurnpikeError(error)))
  }
  if (upgrade.socket.destroyed) return link.terminate()
  let session: Session | null = null
  upgrade.socket.once('close', () => {
    if (session === null) link.terminate()
  })
  const relay = createRelay(() => session as Session)
  acceptUpgrade(upgrade, head, gate.messageBytesMax, agent => {
    session = createSession({ gate, handshake, route }, resolved, link, wrapSocket(agent, upgrade.socket, relay.agent))
    keep(session, new Promise(resolve => agent.once('close', () => resolve())))
    deferred.release(relay.upstream)
  })
}

interface Deferred {
  /** Kept until released, in order; then passed on as they come. */
  readonly events: SocketEvents
  readonly release: (to: SocketEvents) => void
}

/** An upstream may speak before the agent has its 101. */
function createDeferred(): Deferred {
  let target: SocketEvents | null = null
  const early: Array<(to: SocketEvents) => void> = []
  const pass = (act: (to: SocketEvents) => void): void => {
    if (target === null) early.push(act)
    else act(target)
  }
  return {
    events: {
      onMessage: message => pass(to => to.onMessage(message)),
      onPing: data => pass(to => to.onPing(data)),
      onPong: data => pass(to => to.onPong(data)),
      onSent: () => pass(to => to.onSent()),
      onClose: (code, reason) => pass(to => to.onClose(code, reason)),
      onLost: error => pass(to => to.onLost(error)),
    },
    release: to => {
      target = to
      for (const act of early.splice(0)) act(to)
    },
  }
}

const ignore = (): void => undefined
