// The forward-proxy side of the same port: CONNECT and absolute-form requests. Listed hosts are answered with a certificate of the
// store's authority and their requests go through the gate; everything else passes through unread. Records nothing itself.

import http from 'node:http'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { TurnpikeError } from '../../core/errors.ts'
import type { HeaderList } from '../../core/types.ts'
import type { Addressed } from '../attribute.ts'
import type { UpstreamAccess } from '../forward-connections.ts'
import { describeUnreachable } from '../forward-failure.ts'
import { headerValue, pairHeaders } from '../headers.ts'
import { rawRefusal, sendRefusal, writeRefusal } from '../refuse.ts'
import type { Authority } from './authority.ts'
import { addressIntercepted, proxyUser } from './caller.ts'
import { isListed, originOf, readAbsolute, readTarget, type Target } from './hosts.ts'

export interface InterceptOptions {
  /** Globs of host names. */
  readonly hosts: readonly string[]
  readonly authority: Authority
}

export interface Intercepted {
  /** The host that was asked for. */
  readonly origin: URL
  readonly addressed: Addressed
}

/** What passes beside the gate, for the metrics. */
export type PassedBy = 'intercepted' | 'unused' | 'tunnelled' | 'relayed' | 'refused'

export interface InterceptTools {
  readonly options: InterceptOptions
  /** A raw connection to the host, through the machine's own proxy where it has one. */
  readonly connect: (origin: URL) => Promise<Duplex>
  readonly count: (what: PassedBy) => void
}

export interface Interceptor {
  /** Of a request that came through an intercepted connection or in absolute form for a listed host; null for every other one. */
  readonly find: (request: http.IncomingMessage) => Intercepted | null
  /** True when the request is one for a host that is not listed, and was taken care of. */
  readonly relay: (request: http.IncomingMessage, response: http.ServerResponse) => boolean
}

interface Opened {
  readonly target: Target
  readonly scheme: 'http' | 'https'
  readonly user: string | null
  /** A request has come. */
  used: boolean
}

export function attachInterceptor(server: http.Server, tools: InterceptTools): Interceptor {
  const { hosts } = tools.options
  const opened = new WeakMap<Duplex, Opened>()
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const target = readTarget(request.url ?? '')
    if (target === null)
      return refuseConnect(tools, socket, new TurnpikeError('E_BAD_REQUEST', `CONNECT needs host:port, got "${request.url}"`))
    if (isSelf(server, target)) return refuseConnect(tools, socket, loopError())
    if (!isListed(target.host, hosts)) return void tunnel(server, tools, { socket, head, target })
    const user = proxyUser(headerValue(pairHeaders(request.rawHeaders), 'proxy-authorization'))
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    tools.count('intercepted')
    readScheme(socket, scheme => {
      const inner = scheme === 'https' ? openTls(tools, socket as Socket, target.host) : socket
      const entry: Opened = { target, scheme, user, used: false }
      opened.set(inner, entry)
      // Most often an agent that does not trust the authority.
      inner.on('close', () => entry.used || tools.count('unused'))
      server.emit('connection', inner)
    })
  })
  const find = (request: http.IncomingMessage): Intercepted | null => {
    const headers = pairHeaders(request.rawHeaders)
    const url = request.url ?? '/'
    const known = opened.get(request.socket)
    if (known !== undefined) {
      known.used = true
      return interceptedOf(originOf(known.scheme, known.target), url, headers, known.user)
    }
    const absolute = readAbsolute(url)
    if (absolute === null || !isListed(hostOf(absolute.origin), hosts) || isSelf(server, targetOf(absolute.origin))) return null
    return interceptedOf(absolute.origin, absolute.rest, headers, null)
  }
  return {
    find,
    relay: (request, response) => {
      const absolute = opened.has(request.socket) ? null : readAbsolute(request.url ?? '/')
      if (absolute === null) return false
      if (isSelf(server, targetOf(absolute.origin))) {
        tools.count('refused')
        sendRefusal(response, writeRefusal(null, loopError()))
        return true
      }
      if (isListed(hostOf(absolute.origin), hosts)) return false
      relayUnread(tools, absolute, request, response)
      return true
    },
  }
}

function interceptedOf(origin: URL, target: string, headers: HeaderList, user: string | null): Intercepted {
  return { origin, addressed: addressIntercepted(target, headers, user) }
}

/** The first byte of TLS is 22; anything else on an intercepted connection is plain HTTP. */
function readScheme(socket: Duplex, then: (scheme: 'http' | 'https') => void): void {
  socket.once('data', (first: Buffer) => {
    socket.pause()
    socket.unshift(first)
    then(first[0] === 22 ? 'https' : 'http')
  })
}

function openTls({ options }: InterceptTools, socket: Socket, host: string): tls.TLSSocket {
  const secure = new tls.TLSSocket(socket, {
    isServer: true,
    secureContext: options.authority.contextFor(host),
    ALPNProtocols: ['http/1.1'],
  })
  secure.on('error', () => secure.destroy())
  return secure
}

interface Asked {
  readonly socket: Duplex
  readonly head: Buffer
  readonly target: Target
}

async function tunnel(server: http.Server, tools: InterceptTools, { socket, head, target }: Asked): Promise<void> {
  const { connect, count } = tools
  const origin = originOf('https', target)
  let onward: Duplex
  try {
    onward = await connect(origin)
  } catch (error) {
    const described = describeUnreachable({ origin, name: 'tunnel' }, error as Error)
    count('refused')
    return void socket.end(rawRefusal(502, described))
  }
  // A name may lead back here although it does not look like it.
  const { remoteAddress = '', remotePort = 0 } = onward as Socket
  if (isSelf(server, { host: remoteAddress.replace('::ffff:', ''), port: remotePort })) {
    onward.destroy()
    return refuseConnect(tools, socket, loopError())
  }
  count('tunnelled')
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  if (head.length > 0) onward.write(head)
  onward.on('error', () => socket.destroy())
  onward.on('close', () => socket.destroy())
  socket.on('close', () => onward.destroy())
  socket.pipe(onward).pipe(socket)
}

const hopFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'upgrade'])

function relayUnread(
  { connect, count }: InterceptTools,
  { origin, rest }: { readonly origin: URL; readonly rest: string },
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const headers = pairHeaders(request.rawHeaders).filter(([name]) => !hopFields.has(name.toLowerCase()))
  const refuse = (error: Error): void => {
    count('refused')
    if (response.headersSent) return void response.destroy()
    const described = describeUnreachable({ origin, name: 'relay' }, error)
    response.writeHead(502, { 'content-type': 'text/plain', 'x-turnpike-error': described.code }).end(described.message)
  }
  connect(origin).then(socket => {
    count('relayed')
    const onward = http.request({
      method: request.method,
      path: rest,
      headers: headers.flat() as unknown as http.OutgoingHttpHeaders,
      createConnection: () => socket,
      setHost: false,
    })
    onward.on('error', refuse)
    onward.on('response', answer => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', answer.rawHeaders)
      answer.pipe(response)
      answer.on('close', () => answer.complete || response.destroy())
    })
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  }, refuse)
}

function loopError(): TurnpikeError {
  return new TurnpikeError('E_BAD_REQUEST', 'the request asks this proxy for a way to itself', {
    hint: 'put the address of the proxy into NO_PROXY of the agent',
  })
}

function refuseConnect({ count }: InterceptTools, socket: Duplex, error: TurnpikeError): void {
  count('refused')
  socket.end(rawRefusal(400, error))
}

function hostOf(origin: URL): string {
  return origin.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}

function targetOf(origin: URL): Target {
  return { host: hostOf(origin), port: origin.port === '' ? (origin.protocol === 'https:' ? 443 : 80) : Number(origin.port) }
}

/** The same access to upstreams, but for a proxy of the environment that is this one: its requests would go round for ever. */
export function refuseOwnProxy(access: UpstreamAccess, isOwn: (target: Target) => boolean): UpstreamAccess {
  const { proxyFor } = access
  if (proxyFor === undefined) return access
  const guarded = (origin: URL): URL | null => {
    const proxy = proxyFor(origin)
    if (proxy === null || !isOwn(targetOf(proxy))) return proxy
    throw new TurnpikeError(
      'E_UPSTREAM_UNREACHABLE',
      'the environment of turnpike names this proxy itself as the way to providers',
      {
        hint: 'set HTTPS_PROXY and HTTP_PROXY for the agent only, not for turnpike',
      },
    )
  }
  return { ...access, proxyFor: guarded }
}

/** Our own port at any address of this machine: such a request would come back for ever. */
export function isSelf(server: http.Server, { host, port }: Target): boolean {
  const address = server.address()
  if (address === null || typeof address === 'string' || address.port !== port) return false
  if (host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '::1' || host === '0.0.0.0')
    return true
  return Object.values(networkInterfaces()).some(list => list?.some(own => own.address === host))
}
