// From a request to the recorded exchange that answers it: looks it up on the shelf of whoever asks and marks it as used. Decides by the
// rules of match.ts; plays nothing.

import { hash } from 'node:crypto'
import type { HeaderList, Json } from '../../core/types.ts'
import type { ForwardedExchange } from '../forward.ts'
import { headerValue } from '../headers.ts'
import { readFingerprint } from './fingerprint.ts'
import type { ShelfView } from './library.ts'
import { type Match, type Matchable, matchBytes, matchMeaning, matchRepeat } from './match.ts'
import { handshakeMethod, parseBody, type Shelved, withoutCredentials } from './shelf.ts'

/** A request as far as it is matched: one over HTTP, a handshake, or a message on a WebSocket. */
export type AskedExchange = Omit<ForwardedExchange, 'id' | 'route'>

/**
 * Marks what it finds as used in the same tick as it finds it: requests come at once. `isGone`: the agent has left, and one that
 * has left uses nothing up. Null: nothing on record answers it.
 */
export async function findMatch(exchange: AskedExchange, view: ShelfView, isGone: () => boolean): Promise<Match<Shelved> | null> {
  const { method, path, protocol, body } = exchange
  const asked = describeAsked(exchange)
  const entries = view.shelf.entries(method, path)
  const unused = (): readonly Shelved[] => entries.filter(entry => !view.used.has(entry))
  const isProbe = (method === 'GET' || method === 'HEAD' || method === handshakeMethod) && body.length === 0
  let match = matchBytes(asked, unused()) ?? (isProbe ? matchRepeat(asked, entries) : null)
  if (match === null && entries.length > 0) {
    await view.shelf.readPrints(method, path)
    if (isGone()) return null
    match = matchMeaning(asked, readFingerprint(readAsked(exchange), protocol, exchange), unused(), view.shelf.printOf)
  }
  if (match === null || isGone()) return null
  view.used.add(match.candidate)
  return match
}

function describeAsked({ protocol, query, body, turn, attempt }: AskedExchange): Matchable {
  return {
    protocol: protocol?.id ?? null,
    query: withoutCredentials(query),
    bodySha256: hash('sha256', body, 'hex'),
    turn,
    attempt,
  }
}

/** The body as JSON. The headers of a message on a WebSocket are those of its handshake, which had no body. */
export function readAsked({ method, body, headers }: AskedExchange): Json | undefined {
  return parseBody(body, method === 'WS' ? null : headerValue(headers, 'content-encoding'))
}

/** Tells a replayed answer from a provider's, in the agent's log as in the record: nobody is billed for it. */
export function writeMark({ candidate, rule, likeness }: Match<Shelved>): HeaderList {
  const how = rule === 'place' ? `; likeness=${likeness.toFixed(2)}` : ''
  return [['x-turnpike-replay', `${candidate.id}; matched=${rule}${how}`]]
}
