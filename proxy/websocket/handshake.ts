// What an agent's upgrade says, and the same upgrade as its upstream gets it. Pure. Never lets a trial's token reach a provider.

import type http from 'node:http'
import { TurnpikeError } from '../../core/errors.ts'
import type { EpochMs, HeaderList, JsonObject } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'
import { findRoute } from '../../protocols/_all.ts'
import type { Addressed } from '../attribute.ts'
import { attribute, tokenPrefix } from '../attribute.ts'
import { headerValue, pairHeaders, upstreamHeaders } from '../headers.ts'
import type { Intercepted } from '../intercept/intercept.ts'
import type { Route } from '../routes.ts'
import type { ResolvedScope } from '../scopes.ts'
import { credentialsToDrop, queryFor } from '../upstream-request.ts'
import type { LinkRequest } from './link.ts'

/** An upgrade that has arrived. */
export interface Handshake {
  readonly id: string
  readonly startedAt: EpochMs
  readonly headers: HeaderList
  readonly addressed: Addressed
  /** The protocol its messages speak; null when none claims messages on this path. */
  readonly protocol: ProtocolAdapter | null
  readonly subprotocols: readonly string[]
  /** permessage-deflate was offered. */
  readonly compression: boolean
  /** The host an intercepted upgrade was meant for; absent for those to the proxy itself. */
  readonly origin?: URL
}

export function readHandshake(
  request: http.IncomingMessage,
  id: string,
  startedAt: EpochMs,
  intercepted: Intercepted | null = null,
): Handshake {
  const headers = pairHeaders(request.rawHeaders)
  const addressed = intercepted?.addressed ?? attribute(request.url ?? '/', headers)
  const found = findRoute('WS', addressed.path)
  const speaks = found?.purpose === 'generate' && found.protocol.framings.includes('websocket')
  return {
    id,
    startedAt,
    headers,
    addressed,
    protocol: speaks ? found.protocol : null,
    ...(intercepted === null ? {} : { origin: intercepted.origin }),
    subprotocols: listOf(headers, 'sec-websocket-protocol'),
    compression: listOf(headers, 'sec-websocket-extensions').some(offer => /^permessage-deflate\s*(;|$)/i.test(offer)),
  }
}

function listOf(headers: HeaderList, wanted: string): string[] {
  return headers
    .filter(([name]) => name.toLowerCase() === wanted)
    .flatMap(([, value]) => value.split(','))
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
}

export function isWebSocketUpgrade(request: http.IncomingMessage): boolean {
  return request.headers.upgrade?.trim().toLowerCase() === 'websocket'
}

/** Why it is no well-formed upgrade to a WebSocket; null when it is. RFC 6455 §4.2.1. */
export function findFlaw(request: http.IncomingMessage): TurnpikeError | null {
  const flaw = (what: string): TurnpikeError => new TurnpikeError('E_BAD_REQUEST', `the upgrade to a WebSocket ${what}`)
  const { headers } = request
  if (request.method !== 'GET') return flaw(`must be a GET, got ${request.method}`)
  if (headers['transfer-encoding'] !== undefined || !/^(0+)?$/.test(headers['content-length'] ?? ''))
    return flaw('carries a body')
  if (headers['sec-websocket-version'] !== '13')
    return flaw(`asks for version ${headers['sec-websocket-version'] ?? 'none'}; 13 is spoken`)
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return flaw('lacks a proper sec-websocket-key')
  return null
}

/** The model is not known before the first message, but some callers name it beforehand: in the query, or in a header of their own. */
export function modelOf({ addressed, headers }: Handshake): string | null {
  const inQuery = addressed.query === '' ? null : new URLSearchParams(addressed.query).get('model')
  if (inQuery) return inQuery
  try {
    const metadata = JSON.parse(headerValue(headers, 'x-codex-turn-metadata') ?? 'null') as JsonObject | null
    const model = metadata?.['model']
    return typeof model === 'string' && model !== '' ? model : null
  } catch {
    return null // whatever it is, it is for the provider
  }
}

export function linkRequest(handshake: Handshake, resolved: ResolvedScope, route: Route): LinkRequest {
  const { id, headers, addressed, protocol, compression } = handshake
  const { path, query } = addressed
  const { scope, turn, attempt, ownKey } = resolved
  const upstreamQuery = ownKey ? queryFor(query, route) : query
  const rest = headers.filter(([name]) => !name.toLowerCase().startsWith('sec-websocket-'))
  return {
    exchange: { id, scope, turn, attempt, protocol, route: route.name, method: 'GET', path, query, headers, body: noBody },
    origin: route.origin,
    target: route.targetOf(path) + (upstreamQuery === '' ? '' : `?${upstreamQuery}`),
    headers: upstreamHeaders(rest, {
      host: route.origin.host,
      drop: [...(ownKey ? credentialsToDrop(rest, route) : []), 'x-turnpike-session'],
      add: [...(ownKey ? route.credential : []), ...route.headers],
      contentLength: null,
    }),
    subprotocols: handshake.subprotocols.filter(name => !ownKey || !name.includes(tokenPrefix)),
    compression,
  }
}

const noBody = new Uint8Array(0)
