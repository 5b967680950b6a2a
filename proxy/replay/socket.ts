// A WebSocket whose far end is the record: the handshake answered as it was, each message matched like a request, and its answer given as
// the messages it was, at their times. Messages of several answers mix as their own times have it. Opens no connection.

import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { readMessages, webSocketFraming } from '../../protocols/_framing-websocket.ts'
import type { ForwardEvents, ForwardedExchange, Forwarding } from '../forward.ts'
import type { Link, LinkEvents, LinkRequest, SocketMessage } from '../websocket/link.ts'
import { readAsked as readAskedMessage, writeRefusalMessage } from '../websocket/message.ts'
import { findMatch, writeMark } from './find.ts'
import { explainMiss } from './miss.ts'
import type { ReplayCounts, ReplayOptions } from './options.ts'
import { type Playback, planPlayback, play, recordedBreak } from './playback.ts'
import { handshakeMethod } from './shelf.ts'

interface ReplayedSocket {
  readonly options: ReplayOptions
  readonly events: LinkEvents
  readonly counts: ReplayCounts
  /** Answers that are being given. */
  readonly playing: Set<Forwarding>
  /** Why an exchange was refused, until it is recorded. */
  readonly notes: Map<string, TurnpikeError>
  paused: boolean
  over: boolean
}

export function openReplayedSocket(options: ReplayOptions, request: LinkRequest, events: LinkEvents, counts: ReplayCounts): Link {
  const socket: ReplayedSocket = { options, events, counts, playing: new Set(), notes: new Map(), paused: false, over: false }
  const later = (act: () => void): void => void setImmediate(() => socket.over || act())
  shakeHands(socket, request).catch((error: unknown) => {
    if (!socket.over) events.onUnreachable({ stage: 'connect', error: asTurnpikeError(error) })
  })
  return {
    send: (message, exchange) => {
      answerMessage(socket, message, exchange).catch((error: unknown) =>
        refuse(socket, message, exchange, asTurnpikeError(error)),
      )
    },
    ping: data => later(() => events.onPong(data)),
    pong: () => undefined,
    close: (code, reason) =>
      later(() => {
        stop(socket)
        events.onClose(code, reason)
      }),
    terminate: () => stop(socket),
    pause: () => {
      socket.paused = true
      for (const playing of socket.playing) playing.pause()
    },
    resume: () => {
      socket.paused = false
      for (const playing of socket.playing) playing.resume()
    },
    bufferedBytes: () => 0,
    note: exchangeId => {
      const error = socket.notes.get(exchangeId)
      socket.notes.delete(exchangeId)
      return error === undefined ? null : { code: error.code, message: error.message }
    },
  }
}

function stop(socket: ReplayedSocket): void {
  socket.over = true
  for (const playing of socket.playing) playing.abort()
  socket.playing.clear()
}

/** A handshake that was refused then is refused now; one that was never made is told to send plain requests, which may be on record. */
async function shakeHands(socket: ReplayedSocket, { exchange }: LinkRequest): Promise<void> {
  const { options, events, counts } = socket
  const view = await options.library.viewFor(exchange.scope)
  const isGone = (): boolean => socket.over
  const plain = { ...exchange, protocol: null }
  const match =
    (await findMatch({ ...plain, method: handshakeMethod }, view, isGone)) ??
    (await findMatch({ ...plain, method: 'GET' }, view, isGone))
  if (socket.over) return
  if (match === null) {
    counts.missed++
    throw new TurnpikeError('E_NO_WEBSOCKET', `the recording has no WebSocket at ${exchange.path}`, {
      hint: 'send plain requests, or record an agent that opens a WebSocket here',
    })
  }
  counts[match.rule]++
  const recorded = await options.library.readAnswer(match.candidate)
  if (socket.over) return
  const { head } = planPlayback(recorded, writeMark(match))
  if (head === null) events.onUnreachable({ stage: 'handshake', error: recordedBreak() })
  else if (head.status === 101) events.onOpen(head)
  else events.onRefused(head, recorded.body?.bytes ?? Buffer.alloc(0))
}

async function answerMessage(socket: ReplayedSocket, message: SocketMessage, exchange: ForwardedExchange): Promise<void> {
  const { options, counts } = socket
  // Acknowledgements and the like were never answered.
  if (!readAskedMessage(message, exchange.protocol).wantsAnswer) return
  const view = await options.library.viewFor(exchange.scope)
  const match = await findMatch(exchange, view, () => socket.over)
  if (socket.over) return
  if (match === null) {
    counts.missed++
    return refuse(socket, message, exchange, await explainMiss(exchange, view))
  }
  counts[match.rule]++
  const recorded = await options.library.readAnswer(match.candidate)
  if (!socket.over) playMessages(socket, planPlayback(recorded, []))
}

function refuse(socket: ReplayedSocket, message: SocketMessage, { id, protocol }: ForwardedExchange, error: TurnpikeError): void {
  if (socket.over) return
  socket.notes.set(id, error)
  const { streamId } = readAskedMessage(message, protocol)
  socket.events.onMessage(writeRefusalMessage(protocol, error, streamId).message)
}

/** The bytes of the answer are frames; one that ended leaves the socket open for the next message. */
function playMessages(socket: ReplayedSocket, playback: Playback): void {
  const splitter = webSocketFraming.openSplitter()
  const { events, playing } = socket
  const over = (): void => void playing.delete(forwarding)
  const relay: ForwardEvents = {
    onHead: () => undefined,
    onData: bytes => {
      for (const message of splitter.push(bytes).flatMap(readMessages)) if (!socket.over) events.onMessage(message)
    },
    onEnd: over,
    onFailure: ({ error }) => {
      stop(socket)
      events.onLost(error)
    },
  }
  const forwarding = play(playback, socket.options.timing, relay)
  playing.add(forwarding)
  if (socket.paused) forwarding.pause()
}
