// The exchanges of one recording by their address, with what they are matched by. Keeps addresses, hashes and fingerprints;
// bodies stay in the store and are read one at a time, and only for addresses where equal bytes are not enough.

import { undoEncodings } from '../../core/encodings.ts'
import { addTo } from '../../core/groups.ts'
import type { Exchange, Json } from '../../core/types.ts'
import { protocolById } from '../../protocols/_all.ts'
import type { Store, StoredBody } from '../../store/_adapter.ts'
import { headerValue } from '../headers.ts'
import { type Fingerprint, readFingerprint } from './fingerprint.ts'
import type { Matchable } from './match.ts'
import { compareSketches, type Sketch } from './sketch.ts'

/** A recorded exchange, without what can be read again. */
export interface Shelved extends Matchable {
  readonly id: string
  readonly method: string
  readonly path: string
  /** Content-encoding of the request body as stored. */
  readonly encoding: string | null
}

export interface Shelf {
  /** In recorded order. Where nothing was recorded at a path, what was recorded at one that differs in its UUIDs only: ids of sessions. */
  readonly entries: (method: string, path: string) => readonly Shelved[]
  /** How many were recorded at each `METHOD path`. */
  readonly addresses: () => ReadonlyMap<string, number>
  /** Reads the fingerprints of one address; afterwards `printOf` knows them. */
  readonly readPrints: (method: string, path: string) => Promise<void>
  readonly printOf: (entry: Shelved) => Fingerprint | null
  readonly readJson: (entry: Shelved) => Promise<Json | undefined>
  readonly size: number
}

export function createShelf(store: Store, exchanges: readonly Exchange[]): Shelf {
  const byAddress = new Map<string, Shelved[]>()
  const byShape = new Map<string, Shelved[]>()
  // What is still running has no end to replay.
  const ended = exchanges.filter(exchange => exchange.outcome !== 'in-flight')
  for (const exchange of ended) {
    const entry = shelve(exchange)
    // Word of a provider that nobody asked for answers nothing.
    if (entry.method === 'WS' && exchange.requestBytes === 0) continue
    const address = `${entry.method} ${entry.path}`
    addTo(byAddress, address, entry)
    addTo(byShape, withoutUuids(address), entry)
  }
  const prints = new Map<string, Fingerprint | null>()
  const reading = new Map<string, Promise<void>>()
  const entriesOf = (method: string, path: string): readonly Shelved[] => {
    const address = `${method} ${path}`
    return byAddress.get(address) ?? byShape.get(withoutUuids(address)) ?? []
  }
  const readJson = async (entry: Shelved): Promise<Json | undefined> => {
    const body = await store.readBody(entry.id, 'request')
    return body === null ? undefined : parseStored(body, entry.encoding)
  }
  const share = createSharing()
  const readAll = async (entries: readonly Shelved[]): Promise<void> => {
    for (const entry of entries) prints.set(entry.id, share(readPrint(entry, await readJson(entry))))
  }
  return {
    entries: entriesOf,
    addresses: () => new Map([...byAddress].map(([address, entries]) => [address, entries.length])),
    readPrints: (method, path) => {
      const known = reading.get(`${method} ${path}`) ?? readAll(entriesOf(method, path))
      reading.set(`${method} ${path}`, known)
      return known
    },
    printOf: entry => prints.get(entry.id) ?? null,
    readJson,
    size: ended.length,
  }
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const withoutUuids = (address: string): string => address.replace(uuid, '*')

/** A GET that opened a WebSocket answers no other GET. */
export const handshakeMethod = 'GET (WebSocket)'

function shelve(exchange: Exchange): Shelved {
  const { id, path, protocol, query, requestSha256, turn, attempt, requestHeaders } = exchange
  return {
    id,
    method: exchange.status === 101 ? handshakeMethod : exchange.method,
    path,
    protocol,
    query: withoutCredentials(query),
    bodySha256: requestSha256,
    turn,
    attempt,
    encoding: exchange.method === 'WS' ? null : headerValue(requestHeaders, 'content-encoding'),
  }
}

function readPrint(entry: Shelved, body: Json | undefined): Fingerprint | null {
  const protocol = entry.protocol === null ? null : protocolById(entry.protocol)
  return readFingerprint(body, protocol, { path: entry.path, query: entry.query })
}

/** The calls of a conversation have the same system text and tools: each sketch is kept once. */
function createSharing(): (print: Fingerprint | null) => Fingerprint | null {
  const known = new Map<string, Sketch>()
  const shared = (sketch: Sketch): Sketch => {
    const key = `${sketch.whole} ${sketch.words.length}`
    const first = known.get(key)
    // Two numbers may meet by accident, all words cannot.
    if (first !== undefined) return compareSketches(first, sketch) === 1 ? first : sketch
    known.set(key, sketch)
    return sketch
  }
  return print => {
    if (print === null || print.place === null) return print
    const { place } = print
    return { ...print, place: { ...place, tools: shared(place.tools), system: shared(place.system) } }
  }
}

function parseStored(body: StoredBody, encoding: string | null): Json | undefined {
  return parseBody(body.bytes, body.decodedFrom === null ? encoding : null)
}

/** Undefined for what is no JSON, or in an encoding that is not undone here. */
export function parseBody(bytes: Uint8Array, encoding: string | null): Json | undefined {
  const plain = undoEncodings(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), encoding)
  if ('reason' in plain) return undefined
  try {
    return JSON.parse(plain.bytes.toString('utf8')) as Json
  } catch {
    return undefined
  }
}

const credentialParameter = /(?:^|&)(?:key|api_key|apikey|access_token|token|x-amz-[a-z-]+)=[^&]*/gi

/** Credentials are masked in the record and may be others today; parameters have no order. */
export function withoutCredentials(query: string): string {
  return query.replace(credentialParameter, '').split('&').filter(Boolean).sort().join('&')
}
