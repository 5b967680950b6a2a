// The listening side of the proxy: accepts connections, hands control routes to Fastify and everything else to the gate, refuses
// what is no well-formed request, and drains on request. Knows nothing of providers or records.

import http from 'node:http'
import type net from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { TurnpikeError } from '../core/errors.ts'
import { drainMs, requestBodiesBytesMax, requestBodyBytesMax } from '../core/limits.ts'
import { findProtocol } from '../protocols/_all.ts'
import type { Store } from '../store/_adapter.ts'
import { attribute } from './attribute.ts'
import { createControl } from './control.ts'
import type { Forwarder, ForwardLayer } from './forward.ts'
import { createConnections, type UpstreamAccess } from './forward-connections.ts'
import { createForwarder } from './forwarder.ts'
import { type GateOptions, passGate } from './gate.ts'
import type { ExchangeNote } from './gate-answers.ts'
import { pairHeaders } from './headers.ts'
import { attachInterceptor, type InterceptOptions, type Interceptor, isSelf, refuseOwnProxy } from './intercept/intercept.ts'
import { createMetrics, type ProxyMetrics } from './metrics.ts'
import { createReceiver, declaredLength, tooLarge } from './receive.ts'
import { recordAttempt } from './record-part.ts'
import { rawBadRequest, sendRefusal, writeRefusal } from './refuse.ts'
import { createRetryLayer, type RetryOptions } from './retry.ts'
import type { Routes } from './routes.ts'
import { createScopes } from './scopes.ts'
import { signingLayer } from './sigv4.ts'
import { createLinker } from './websocket/dial.ts'
import type { Linker, LinkLayer } from './websocket/link.ts'
import { createUpgrades, type Upgrades } from './websocket/upgrade.ts'

export interface ProxyOptions {
  readonly store: Store
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly routes: Routes
  readonly onRecordFailure: 'refuse' | 'pass'
  readonly version: string
  /** Lets callers from other machines use the control routes. */
  readonly controlToken?: string
  readonly onExchange?: (note: ExchangeNote) => void
  /** How upstreams are reached; absent: directly, trusting the authorities Node brings along. */
  readonly access?: UpstreamAccess
  /** Secrets besides the routes' own, to be masked in every record. */
  readonly secrets?: readonly string[]
  /** Wrapped around the forwarder in this order: the last one sees a request first. */
  readonly layers?: readonly ForwardLayer[]
  /** The same for WebSockets: wrapped around the linker in this order. */
  readonly linkLayers?: readonly LinkLayer[]
  /** May refuse calls before they are forwarded. */
  readonly admit?: GateOptions['admit']
  /** Answers CONNECT and absolute-form requests too, and reads those for the hosts it names. */
  readonly intercept?: InterceptOptions
  /** Called when draining begins: what merely waits should end. */
  readonly onDrain?: () => void
  /** Adds to what /_turnpike/metrics shows. */
  readonly registerMetrics?: (registry: ProxyMetrics['registry']) => void
  /** For tests of the bounds. */
  readonly bodyBytesMax?: number
}

export interface RunningProxy {
  readonly url: string
  readonly port: number
  /** Stops accepting, lets running exchanges end for up to `graceMs`, then cuts them. Resolves when none is left. */
  readonly drain: (graceMs?: number) => Promise<void>
}

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const bodyBytesMax = options.bodyBytesMax ?? requestBodyBytesMax
  const receiver = createReceiver({ bodyBytesMax, totalBytesMax: requestBodiesBytesMax })
  const metrics = createMetrics(receiver.heldBytes)
  options.registerMetrics?.(metrics.registry)
  const now = (): number => performance.timeOrigin + performance.now()
  const access = refuseOwnProxy(options.access ?? {}, target => isSelf(server, target))
  const connections = createConnections(access)
  let interceptor: Interceptor | null = null
  const { recorder } = options.store
  const record: RetryOptions['record'] = (request, discarded) =>
    recordAttempt({ recorder, onRecordFailure: options.onRecordFailure }, request, discarded)
  // Retries see a request first: what the other layers do is part of each attempt.
  const layers = [...(options.layers ?? []), createRetryLayer({ record, now })]
  const forwarder = layers.reduce<Forwarder>((next, layer) => layer(next), signingLayer(createForwarder(access, connections)))
  const gate: GateOptions = {
    recorder: options.store.recorder,
    scopes: createScopes(options.store, now),
    routes: options.routes,
    receiver,
    forwarder,
    admit: options.admit ?? admitAll,
    intercepted: request => interceptor?.find(request) ?? null,
    ownSecrets: [...options.routes.secrets, ...(options.secrets ?? [])],
    onRecordFailure: options.onRecordFailure,
    now,
    onOver: note => {
      metrics.over(note)
      options.onExchange?.(note)
    },
  }
  let draining = false
  const controlToken = options.controlToken ?? null
  const { store, version } = options
  const control = await createControl({ store, metrics, controlToken, draining: () => draining, startedAt: Date.now(), version })
  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    if (interceptor?.relay(request, response)) return
    if (request.url?.startsWith('/_turnpike/') && !interceptor?.find(request)) return void control.routing(request, response)
    if (draining)
      return refuse(request, response, new TurnpikeError('E_DRAINING', 'the proxy is shutting down and takes no new calls'))
    metrics.started()
    void passGate(gate, request, response)
  }
  const linker = (options.linkLayers ?? []).reduce<Linker>(
    (next, layer) => layer(next),
    createLinker({ messageBytesMax: bodyBytesMax, agentOf: connections.agentOf }),
  )
  const sockets = { linker, messageBytesMax: bodyBytesMax, draining: () => draining, onStarted: metrics.started }
  const upgrades = createUpgrades({ ...gate, ...sockets })
  const server = createServer(handle, upgrades, bodyBytesMax)
  if (options.intercept !== undefined)
    interceptor = attachInterceptor(server, { options: options.intercept, connect: connections.tunnel, count: metrics.passed })
  await listen(server, options.host, options.port)
  const { port } = server.address() as AddressInfo
  const drain = async (graceMs: number = drainMs): Promise<void> => {
    draining = true
    upgrades.drain()
    options.onDrain?.()
    await drainServer(server, metrics, graceMs, upgrades.cut)
    forwarder.close()
    connections.close()
    await control.close()
  }
  return { url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`, port, drain }
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void

function createServer(handle: Handler, upgrades: Upgrades, bodyBytesMax: number): http.Server {
  const server = http.createServer({
    // Models think for minutes and agents stay connected for hours: only a stalled request head is timed out.
    requestTimeout: 0,
    headersTimeout: 60_000,
    keepAliveTimeout: 650_000,
    maxHeaderSize: 256 * 1024,
    noDelay: true,
  })
  server.on('request', handle)
  server.on('checkContinue', (request, response) => {
    const declared = declaredLength(request)
    if (declared !== null && declared > bodyBytesMax) return refuse(request, response, tooLarge(declared, bodyBytesMax))
    response.writeContinue()
    handle(request, response)
  })
  server.on('upgrade', upgrades.pass)
  server.on('clientError', refuseMalformed)
  return server
}

function refuse(request: http.IncomingMessage, response: http.ServerResponse, error: TurnpikeError): void {
  const { path } = attribute(request.url ?? '/', pairHeaders(request.rawHeaders))
  const refusal = writeRefusal(findProtocol(request.method ?? 'GET', path), error)
  sendRefusal(response, { ...refusal, headers: [...refusal.headers, ['connection', 'close']] })
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { bytesWritten, writable } = socket as net.Socket
  // Once an answer has begun on this socket another head would corrupt it.
  if (error.code === 'ECONNRESET' || !writable || bytesWritten > 0) return void socket.destroy()
  socket.end(rawBadRequest(error.message))
}

function listen(server: http.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const what = error.code === 'EADDRINUSE' ? `port ${port} on ${host} is in use` : `cannot listen on ${host}:${port}`
      reject(new TurnpikeError('E_PORT_IN_USE', what, { cause: error }))
    })
    server.listen(port, host, 4096, resolve)
  })
}

async function drainServer(server: http.Server, metrics: ProxyMetrics, graceMs: number, cutSockets: () => void): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const deadline = Date.now() + graceMs
  while (metrics.inFlight() > 0 && Date.now() < deadline) await pause(20)
  if (Date.now() >= deadline) cutSockets()
  server.closeAllConnections()
  await closed
  // Cut exchanges still have their end to commit.
  while (metrics.inFlight() > 0 && Date.now() < deadline + 5000) await pause(10)
}

const admitAll = async (): Promise<null> => null
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
