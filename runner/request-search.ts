// Looks for texts in the requests that an agent has sent, one after the other. A request repeats most of an earlier one: where the record holds both
// in parts, only what is new is read again. What it says is what a search of the whole body would say.

import { readEncoding, undoEncodings } from '../core/encodings.ts'
import type { Exchange } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { createTextFinder, type TextFinder } from './text-finder.ts'

export type RequestStore = Pick<Store, 'readRequestPieces' | 'readPiece'>

export interface RequestSearch {
  /** They are looked for from now on. None may be shorter than `textBytesMin`. */
  readonly add: (texts: readonly string[]) => void
  /** Those of the texts that stand in the bytes. */
  readonly findIn: (bytes: Uint8Array) => ReadonlySet<string>
  /** Those of the texts that stand in the exchange's request. */
  readonly search: (store: RequestStore, exchange: Exchange) => Promise<ReadonlySet<string>>
}

interface Hit {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** A request that has been looked through. */
interface Searched {
  readonly ids: Uint32Array
  /** Bytes of each piece. */
  readonly sizes: Uint32Array
  readonly hits: readonly Hit[]
}

/** An agent may lead several conversations at a time. */
const rememberedMax = 4

/** A request with more is not remembered: it is made to be full of them. */
const hitsMax = 10_000

export function createRequestSearch(): RequestSearch {
  const finder = createTextFinder()
  let remembered: Searched[] = []
  let longest = 0
  return {
    add: texts => {
      for (const text of texts) {
        longest = Math.max(longest, Buffer.byteLength(text))
        // It has not been looked for in these.
        if (finder.add(text)) remembered = []
      }
    },
    findIn: bytes => findTexts(finder, bytes),
    search: async (store, exchange) => {
      const { ids, decodedFrom } = await store.readRequestPieces(exchange.id)
      const encoding = decodedFrom === null ? readEncoding(exchange.requestHeaders) : null
      if (encoding !== null) return findTexts(finder, undo(Buffer.concat(await readAll(store, ids)), encoding))
      const like = findLike(remembered, ids)
      const searched = await searchParts({ store, finder, around: longest - 1, ids }, like)
      remembered = [searched, ...remembered.filter(each => each !== like.base)].slice(0, rememberedMax)
      if (searched.hits.length > hitsMax) remembered = []
      return new Set(searched.hits.map(hit => hit.text))
    },
  }
}

function findTexts(finder: TextFinder, bytes: Uint8Array): Set<string> {
  const found = new Set<string>()
  finder.find(bytes, text => found.add(text))
  return found
}

function undo(bytes: Buffer, encoding: string): Buffer {
  const plain = undoEncodings(bytes, encoding)
  return 'bytes' in plain ? plain.bytes : bytes
}

interface Like {
  readonly base: Searched
  /** Pieces that both have at their front and, beyond those, at their end. */
  readonly front: number
  readonly back: number
}

const nothing: Searched = { ids: new Uint32Array(), sizes: new Uint32Array(), hits: [] }

function findLike(remembered: readonly Searched[], ids: Uint32Array): Like {
  let best: Like = { base: nothing, front: 0, back: 0 }
  for (const base of remembered) {
    const most = Math.min(base.ids.length, ids.length)
    let front = 0
    while (front < most && base.ids[front] === ids[front]) front++
    let back = 0
    while (back < most - front && base.ids.at(-1 - back) === ids.at(-1 - back)) back++
    if (front + back > best.front + best.back) best = { base, front, back }
  }
  return best
}

interface Parts {
  readonly store: RequestStore
  readonly finder: TextFinder
  /** Bytes on either side of what is new that a text with a part in it may take. */
  readonly around: number
  readonly ids: Uint32Array
}

async function searchParts({ store, finder, around, ids }: Parts, { base, front, back }: Like): Promise<Searched> {
  const behind = ids.length - back
  const fresh = await readAll(store, ids.subarray(front, behind))
  const baseBehind = base.sizes.length - back
  const sizes = new Uint32Array(ids.length)
  sizes.set(base.sizes.subarray(0, front))
  for (const [at, piece] of fresh.entries()) sizes[front + at] = piece.length
  sizes.set(base.sizes.subarray(baseBehind), behind)
  const [frontEnds, backBegins] = [sum(sizes.subarray(0, front)), sum(sizes.subarray(0, behind))]
  const baseBackBegins = sum(base.sizes.subarray(0, baseBehind))
  const moved = backBegins - baseBackBegins
  const hits = base.hits.flatMap(hit => {
    if (hit.end <= frontEnds) return [hit]
    return hit.start >= baseBackBegins ? [{ text: hit.text, start: hit.start + moved, end: hit.end + moved }] : []
  })
  const before = await readUpTo(store, ids.slice(Math.max(0, front - around), front).reverse(), around)
  const after = await readUpTo(store, ids.subarray(behind), around)
  const text = Buffer.concat([...before.reverse(), ...fresh, ...after])
  const begins = frontEnds - before.reduce((bytes, piece) => bytes + piece.length, 0)
  finder.find(text, (found, at) => {
    const [start, end] = [begins + at, begins + at + Buffer.byteLength(found)]
    if (end > frontEnds && start < backBegins) hits.push({ text: found, start, end })
  })
  return { ids, sizes, hits }
}

const sum = (sizes: Uint32Array): number => sizes.reduce((all, size) => all + size, 0)

async function readAll(store: RequestStore, ids: Iterable<number>): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for (const id of ids) pieces.push(await store.readPiece(id))
  return pieces
}

/** As many of them as have that many bytes. */
async function readUpTo(store: RequestStore, ids: Iterable<number>, bytes: number): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let left = bytes
  for (const id of ids) {
    if (left <= 0) break
    const piece = await store.readPiece(id)
    pieces.push(piece)
    left -= piece.length
  }
  return pieces
}
