// An exchange without its texts: bodies, headers, address and names as filler, so that a recording can be shared or become a fixture.
// Sizes, times, usage, models, tools and who follows whom stay. Whatever is not known to be structure goes.

import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { undoEncodings } from '../../core/encodings.ts'
import type { Exchange, HeaderList } from '../../core/types.ts'
import { findProtocol } from '../../protocols/_all.ts'
import { findFraming } from '../../protocols/_framings.ts'
import { readHeader } from '../bodies.ts'
import type { ExportedBody, ExportedExchange } from '../exports/_adapter.ts'
import { createFiller, type Filler } from './scrub-filler.ts'
import { type ScrubContext, scrubJson } from './scrub-json.ts'
import { scrubStream } from './scrub-stream.ts'
import { isNameKey, isPathWord, isQueryWord, isStructuralHeader } from './scrub-words.ts'

export interface Scrubber {
  readonly scrub: (exported: ExportedExchange) => ExportedExchange
}

/** Without a seed, filler of another export is other filler. */
export function createScrubber(seed: string | null): Scrubber {
  const filler = createFiller(seed)
  return { scrub: exported => scrubExchange(exported, filler) }
}

function scrubExchange(exported: ExportedExchange, filler: Filler): ExportedExchange {
  const { exchange } = exported
  // Of traffic that no protocol claims, no word is known to be structure.
  const context = exchange.protocol === null ? 'content' : 'protocol'
  const request = scrubBody(exported.request, exchange.requestHeaders, context, filler)
  const response = scrubBody(exported.response, exchange.responseHeaders, context, filler)
  const { failure, providerRequestId } = exchange
  return {
    scopeName: filler.id(exported.scopeName),
    request,
    response,
    // Bytes of a compressed answer arrived at times that mean nothing for the plain one.
    arrivals: response?.bytes.length === exported.response?.bytes.length ? exported.arrivals : [],
    scrubbed: true,
    exchange: {
      ...exchange,
      id: scrubUlid(exchange.id, filler),
      path: scrubPath(exchange, filler),
      query: scrubQuery(exchange.query, filler),
      requestHeaders: scrubHeaders(exchange.requestHeaders, request, filler),
      responseHeaders: exchange.responseHeaders === null ? null : scrubHeaders(exchange.responseHeaders, response, filler),
      providerRequestId: providerRequestId === null ? null : filler.id(providerRequestId),
      failure: failure === null ? null : { code: failure.code, message: filler.text(failure.message) },
    },
  }
}

function scrubBody(
  body: ExportedBody | null,
  headers: HeaderList | null,
  context: ScrubContext,
  filler: Filler,
): ExportedBody | null {
  if (body === null) return null
  const undone = undoEncodings(body.bytes, body.decodedFrom === null ? readHeader(headers, 'content-encoding') : null)
  const bytes = 'reason' in undone ? hide(body.bytes) : scrubBytes(undone.bytes, headers, context, filler)
  return { bytes, sentSha256: createHash('sha256').update(bytes).digest('hex'), masked: [], decodedFrom: null }
}

/** Bytes that cannot be read as text. */
function hide(bytes: Buffer): Buffer {
  return Buffer.alloc(bytes.length, '*')
}

function scrubBytes(bytes: Buffer, headers: HeaderList | null, context: ScrubContext, filler: Filler): Buffer {
  if (bytes.length === 0) return bytes
  const framing = findFraming(readHeader(headers, 'content-type'), bytes)
  if (framing !== null) return scrubStream(framing, bytes, context, filler)
  if (!isUtf8(bytes)) return hide(bytes)
  const text = bytes.toString('utf8')
  const scrubbed = scrubJson(text, context, filler)
  if (scrubbed !== null) return Buffer.from(scrubbed)
  // Lines of JSON, or plain text.
  return Buffer.from(text.replace(/[^\n]+/g, line => scrubJson(line, context, filler) ?? filler.text(line)))
}

/** A body that was decoded says so no more, and its length is its own. */
function scrubHeaders(headers: HeaderList, body: ExportedBody | null, filler: Filler): HeaderList {
  return headers.flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    const named = isNameKey(name) ? name : filler.text(name)
    if (lower === 'content-encoding') return []
    if (lower === 'content-length' && body !== null) return [[named, String(body.bytes.length)] as const]
    return [[named, isStructuralHeader(name) ? value : filler.id(value)] as const]
  })
}

/** Still claimed by the protocol that claimed it before. */
function scrubPath({ method, path, protocol }: Exchange, filler: Filler): string {
  const segments = path.split('/')
  const scrubbed = segments
    .map((segment, at) => (isPathWord(segment, segments[at - 1] ?? '') ? segment : filler.id(segment)))
    .join('/')
  return (findProtocol(method, scrubbed)?.id ?? null) === protocol ? scrubbed : path
}

function scrubQuery(query: string, filler: Filler): string {
  return query
    .split('&')
    .map(pair => {
      const cut = pair.indexOf('=')
      const name = cut < 0 ? pair : pair.slice(0, cut)
      const value = cut < 0 ? '' : pair.slice(cut + 1)
      const named = isNameKey(name) || name === '' ? name : filler.text(name)
      return cut < 0 ? named : `${named}=${isQueryWord(value) ? value : filler.id(value)}`
    })
    .join('&')
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** When it was stays; that the recording in somebody's store is this one does not. */
function scrubUlid(id: string, filler: Filler): string {
  const hash = createHash('sha256')
    .update(filler.id(`${id} exchange`))
    .digest()
  return id.slice(0, 10) + [...hash.subarray(0, 16)].map(byte => alphabet.charAt(byte % 32)).join('')
}
