// Puts bodies together again: follows a request's chain of recipes to the whole list of its pieces, reads answers from their
// pieces or, while they run, from the spool. Reading a conversation from its first request to its last is linear in its bytes.

import { hash } from 'node:crypto'
import { TurnpikeError } from '../core/errors.ts'
import type { Arrival, RequestPieces, StoredBody } from './_adapter.ts'
import type { Sqlite } from './database.ts'
import { createPieceReader, type PieceReader } from './piece-reader.ts'
import { applyRecipe, readArrivals, readRanges, readRecipe } from './recipe.ts'

/** Bytes of piece lists kept: enough for the newest few hundred of a session of ten thousand calls. */
const listsBytesMax = 32 * 1024 * 1024

/** What a list costs beside its numbers. */
const listBytes = 256

interface BodyRow {
  readonly recipe: Buffer | null
  readonly bytes_stored: number | null
  readonly sent_sha256: Buffer | null
  readonly stored_sha256: Buffer | null
  readonly masked: Buffer | null
  readonly decoded_from: string | null
}

export interface SpoolRow {
  readonly data: Buffer
  readonly arrivals: Buffer
  readonly masked: Buffer | null
  readonly sent_sha256: Buffer | null
}

export interface BodyReader {
  readonly pieces: PieceReader
  /** Ids of the pieces of a request body, in order. */
  readonly listRequestPieces: (seq: number) => Uint32Array
  readonly readRequestPieces: (seq: number) => RequestPieces
  readonly readRequest: (seq: number) => StoredBody
  /** Null when there is no answer and none has begun. */
  readonly readResponse: (seq: number) => StoredBody | null
  readonly readArrivals: (seq: number) => Arrival[]
  readonly readSpool: (seq: number) => SpoolRow[]
}

export function createBodyReader(database: Sqlite): BodyReader {
  const pieces = createPieceReader(database)
  const columns = 'recipe, bytes_stored, sent_sha256, stored_sha256, masked, decoded_from'
  const selectRequest = database.prepare(`SELECT ${columns} FROM exchanges WHERE seq = ?`)
  const selectResponse = database.prepare(`SELECT ${columns} FROM answers WHERE seq = ?`)
  const selectDecoded = database.prepare('SELECT decoded_from FROM exchanges WHERE seq = ?')
  const selectSpool = database.prepare('SELECT data, arrivals, masked, sent_sha256 FROM spool WHERE seq = ? ORDER BY part')
  const selectArrivals = database
    .prepare('SELECT started_at, arrivals FROM exchanges LEFT JOIN answers USING (seq) WHERE seq = ?')
    .raw()
  const listRequestPieces = createListReader(database)
  const readSpool = (seq: number): SpoolRow[] => selectSpool.all(seq) as SpoolRow[]

  return {
    pieces,
    listRequestPieces,
    readSpool,
    readRequestPieces: seq => {
      const row = selectDecoded.get(seq) as { decoded_from: string | null } | undefined
      return { ids: listRequestPieces(seq), decodedFrom: row?.decoded_from ?? null }
    },
    readRequest: seq => {
      const row = selectRequest.get(seq) as BodyRow | undefined
      if (!row) throw new TurnpikeError('E_STORE_CORRUPT', `exchange number ${seq} is missing`)
      return describeBody(row, pieces.readAll(listRequestPieces(seq)))
    },
    // One snapshot: the answer may be moved out of the spool between two statements.
    readResponse: database.transaction((seq: number) => {
      const row = selectResponse.get(seq) as BodyRow | undefined
      if (row?.recipe) return describeBody(row, pieces.readAll(readRecipe(row.recipe).ids))
      const spooled = readSpool(seq)
      return spooled.length > 0 ? joinSpool(spooled) : null
    }),
    readArrivals: database.transaction((seq: number) => {
      const row = selectArrivals.get(seq) as [number, Buffer | null] | undefined
      if (!row) return []
      const [startedAt, arrivals] = row
      return [...readArrivals(arrivals, startedAt), ...readSpool(seq).flatMap(part => readArrivals(part.arrivals, startedAt))]
    }),
  }
}

function describeBody(row: BodyRow, bytes: Buffer): StoredBody {
  const sent = row.sent_sha256?.toString('hex') ?? ''
  if (bytes.length !== row.bytes_stored)
    throw new TurnpikeError('E_STORE_CORRUPT', `a body has ${bytes.length} bytes instead of ${row.bytes_stored}`)
  return {
    bytes,
    sentSha256: sent,
    storedSha256: row.stored_sha256?.toString('hex') ?? sent,
    masked: readRanges(row.masked),
    decodedFrom: row.decoded_from,
  }
}

/** An answer that is still running, or was cut short by the end of its process. */
export function joinSpool(spooled: readonly SpoolRow[]): StoredBody {
  const bytes = Buffer.concat(spooled.map(part => part.data))
  const storedSha256 = hash('sha256', bytes, 'hex')
  return {
    bytes,
    sentSha256: spooled.at(-1)?.sent_sha256?.toString('hex') ?? storedSha256,
    storedSha256,
    masked: spooled.flatMap(part => readRanges(part.masked)),
    decodedFrom: null,
  }
}

interface Link {
  readonly seq: number
  readonly base: number | null
  readonly recipe: Buffer
}

function createListReader(database: Sqlite): (seq: number) => Uint32Array {
  const select = database.prepare('SELECT seq, base, recipe FROM exchanges WHERE seq = ?')
  const lists = new Map<number, Uint32Array>()
  let listedBytes = 0
  const readLink = (seq: number): Link => {
    const link = select.get(seq) as Link | undefined
    if (!link) throw new TurnpikeError('E_STORE_CORRUPT', `exchange number ${seq}, on which others are based, is missing`)
    // Bases are always older: a damaged one must not lead in circles.
    if (link.base !== null && link.base >= seq)
      throw new TurnpikeError('E_STORE_CORRUPT', `exchange number ${seq} is based on a later one`)
    return link
  }
  const remember = (seq: number, list: Uint32Array): void => {
    lists.set(seq, list)
    listedBytes += list.byteLength + listBytes
    for (const [oldest, { byteLength }] of lists) {
      if (listedBytes <= listsBytesMax || oldest === seq) break
      lists.delete(oldest)
      listedBytes -= byteLength + listBytes
    }
  }
  return seq => {
    const chain: Link[] = []
    let at: number | null = seq
    while (at !== null && !lists.has(at)) {
      const link = readLink(at)
      chain.push(link)
      at = link.base
    }
    let list = (at === null ? undefined : lists.get(at)) ?? new Uint32Array()
    for (const link of chain.reverse()) {
      list = applyRecipe(readRecipe(link.recipe), list)
      remember(link.seq, list)
    }
    return list
  }
}
