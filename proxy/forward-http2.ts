// Forwards over HTTP/2 to the upstreams whose endpoint asks for it: one session per origin shared by all requests (a further one only
// where the upstream bounds its streams), no timeouts, aborts both ways. A request the upstream certainly did not process is sent once more.

import http2 from 'node:http2'
import type { HeaderList } from '../core/types.ts'
import type { ForwardEvents, Forwarding, ForwardRequest } from './forward.ts'
import type { Connections } from './forward-connections.ts'
import { pairHeaders } from './headers.ts'

export interface Http2Forwarder {
  readonly forward: (request: ForwardRequest, events: ForwardEvents) => Forwarding
  readonly close: () => void
}

/** Bytes of one answer that may be under way before the agent has read them. */
const windowBytes = 1024 * 1024
const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM, NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE } = http2.constants

interface Session {
  readonly session: http2.ClientHttp2Session
  /** Streams running on it or about to. */
  active: number
  served: number
}

export function createHttp2Forwarder(connections: Connections): Http2Forwarder {
  const sessions = createSessions(connections)
  return { forward: (request, events) => forward(sessions, request, events), close: sessions.close }
}

interface Sessions {
  /** A session with a place for one stream, which is taken by this. */
  readonly take: (origin: URL) => Promise<Session>
  readonly close: () => void
}

function createSessions(connections: Connections): Sessions {
  const open = new Map<string, Session[]>()
  const opening = new Map<string, Promise<Session>>()
  const connect = async (origin: URL): Promise<Session> => {
    const session = http2.connect(origin.origin, await connectOptions(connections, origin))
    const entry: Session = { session, active: 1, served: 0 }
    const leave = (): void => {
      const others = (open.get(origin.origin) ?? []).filter(other => other !== entry)
      open.set(origin.origin, others)
    }
    session.on('goaway', leave)
    session.on('close', leave)
    session.on('error', leave) // every stream of it fails by itself
    await settingsOf(session)
    open.set(origin.origin, [...(open.get(origin.origin) ?? []), entry])
    return entry
  }
  const take = async (origin: URL): Promise<Session> => {
    const usable = open.get(origin.origin)?.find(hasRoom)
    if (usable !== undefined) {
      usable.active++
      return usable
    }
    const pending = opening.get(origin.origin)
    // Others may have filled the session by the time it is there.
    if (pending !== undefined) return pending.then(() => take(origin))
    const made = connect(origin).finally(() => opening.delete(origin.origin))
    opening.set(origin.origin, made)
    return made
  }
  const close = (): void => {
    for (const { session } of [...open.values()].flat()) session.destroy()
  }
  return { take, close }
}

async function connectOptions(connections: Connections, origin: URL): Promise<http2.ClientSessionOptions> {
  const socket = await connections.open(origin, 'h2')
  return {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
    // Node's bound of 10 MB for a session would refuse a few large requests at once.
    maxSessionMemory: 1000,
  }
}

/** The upstream says first how many streams it takes. */
function settingsOf(session: http2.ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once('remoteSettings', () => resolve())
    session.once('error', reject)
    session.once('close', () => reject(Object.assign(new Error('the upstream speaks no HTTP/2'), { code: 'ECONNRESET' })))
  })
}

function hasRoom({ session, active }: Session): boolean {
  if (session.closed || session.destroyed) return false
  return active < Math.max(1, session.remoteSettings.maxConcurrentStreams ?? 100)
}

interface State {
  stream: http2.ClientHttp2Stream | null
  retries: number
  /** The head was handed on. */
  started: boolean
  over: boolean
}

function forward(sessions: Sessions, request: ForwardRequest, events: ForwardEvents): Forwarding {
  const state: State = { stream: null, retries: 0, started: false, over: false }
  const headers = http2Headers(request)
  const fail = (stage: 'connect' | 'before-head' | 'mid-answer', error: Error): void => {
    if (state.over) return
    state.over = true
    events.onFailure({ stage, error })
  }
  const send = async (): Promise<void> => {
    let entry: Session
    try {
      entry = await sessions.take(request.origin)
    } catch (error) {
      return fail('connect', error as Error)
    }
    if (state.over) return void entry.active--
    try {
      start(entry)
    } catch (error) {
      entry.active--
      // The session was closed in between: nothing was sent.
      if (state.retries > 0 || !isGone(error)) return fail('connect', error as Error)
      state.retries++
      return send()
    }
  }
  const start = (entry: Session): void => {
    const isReused = entry.served > 0
    const stream = entry.session.request(headers, {
      endStream: request.body.length === 0 && request.trailers.length === 0,
      waitForTrailers: request.trailers.length > 0,
    })
    state.stream = stream
    entry.served++
    stream.on('close', () => entry.active--)
    let isLost = false
    const lost = (error: Error): void => {
      if (state.over || isLost) return
      isLost = true
      if (state.started) return fail('mid-answer', error)
      if (state.retries > 0 || !isUnprocessed(stream, error, isReused)) return fail('before-head', error)
      state.retries++
      void send()
    }
    relay(stream, events, state, lost)
    if (request.trailers.length > 0) stream.on('wantTrailers', () => stream.sendTrailers(groupFields(request.trailers)))
    if (!stream.writableEnded) stream.end(request.body)
  }
  void send()
  return {
    pause: () => void state.stream?.pause(),
    resume: () => void state.stream?.resume(),
    abort: () => {
      state.over = true
      state.stream?.close(NGHTTP2_CANCEL)
    },
    retries: () => state.retries,
  }
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return code === 'ERR_HTTP2_GOAWAY_SESSION' || code === 'ERR_HTTP2_INVALID_SESSION'
}

/** Refused streams were not looked at (RFC 9113 §8.7). A session that had been idle and is found dead is a stale connection. */
function isUnprocessed(stream: http2.ClientHttp2Stream, error: Error, isReused: boolean): boolean {
  if (stream.rstCode === NGHTTP2_REFUSED_STREAM) return true
  return isReused && ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function relay(stream: http2.ClientHttp2Stream, events: ForwardEvents, state: State, lost: (error: Error) => void): void {
  let trailers: HeaderList = []
  let ended = false
  // The types leave out the raw list that comes third.
  const on = stream.on.bind(stream) as (
    event: 'response' | 'trailers',
    listener: (fields: http2.IncomingHttpHeaders, flags: number, raw: readonly string[]) => void,
  ) => void
  on('response', (fields, _, raw) => {
    if (state.over) return
    state.started = true
    const headers = pairHeaders(raw).filter(([name]) => !name.startsWith(':'))
    events.onHead({ status: Number(fields[':status']), statusText: '', headers })
  })
  on('trailers', (_fields, _flags, raw) => {
    trailers = pairHeaders(raw)
  })
  stream.on('data', (bytes: Buffer) => {
    if (!state.over) events.onData(bytes)
  })
  stream.on('end', () => {
    ended = !isResetAtEnd(stream)
  })
  stream.on('error', lost)
  // Only here is known how the stream ended: a reset may follow the last byte.
  stream.on('close', () => {
    if (state.over) return
    if (!ended || !state.started || stream.rstCode !== NGHTTP2_NO_ERROR) return lost(brokenStream(stream.rstCode))
    state.over = true
    events.onEnd(trailers)
  })
}

/**
 * A reset that claims "no error" in mid-answer looks like an end to Node. What tells them apart is that nghttp2 has both sides closed
 * by then, while a stream that was ended by its last frame is still open for us or gone.
 */
function isResetAtEnd(stream: http2.ClientHttp2Stream): boolean {
  const { state, localClose } = stream.state
  return state === NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE && localClose === 1
}

function brokenStream(code: number | undefined): Error {
  return Object.assign(new Error(`the upstream closed the stream in mid-answer (code ${code ?? 'unknown'})`), {
    code: 'ECONNRESET',
  })
}

/** Fields of one connection have no place in HTTP/2; names are lower case; the host is :authority. RFC 9113 §8.2, §8.3. */
const left = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'http2-settings',
])

function http2Headers(request: ForwardRequest): http2.OutgoingHttpHeaders {
  const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? request.origin.host
  return {
    ':method': request.method,
    ':path': request.target,
    ':scheme': request.origin.protocol.slice(0, -1),
    ':authority': host,
    ...groupFields(request.headers.filter(([name]) => !left.has(name.toLowerCase()))),
  }
}

/** Values of a repeated field stand together: the only place where HTTP/2 forwards less than the wire order. */
function groupFields(headers: HeaderList): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const known = fields[key]
    fields[key] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value]
  }
  return fields
}
