// Whose request is it: a trial's token or a session's name in the path, a trial token presented as key, the agent's own
// session header, or nothing. Pure: looks at the request only, resolves nothing.

import type { HeaderList } from '../core/types.ts'
import { headerValue } from './headers.ts'

export type Attribution =
  | { readonly kind: 'token'; readonly token: string }
  | {
      readonly kind: 'session'
      readonly name: string
      readonly source: 'path' | 'header' | 'default'
      readonly agentSession: string | null
    }
  /** `/s/` without a usable name. */
  | { readonly kind: 'invalid'; readonly reason: string }

export interface Addressed {
  readonly attribution: Attribution
  /** Path and query with the attribution prefix removed: what the upstream is asked for. */
  readonly path: string
  readonly query: string
}

/** What the store's trial tokens begin with; keys of providers never do. */
export const tokenPrefix = 'tp_'

/** Session ids real agents send, best first; a sub-agent's session counts as its parent's. */
const sessionHeaders = [
  'x-turnpike-session',
  'x-parent-session-id',
  'x-claude-code-session-id',
  'x-session-id',
  'session-id',
  'session_id',
  'x-grok-conv-group-id',
  'x-grok-session-id',
  'x-request-session-id',
] as const

const prefix = /^\/([ts])\/([^/?]*)/
const sessionName = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,127}$/

export function attribute(url: string, headers: HeaderList): Addressed {
  const cut = url.indexOf('?')
  const fullPath = cut < 0 ? url : url.slice(0, cut)
  const query = cut < 0 ? '' : url.slice(cut + 1)
  const match = prefix.exec(fullPath)
  if (match === null) return { attribution: attributeByHeaders(headers, query), path: fullPath, query }
  const path = fullPath.slice(match[0].length) || '/'
  const name = match[2] ?? ''
  if (match[1] === 't') return { attribution: { kind: 'token', token: name }, path, query }
  return { attribution: attributeByName(name, headers), path, query }
}

/** A session named by its caller, in the path or as the user of the proxy. */
export function attributeByName(encoded: string, headers: HeaderList): Attribution {
  const name = decodeName(encoded)
  if (name === null || !sessionName.test(name))
    return {
      kind: 'invalid',
      reason: `the session name in /s/<name> must match ${sessionName.source}, got "${encoded.slice(0, 80)}"`,
    }
  return { kind: 'session', name, source: 'path', agentSession: agentSessionOf(headers) }
}

function decodeName(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return null // a stray % is a bad name, not a failure of ours
  }
}

function attributeByHeaders(headers: HeaderList, query: string): Attribution {
  const token = presentedKeys(headers, query).find(key => key.startsWith(tokenPrefix))
  if (token !== undefined) return { kind: 'token', token }
  const agentSession = agentSessionOf(headers)
  if (agentSession !== null) return { kind: 'session', name: agentSession, source: 'header', agentSession }
  return { kind: 'session', name: 'default', source: 'default', agentSession: null }
}

/** Kilo marks the title call of a session by a prefix to its id. */
const sideCallMark = /^title-(?=ses_)/

/** The agent's own session id, when it sends one that can serve as a name; a side call's session is that of the conversation it is about. */
export function agentSessionOf(headers: HeaderList): string | null {
  for (const name of sessionHeaders) {
    const value = headerValue(headers, name)?.replace(sideCallMark, '') ?? null
    if (value !== null && sessionName.test(value)) return value
  }
  return null
}

/** Every credential the caller presents, in whichever header or query parameter. */
export function presentedKeys(headers: HeaderList, query: string): string[] {
  const authorization = headerValue(headers, 'authorization')
  const found = [authorization === null ? null : (/^\S+\s+(.+)$/.exec(authorization)?.[1]?.trim() ?? authorization)]
  for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) found.push(headerValue(headers, name))
  // Browsers cannot set headers on a WebSocket: the key stands among its subprotocols.
  found.push(
    /(?:^|[\s,])openai-insecure-api-key\.([^\s,]+)/.exec(headerValue(headers, 'sec-websocket-protocol') ?? '')?.[1] ?? null,
  )
  if (query !== '') {
    const parameters = new URLSearchParams(query)
    for (const name of ['key', 'api_key', 'access_token']) found.push(parameters.get(name))
  }
  return found.filter(key => key !== null && key !== '') as string[]
}
