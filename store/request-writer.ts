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
import { createRecentBodies, keepBytes, type Parent, type RecentBodies } from './recent.ts'
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
      const ids = [...bodies().listRequestPieces(seq)]
      const body = bodies().readRequest(seq)
      const stored = keepBytes(body.bytes, null)
      const sent = body.masked.length === 0 && body.decodedFrom === null ? stored : null
      const ends = sumEnds(ids.map(id => bodies().pieces.read(id).length))
      recent.add(scopeId, { seq, depth, sent, stored, ids, ends, secrets: [], ranges: body.masked, snapshots: [] }, null)
    }
  }
  return {
    forget: recent.forget,
    write: input => {
      if (input.body.length < bodyBytesMin) return writeSmall(pieces, input)
      if (!recent.has(input.scopeId)) reload(input.scopeId)
      return writeLarge(pieces, recent, input)
    },
  }
}

function writeLarge(pieces: PieceWriter, recent: RecentBodies, input: RequestInput): RequestColumns {
  const { scopeId, secrets, body: sent } = input
  const sentParent = recent.findParent(scopeId, sent, 'sent')
  const masked = maskSent(input, sentParent)
  // Without an earlier body as sent, or with one that is stored decoded, the stored forms are compared.
  const isByStored = masked.decodedFrom !== null || sentParent === null
  const parent = isByStored ? recent.findParent(scopeId, masked.bytes, 'stored') : shortenForMasks(sentParent, masked, secrets)
  const reuse = findReuse(parent, masked.bytes)
  const cuts = cutBody(masked.bytes, { from: reuse.from, to: reuse.to, insideArray: reuse.from > 0 })
  const fresh = putPieces(pieces, scopeId, masked.bytes, reuse.from, cuts)
  const list = joinLists(parent, reuse, { ids: fresh, ends: cuts }, masked.bytes.length)
  const link = linkRecipe(parent, reuse, fresh, list.ids)
  const hashed = hashBody(sent, sentParent, masked.decodedFrom === null ? findAnchors(list.ends, reuse) : [])
  const replaced = parent && continues(parent) ? parent : null
  // The body is a slice of the tick's bytes, which are gone after this.
  const kept = keepBytes(sent, isByStored ? null : replaced)
  const stored = masked.bytes === sent ? kept : masked.bytes
  const common = { seq: input.seq, depth: link.depth, secrets, ranges: masked.ranges, snapshots: hashed.snapshots }
  recent.add(scopeId, { ...common, ...list, sent: kept, stored }, replaced?.body ?? null)
  return { ...link, ...describeMasked(sent, masked), sentSha256: hashed.digest }
}

/** Too small to be cut: nothing of it is looked for in other bodies, or by them. */
function writeSmall(pieces: PieceWriter, input: RequestInput): RequestColumns {
  const masked = maskSent(input, null)
  const sentSha256 = digestOf(input.body)
  const described = describeMasked(input.body, masked)
  const sha256 = (described.storedSha256 ?? sentSha256).toString('hex')
  const ids = masked.bytes.length === 0 ? [] : [pieces.put(masked.bytes, input.scopeId, sha256)]
  return { base: null, depth: 0, recipe: writeRecipe({ keepFront: 0, keepBack: 0, ids }), ...described, sentSha256 }
}

interface MaskedRequest extends MaskedBody {
  readonly decodedFrom: string | null
}

function describeMasked(
  sent: Buffer,
  { bytes, ranges, decodedFrom }: MaskedRequest,
): Pick<RequestColumns, 'bytesSent' | 'bytesStored' | 'storedSha256' | 'ranges' | 'decodedFrom'> {
  const storedSha256 = bytes === sent ? null : digestOf(bytes)
  return { bytesSent: sent.length, bytesStored: bytes.length, storedSha256, ranges, decodedFrom }
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

function maskSent({ body, encoding, secrets }: RequestInput, parent: Parent | null): MaskedRequest {
  const encoded = maskEncoded(body, encoding, secrets)
  if (encoded) return { ...encoded, decodedFrom: encoding }
  const known = parent?.body.secrets
  const isSameSecrets = known?.length === secrets.length && known.every((secret, at) => secret === secrets[at])
  const masked = parent && isSameSecrets ? maskRest(body, secrets, parent.prefix, parent.body.ranges) : maskBody(body, secrets)
  return { ...masked, decodedFrom: null }
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
