// The simulated provider as a server on loopback: sockets, life and death. What it answers is decided in exchange.ts and below.
// It never times a slow client or stream out by itself, and close() ends at once whatever is open.

import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TurnpikeError } from '../../core/errors.ts'
import type { CallNote, ProviderState } from './call.ts'
import { answerRequest } from './exchange.ts'
import type { SimulatedScript } from './script.ts'
import { openPromptMemory } from './usage.ts'
import { answerUpgrades } from './websocket.ts'

export interface SimulatedOptions {
  /** Goes into every id: the same seed and requests give the same bytes. */
  readonly seed: number
  /** Without one, every instruction gets a harmless shell call and a final text. */
  readonly script?: SimulatedScript
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free one. */
  readonly port?: number
  readonly onCall?: (note: CallNote) => void
}

export interface SimulatedServer {
  /** Base URL without a path: http://127.0.0.1:41234 */
  readonly url: string
  readonly port: number
  /** Cuts what is open and frees the port. Safe to call twice. */
  readonly close: () => Promise<void>
  /** Model calls so far, faulty ones included. */
  readonly calls: () => number
}

/** Connections that may wait to be accepted: whole test suites open at once. */
const backlog = 4096

/** E_PORT_IN_USE when the port is taken. */
export async function startSimulated(options: SimulatedOptions): Promise<SimulatedServer> {
  const host = options.host ?? '127.0.0.1'
  const sockets = new Set<Socket>()
  let reopening: NodeJS.Timeout | undefined
  let closed = false
  const state: ProviderState = {
    seed: options.seed,
    script: options.script ?? null,
    memory: openPromptMemory(),
    faultsStruck: new Map(),
    calls: 0,
    onCall: options.onCall ?? (() => {}),
    refuseConnections: ms => {
      server.close()
      reopenIn(ms)
    },
  }
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
    void answerRequest(request, response, state)
  })
  server.on('upgrade', answerUpgrades(state))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listen(server, host, options.port ?? 0)
  const reopenIn = (ms: number): void => {
    clearTimeout(reopening)
    reopening = setTimeout(() => server.listen({ host, port, backlog }), ms)
  }
  // Only reopening can fail from here on: somebody took the port for a moment.
  server.on('error', () => {
    if (!closed) reopenIn(50)
  })
  const close = async (): Promise<void> => {
    closed = true
    clearTimeout(reopening)
    const ended = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await ended
  }
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port, close, calls: () => state.calls }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
      const message = `the simulated provider cannot listen on ${host}:${port}`
      reject(new TurnpikeError(taken ? 'E_PORT_IN_USE' : 'E_USAGE', message, { cause }))
    }
    server.once('error', onError)
    server.listen({ host, port, backlog }, () => {
      server.off('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
