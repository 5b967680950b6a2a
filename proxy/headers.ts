// Header lists on their way through: wire order, case and duplicates are kept; only what belongs to one hop (connection
// management, host, the caller's credential where the proxy has its own) is changed. Pure.

import type { HeaderList } from '../core/types.ts'

/** Fields that describe one connection, not the message. RFC 9110 §7.6.1; `transfer-encoding` is handled by the framing code. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'expect',
  'host',
])

/** Node's flat [name, value, name, value …] as pairs. */
export function pairHeaders(raw: readonly string[]): HeaderList {
  const pairs: Array<readonly [string, string]> = []
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] ?? '', raw[at + 1] ?? ''])
  return pairs
}

export function flattenHeaders(headers: HeaderList): string[] {
  return headers.flat()
}

/**
 * Trailers as the record keeps them: behind the header fields, under `trailer:<name>`. No header field can have a colon in its name.
 */
export function recordedTrailers(trailers: HeaderList): HeaderList {
  return trailers.map(([name, value]) => [`trailer:${name}`, value] as const)
}

/** The first value of a field, name in lower case; null when absent. */
export function headerValue(headers: HeaderList, name: string): string | null {
  for (const [key, value] of headers) if (key.length === name.length && key.toLowerCase() === name) return value
  return null
}

export interface UpstreamHeaders {
  readonly host: string
  /** Lower-case names to leave out: the caller's credentials when the proxy presents its own. */
  readonly drop: readonly string[]
  readonly add: HeaderList
  /** Set when the body's length changed on the way (a renamed model). */
  readonly contentLength: number | null
}

/** What the upstream gets: the caller's fields but for the hop's, with host first as clients send it. */
export function upstreamHeaders(headers: HeaderList, change: UpstreamHeaders): HeaderList {
  const listed = connectionTokens(headers)
  const kept: Array<readonly [string, string]> = [['Host', change.host]]
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (hopByHop.has(lower) || listed.has(lower) || change.drop.includes(lower)) continue
    if (change.contentLength !== null && lower === 'content-length') kept.push([name, String(change.contentLength)])
    else kept.push([name, value])
  }
  return [...kept, ...change.add]
}

/** What the agent gets: the upstream's fields but for the hop's. */
export function downstreamHeaders(headers: HeaderList): HeaderList {
  const listed = connectionTokens(headers)
  return headers.filter(([name]) => {
    const lower = name.toLowerCase()
    return !hopByHop.has(lower) && !listed.has(lower)
  })
}

/** Fields the sender itself declared to be for this hop only. */
function connectionTokens(headers: HeaderList): ReadonlySet<string> {
  const value = headerValue(headers, 'connection')
  if (value === null) return none
  return new Set(
    value
      .toLowerCase()
      .split(',')
      .map(token => token.trim())
      .filter(
        token => token !== 'close' && token !== 'keep-alive' && token !== 'content-length' && token !== 'transfer-encoding',
      ),
  )
}
const none: ReadonlySet<string> = new Set()
