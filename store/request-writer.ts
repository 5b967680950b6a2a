// Turns a request body into pieces and a recipe, doing work only for what is new since the conversation's last request: beginning
// and end that are equal to an earlier body are neither searched for secrets, cut, hashed nor looked up again.

import type { MaskedRange } from './_adapter.ts'
import type { BodyReader } from './bodies.ts'
import { hashBody } from './body-hash.ts'
import { bodyBytesMin, cutBody } from './cut.ts'
import type { Sqlite } from './database.ts'
import { digestOf } from './digest.ts'
import { longestSecret, type MaskedBody, maskBody, maskEncoded, maskRest } from './masking.ts'
import type { PieceWriter } from './piece-writer.ts'
import { createRecentBodies, type Parent } from './recent.ts'
import { writeRecipe } from './recipe.ts'
import { findAnchors, findReuse, joinLists, type Reuse, sumEnds } from './reuse.ts'

/** After so many changes a whole list is written: reading never follows a longer chain. */
const depthMax = 127

/** Bodies found again after a restart, per conversation. */
const reloadedMax = 4

export interface RequestInput {
  readonly seq: number
  readonly scopeId: string
  readonly body: Buffer
  readonly encoding: string | null
  readonly secrets: readonly string[]
}

export interface RequestColumns {
  readonly base: number | null
  readonly depth: number
  readonly recipe: Buffer
  readonly bytesSent: number
  readonly bytesStored: number
  readonly sentSha256: Buffer
  readonly storedSha256: Buffer | null
  readonly ranges: readonly MaskedRange[]
  readonly decodedFrom: string | null
}

export interface RequestWriter {
  readonly write: (input: RequestInput) => RequestColumns
  readonly forget: () => void
}

export function createRequestWriter(database: Sqlite, pieces: PieceWriter, bodies: () => BodyReader): RequestWriter {
  const recent = createRecentBodies()
  const selectNewest = database.prepare(
    'SELECT seq, depth FROM exchanges WHERE scope IN (SELECT id FROM scopes WHERE name = ?) AND bytes_stored >= ? ORDER BY seq DESC LIMIT ?',
  )
  const reload = (scopeId: string): void => {
    const newest = selectNewest.all(scopeId, bodyBytesMin, reloadedMax) as Array<{ seq: number; depth: number }>
    for (const { seq, depth } of newest.reverse()) {
      const ids = bodies().listRequestPieces(seq)
      const body = bodies().readRequest(seq)
      const sent = body.masked.length === 0 && body.decodedFrom === null ? body.bytes : null
      const ends = sumEnds(ids.map(id => bodies().pieces.read(id).length))
      recent.add(
        scopeId,
        { seq, depth, sent, stored: body.bytes, ids, ends, secrets: [], ranges: body.masked, snapshots: [] },
        null,
      )
    }
  }
  return {
    forget: recent.forget,
    write: input => {
      const { scopeId, secrets } = input
      if (input.body.length < bodyBytesMin) return writeSmall(pieces, input)
      if (!recent.has(scopeId)) reload(scopeId)
      // A small body may be a slice of a whole tick's bytes, which it must not keep alive.
      const sent = input.body.buffer.byteLength > input.body.length * 2 ? Buffer.from(input.body) : input.body
      const sentParent = recent.findParent(scopeId, sent, 'sent')
      const encoded = maskEncoded(sent, input.encoding, secrets)
      const masked = encoded ?? maskSent(sent, secrets, sentParent)
      const isByStored = encoded !== null || sentParent === null
      const parent = isByStored
        ? recent.findParent(scopeId, masked.bytes, 'stored')
        : shortenForMasks(sentParent, masked, secrets)
      const reuse = findReuse(parent, masked.bytes)
      const cuts = cutBody(masked.bytes, { from: reuse.from, to: reuse.to, insideArray: reuse.from > 0 })
      const fresh = putPieces(pieces, scopeId, masked.bytes, reuse.from, cuts)
      const list = joinLists(parent, reuse, { ids: fresh, ends: cuts }, masked.bytes.length)
      const link = linkRecipe(parent, reuse, fresh, list.ids)
      const hashed = encoded ? hashBody(sent, null, []) : hashBody(sent, sentParent, findAnchors(list.ends, reuse))
      const { seq } = input
      const { snapshots } = hashed
      const body = { seq, depth: link.depth, sent, stored: masked.bytes, ...list, secrets, ranges: masked.ranges, snapshots }
      recent.add(scopeId, body, parent && continues(parent) ? parent.body : null)
      return {
        ...link,
        bytesSent: sent.length,
        bytesStored: masked.bytes.length,
        sentSha256: hashed.digest,
        storedSha256: masked.bytes === sent ? null : digestOf(masked.bytes),
        ranges: masked.ranges,
        decodedFrom: encoded ? input.encoding : null,
      }
    },
  }
}

/** Too small to be cut: nothing of it is looked for in other bodies, or by them. */
function writeSmall(pieces: PieceWriter, { scopeId, body, encoding, secrets }: RequestInput): RequestColumns {
  const encoded = maskEncoded(body, encoding, secrets)
  const masked = encoded ?? maskBody(body, secrets)
  const sentSha256 = digestOf(body)
  const storedSha256 = masked.bytes === body ? null : digestOf(masked.bytes)
  const ids = masked.bytes.length === 0 ? [] : [pieces.put(masked.bytes, scopeId, (storedSha256 ?? sentSha256).toString('hex'))]
  return {
    base: null,
    depth: 0,
    recipe: writeRecipe({ keepFront: 0, keepBack: 0, ids }),
    bytesSent: body.length,
    bytesStored: masked.bytes.length,
    sentSha256,
    storedSha256,
    ranges: masked.ranges,
    decodedFrom: encoded ? encoding : null,
  }
}

/** As a change of the parent's list, or whole when nothing of it is kept or the chain has become long. */
function linkRecipe(
  parent: Parent | null,
  { front, back }: Reuse,
  fresh: readonly number[],
  whole: readonly number[],
): Pick<RequestColumns, 'base' | 'depth' | 'recipe'> {
  if (parent === null || front + back === 0 || parent.body.depth >= depthMax)
    return { base: null, depth: 0, recipe: writeRecipe({ keepFront: 0, keepBack: 0, ids: whole }) }
  const recipe = writeRecipe({ keepFront: front, keepBack: back, ids: fresh })
  return { base: parent.body.seq, depth: parent.body.depth + 1, recipe }
}

/** Nearly all of the parent is the beginning of the new body: the parent will not be continued a second time. */
function continues({ body, prefix }: Parent): boolean {
  return prefix * 10 > body.stored.length * 9
}

function maskSent(sent: Buffer, secrets: readonly string[], parent: Parent | null): MaskedBody {
  const isSameSecrets =
    parent?.body.secrets.length === secrets.length && parent.body.secrets.every((secret, at) => secret === secrets[at])
  return parent && isSameSecrets ? maskRest(sent, secrets, parent.prefix, parent.body.ranges) : maskBody(sent, secrets)
}

/** Bytes equal as sent may differ as stored, where a secret reaches across the end of the equal part or was not known before. */
function shortenForMasks(parent: Parent, masked: MaskedBody, secrets: readonly string[]): Parent {
  if (masked.ranges.length === 0 && parent.body.ranges.length === 0) return parent
  const before = Math.max(0, parent.prefix - Math.max(longestSecret(secrets), longestSecret(parent.body.secrets)))
  const isEqual = masked.bytes.compare(parent.body.stored, 0, before, 0, before) === 0
  return { body: parent.body, prefix: isEqual ? before : 0 }
}

function putPieces(pieces: PieceWriter, scopeId: string, bytes: Buffer, from: number, cuts: readonly number[]): number[] {
  let start = from
  return cuts.map(end => {
    const id = pieces.put(bytes.subarray(start, end), scopeId)
    start = end
    return id
  })
}
