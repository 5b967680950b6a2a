// How connections to upstreams are made: pooled agents for HTTP/1.1, single sockets for HTTP/2, through the proxy that the environment
// names or directly, TLS against the authorities that were handed in. Verification has no switch. Sends no request of its own but CONNECT.

import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { TurnpikeError } from '../core/errors.ts'

export interface UpstreamAccess {
  /** PEM certificates of the authorities to trust; absent: those Node brings along. */
  readonly authorities?: readonly string[]
  /** The proxy to go through; null: none. Asked once per origin. */
  readonly proxyFor?: (origin: URL) => URL | null
}

export interface Connections {
  /** An agent whose sockets lead to the origin itself, for WebSocket handshakes too. */
  readonly agentOf: (origin: URL) => http.Agent
  /** How a request is sent; a `fresh` way has no sockets that may have gone stale. */
  readonly wayTo: (origin: URL, fresh: boolean) => Way
  /** A connected socket, TLS done. `alpn` is the protocol spoken on it: an upstream that refuses it is an error. */
  readonly open: (origin: URL, alpn: string) => Promise<Duplex>
  /** A raw connection to the host of the origin, whatever is spoken on it. */
  readonly tunnel: (origin: URL) => Promise<Duplex>
  readonly close: () => void
}

export interface Way {
  readonly agent: http.Agent
  /** Set for plain http behind a proxy: the request goes to this proxy, in absolute form. */
  readonly relay: URL | null
}

const pool = {
  keepAlive: true,
  maxSockets: Number.POSITIVE_INFINITY,
  maxFreeSockets: 1024,
  scheduling: 'lifo' as const,
  noDelay: true,
}

export function createConnections(access: UpstreamAccess = {}): Connections {
  const trust = createTrust(access)
  const proxies = new Map<string, URL | null>()
  const proxyOf = (origin: URL): URL | null => {
    const known = proxies.get(origin.origin)
    if (known !== undefined) return known
    const found = access.proxyFor?.(origin) ?? null
    proxies.set(origin.origin, found)
    return found
  }
  const agents = new Map<string, http.Agent>()
  const agentFor = (protocol: string, proxy: URL | null, fresh: boolean): http.Agent => {
    if (fresh) return createAgent(protocol, proxy, { ...pool, keepAlive: false }, trust)
    const key = `${protocol} ${proxy?.href ?? ''}`
    const agent = agents.get(key) ?? createAgent(protocol, proxy, pool, trust)
    agents.set(key, agent)
    return agent
  }
  return {
    agentOf: origin => agentFor(origin.protocol, proxyOf(origin), false),
    wayTo: (origin, fresh) => {
      const proxy = proxyOf(origin)
      if (proxy !== null && origin.protocol === 'http:') return { agent: agentFor(proxy.protocol, null, fresh), relay: proxy }
      return { agent: agentFor(origin.protocol, proxy, fresh), relay: null }
    },
    open: (origin, alpn) => openSocket(origin, proxyOf(origin), alpn, trust()),
    tunnel: origin => openPlain(origin, proxyOf(origin), trust()),
    close: () => {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

/** Made at the first use, and once: reading hundreds of certificates for each connection would take longer than the connection. */
function createTrust(access: UpstreamAccess): () => tls.SecureContext | undefined {
  let context: tls.SecureContext | undefined
  return () => {
    if (access.authorities !== undefined) context ??= tls.createSecureContext({ ca: [...access.authorities] })
    return context
  }
}

type Trust = ReturnType<typeof createTrust>

function createAgent(protocol: string, proxy: URL | null, options: http.AgentOptions, trust: Trust): http.Agent {
  const isSecure = protocol === 'https:'
  const secureContext = isSecure ? trust() : undefined
  const secured = secureContext === undefined ? options : { ...options, secureContext }
  const agent = isSecure ? new https.Agent(secured) : new http.Agent(options)
  return proxy === null ? agent : tunnelled(agent, proxy, trust)
}

type Opened = (error: Error | null, socket?: Duplex) => void

/** Node's pool over our own way of connecting: it calls `createConnection` for each new socket. */
function tunnelled(agent: http.Agent, proxy: URL, trust: Trust): http.Agent {
  const isSecure = agent instanceof https.Agent
  const connect = (options: { readonly host?: string | null; readonly port?: number | string | null }, opened: Opened): void => {
    const host = options.host ?? 'localhost'
    const origin = new URL(`${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${options.port ?? ''}`)
    openSocket(origin, proxy, 'http/1.1', trust()).then(
      socket => opened(null, socket),
      (error: Error) => opened(error),
    )
  }
  return Object.assign(agent, { createConnection: connect })
}

async function openSocket(
  origin: URL,
  proxy: URL | null,
  alpn: string,
  secureContext: tls.SecureContext | undefined,
): Promise<Duplex> {
  const socket = await openPlain(origin, proxy, secureContext)
  if (origin.protocol !== 'https:') return socket
  const host = hostOf(origin)
  const servername = net.isIP(host) === 0 ? host : ''
  const secure = tls.connect({
    socket,
    host,
    servername,
    ALPNProtocols: [alpn],
    ...(secureContext === undefined ? {} : { secureContext }),
  })
  await connected(secure, 'secureConnect')
  if (alpn === 'h2' && secure.alpnProtocol !== 'h2') {
    secure.destroy()
    throw new TurnpikeError('E_UPSTREAM_UNREACHABLE', `${origin.origin} does not speak HTTP/2`, {
      hint: 'take "http: 2" out of the endpoint in the models file',
    })
  }
  return secure
}

function openPlain(origin: URL, proxy: URL | null, secureContext: tls.SecureContext | undefined): Promise<Duplex> {
  if (proxy !== null) return openTunnel(proxy, origin, secureContext)
  return connected(net.connect({ host: hostOf(origin), port: portOf(origin), noDelay: true }), 'connect')
}

function connected<T extends net.Socket>(socket: T, event: 'connect' | 'secureConnect'): Promise<T> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }))
    socket.once('error', reject)
    socket.once('close', closed)
    socket.once(event, () => {
      socket.off('error', reject)
      socket.off('close', closed)
      resolve(socket)
    })
  })
}

/** Asks the proxy for a way through. Its refusal is an error of its own, never an answer of the upstream. */
function openTunnel(proxy: URL, origin: URL, secureContext: tls.SecureContext | undefined): Promise<Duplex> {
  const target = `${origin.hostname}:${portOf(origin)}`
  const options = {
    method: 'CONNECT',
    host: hostOf(proxy),
    port: portOf(proxy),
    path: target,
    headers: { host: target, ...Object.fromEntries(proxyCredential(proxy)) },
    agent: false as const,
  }
  const isSecure = proxy.protocol === 'https:'
  const request = isSecure
    ? https.request({ ...options, ...(secureContext === undefined ? {} : { secureContext }) })
    : http.request(options)
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: Error): void =>
      reject(
        new TurnpikeError('E_UPSTREAM_UNREACHABLE', `the proxy ${proxy.host} ${what}`, {
          ...(cause ? { cause } : {}),
          hint: proxyHint,
        }),
      )
    request.once('error', error => fail(`cannot be reached: ${error.message || (error as NodeJS.ErrnoException).code}`, error))
    request.once('response', answer => {
      request.destroy()
      fail(`refused the way to ${target}: ${answer.statusCode} ${answer.statusMessage}`)
    })
    request.once('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy()
        return fail(`refused the way to ${target}: ${answer.statusCode} ${answer.statusMessage}`)
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.end()
  })
}

const proxyHint = 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment of turnpike'

/** The proxy's own user and password as it wants them. */
export function proxyCredential(proxy: URL): ReadonlyArray<readonly [string, string]> {
  if (proxy.username === '' && proxy.password === '') return []
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return [['proxy-authorization', `Basic ${Buffer.from(pair).toString('base64')}`]]
}

export function hostOf(origin: URL): string {
  return origin.hostname.replace(/^\[|\]$/g, '')
}

export function portOf(origin: URL): number {
  if (origin.port !== '') return Number(origin.port)
  return origin.protocol === 'https:' ? 443 : 80
}
