// One end of an open WebSocket behind the contract of link.ts, whichever side opened it: the only file that listens to a socket of `ws`.
// Passes pings, pongs and close codes on instead of answering them; never ends cleanly what did not end cleanly.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { TurnpikeError } from '../../core/errors.ts'
import { socketCloseMs, socketFlushMs } from '../../core/limits.ts'
import type { SocketEnd, SocketEvents } from './link.ts'

/** What `ws` says when a close frame carried no status, and when there was no close frame. */
const noStatus = 1005
const noCloseFrame = 1006

interface State {
  over: boolean
  error: Error | null
  /** Messages handed to the socket that it has not handed on yet; compression takes its time. */
  sending: number
  /** What is sent in this turn of the event loop leaves together. */
  gathering: boolean
  terminating: boolean
}

/** `raw` is the connection below: `ws` keeps its errors (a reset) to itself. */
export function wrapSocket(socket: WebSocket, raw: Duplex, events: SocketEvents): SocketEnd {
  const state: State = { over: false, error: null, sending: 0, gathering: false, terminating: false }
  const keepError = (error: Error): void => {
    state.error ??= error
  }
  raw.on('error', keepError)
  socket.on('error', keepError)
  socket.on('message', (data, binary) => state.over || events.onMessage({ payload: bytesOf(data), binary }))
  socket.on('ping', data => state.over || events.onPing(data))
  socket.on('pong', data => state.over || events.onPong(data))
  socket.on('close', (code, reason) => {
    if (state.over) return
    state.over = true
    // `ws` reports the code of a frame it could not accept as if the peer had closed with it.
    if (code === noCloseFrame || state.error !== null)
      events.onLost(state.error ?? new TurnpikeError('E_UPSTREAM_CUT', 'the connection ended without a closing handshake'))
    else events.onClose(code === noStatus ? null : code, reason)
  })
  const sent = (): void => {
    state.sending--
    if (state.terminating && state.sending === 0) socket.terminate()
    if (!state.over) events.onSent()
  }
  const open = (): boolean => socket.readyState === socket.OPEN
  // A provider's events arrive many to a packet; a system call for each would be the dearest part of passing them on.
  const gather = (): void => {
    if (state.gathering) return
    state.gathering = true
    raw.cork()
    process.nextTick(() => {
      state.gathering = false
      raw.uncork()
    })
  }
  return {
    send: ({ payload, binary }) => {
      if (!open()) return
      state.sending++
      gather()
      socket.send(payload, { binary }, sent)
    },
    ping: data => {
      if (open()) socket.ping(data)
    },
    pong: data => {
      if (open()) socket.pong(data)
    },
    close: (code, reason) => closeSoon(socket, code, reason),
    terminate: () => {
      state.over = true
      if (state.sending === 0) return socket.terminate()
      if (state.terminating) return
      state.terminating = true
      terminateSoon(socket, raw)
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    bufferedBytes: () => socket.bufferedAmount,
  }
}

function terminateSoon(socket: WebSocket, raw: Duplex): void {
  terminateAfter(socket, raw instanceof Socket ? socketFlushMs : socketCloseMs)
  // The connection's own clock, which begins anew as long as bytes leave: who reads slowly still reads. What comes in would set it back as well.
  socket.pause()
  if (raw instanceof Socket) raw.setTimeout(socketCloseMs, () => socket.terminate())
}

function closeSoon(socket: WebSocket, code: number | null, reason: Buffer): void {
  socket.resume() // a paused socket would never read the answer to its close frame
  if (code === null) socket.close()
  else socket.close(code, reason)
  terminateAfter(socket, socketCloseMs)
}

function terminateAfter(socket: WebSocket, ms: number): void {
  const timer = setTimeout(() => socket.terminate(), ms)
  socket.once('close', () => clearTimeout(timer))
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
