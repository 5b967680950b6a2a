// Requests for a WebSocket: refuses what is no well-formed one, sees the others open (opening.ts), and keeps the open sockets, to drain and to
// cut them. The agent that is refused is told so in its dialect, on a socket HTTP has already given up.

import type http from 'node:http'
import type { Duplex } from 'node:stream'
import { TurnpikeError } from '../../core/errors.ts'
import { createUlid } from '../../store/ulid.ts'
import { answerUpgrade } from './accept.ts'
import type { SocketGate } from './exchange.ts'
import { findFlaw, isWebSocketUpgrade, readHandshake } from './handshake.ts'
import { openUpgrade, refuseUnrecorded } from './opening.ts'
import { breakOff, drainSession, type Session } from './session.ts'

export interface Upgrades {
  /** For the `upgrade` event of an HTTP server. Never throws. */
  readonly pass: (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void
  /** Closes idle sockets, the others when their answers have ended. New ones are the gate's to refuse. */
  readonly drain: () => void
  /** Breaks off what is still open or opening. */
  readonly cut: () => void
}

export function createUpgrades(gate: SocketGate): Upgrades {
  const sessions = new Set<Session>()
  const opening = new Set<Duplex>()
  const keep = (session: Session, closed: Promise<void>): void => {
    sessions.add(session)
    void closed.then(() => sessions.delete(session))
    if (gate.draining()) drainSession(session)
  }
  return {
    pass: (request, socket, head) => {
      socket.on('error', () => undefined) // its close is what counts
      const upgrade = { request, socket, head }
      if (!isWebSocketUpgrade(request) || request.url?.startsWith('/_turnpike/')) return answerUpgrade(upgrade, plainRequests)
      const handshake = readHandshake(request, createUlid(), gate.now(), gate.intercepted?.(request) ?? null)
      const draining = new TurnpikeError('E_DRAINING', 'the proxy is shutting down and takes no new calls')
      gate.onStarted()
      const refusal = findFlaw(request) ?? (gate.draining() ? draining : null)
      if (refusal !== null) return refuseUnrecorded({ gate, upgrade, handshake }, refusal)
      opening.add(socket)
      void openUpgrade({ gate, upgrade, handshake }, keep).finally(() => opening.delete(socket))
    },
    drain: () => sessions.forEach(drainSession),
    cut: () => {
      for (const socket of opening) socket.destroy()
      for (const session of sessions) breakOff(session, 'E_DRAINING', 'the proxy was shut down before the answer ended')
    },
  }
}

/** 426 is the one answer that makes agents which ask for another protocol go on with plain requests at once. */
const plainRequests = { status: 426, headers: [['upgrade', 'HTTP/1.1']], body: Buffer.alloc(0) } as const
