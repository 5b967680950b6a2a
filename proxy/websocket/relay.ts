// What happens at either end of a WebSocket, handed to the session in order: messages of the agent one after the other, its close behind them,
// pings and pongs across at once. Pauses the agent while its messages pile up. Decides nothing about them.

import { socketBufferBytesMax } from '../../core/limits.ts'
import { passAnswer } from './answering.ts'
import { ask } from './asking.ts'
import type { SocketEvents } from './link.ts'
import { leaveByClose, leaveByLoss, loseByClose, loseByLoss, relieve, type Session } from './session.ts'

export interface Relay {
  readonly agent: SocketEvents
  readonly upstream: SocketEvents
}

/** `sessionOf` is asked when something happens, which is never before the session is there. */
export function createRelay(sessionOf: () => Session): Relay {
  const inbound = createInbound(sessionOf)
  return {
    agent: {
      onMessage: message => inbound.take(message.payload.length, () => ask(sessionOf(), message)),
      onPing: data => sessionOf().link.ping(data),
      onPong: data => sessionOf().link.pong(data),
      onSent: () => relieve(sessionOf()),
      onClose: (code, reason) => inbound.take(0, async () => leaveByClose(sessionOf(), code, reason)),
      onLost: () => leaveByLoss(sessionOf()),
    },
    upstream: {
      onMessage: message => passAnswer(sessionOf(), message),
      onPing: data => sessionOf().client.ping(data),
      onPong: data => sessionOf().client.pong(data),
      onSent: inbound.look,
      onClose: (code, reason) => loseByClose(sessionOf(), code, reason),
      onLost: error => loseByLoss(sessionOf(), error),
    },
  }
}

interface Inbound {
  /** Each is committed before it is forwarded, and they must not overtake each other. */
  readonly take: (bytes: number, act: () => Promise<void>) => void
  /** Whether the agent may be read again. */
  readonly look: () => void
}

function createInbound(sessionOf: () => Session): Inbound {
  let last: Promise<void> = Promise.resolve()
  let waitingBytes = 0
  let paused = false
  const look = (): void => {
    const { link, client } = sessionOf()
    const bytes = waitingBytes + link.bufferedBytes()
    if (!paused && bytes > socketBufferBytesMax) {
      paused = true
      client.pause()
    } else if (paused && bytes <= socketBufferBytesMax / 2) {
      paused = false
      client.resume()
    }
  }
  return {
    take: (bytes, act) => {
      waitingBytes += bytes
      last = last.then(act).then(() => {
        waitingBytes -= bytes
        look()
      })
      look()
    },
    look,
  }
}
