// Gives pieces back by id, loose or packed, on any connection. Unpacked packs and the places of packed pieces are cached within
// bounds: bodies of one conversation live in few packs.

import { TurnpikeError } from '../core/errors.ts'
import { unpack } from './codec.ts'
import type { Sqlite } from './database.ts'

/** About as much as 64 whole packs. */
const packCacheBytesMax = 32 * 1024 * 1024

/** 100,000 places are about 10 MB. */
const placesMax = 100_000

interface Place {
  readonly pack: number
  readonly offset: number
  readonly bytes: number
}

export interface PieceReader {
  readonly read: (id: number) => Buffer
  readonly readAll: (ids: ArrayLike<number>) => Buffer
}

export function createPieceReader(database: Sqlite): PieceReader {
  const selectPlace = database.prepare('SELECT pack_id AS pack, offset, bytes FROM pieces WHERE id = ?')
  const selectLoose = database.prepare('SELECT data FROM loose WHERE id = ?').pluck()
  const readPack = createPackReader(database)
  const places = new Map<number, Place>()

  const findPlace = (id: number): Place | null => {
    const known = places.get(id)
    if (known) return known
    const place = selectPlace.get(id) as Place | undefined
    if (!place) return null
    if (places.size >= placesMax) places.clear()
    places.set(id, place)
    return place
  }
  const read = (id: number): Buffer => {
    const place = findPlace(id)
    if (place) return cut(id, readPack(place.pack), place)
    const loose = selectLoose.get(id) as Buffer | undefined
    if (loose) return loose
    // Packed between the two looks.
    const moved = findPlace(id)
    if (!moved) throw new TurnpikeError('E_STORE_CORRUPT', `piece ${id} is missing`)
    return cut(id, readPack(moved.pack), moved)
  }

  return {
    read,
    readAll: ids => {
      const only = ids.length === 1 ? ids[0] : undefined
      return only === undefined ? Buffer.concat(Array.from(ids, read)) : read(only)
    },
  }
}

function cut(id: number, pack: Buffer, { offset, bytes }: Place): Buffer {
  if (offset + bytes > pack.length) throw new TurnpikeError('E_STORE_CORRUPT', `piece ${id} reaches beyond its pack`)
  return pack.subarray(offset, offset + bytes)
}

function createPackReader(database: Sqlite): (id: number) => Buffer {
  const select = database.prepare('SELECT codec, bytes, data FROM packs WHERE id = ?')
  const cache = new Map<number, Buffer>()
  let cachedBytes = 0
  return id => {
    const cached = cache.get(id)
    if (cached) {
      // Maps keep the order of insertion: moving a hit to the end makes the first entry the least recently used.
      cache.delete(id)
      cache.set(id, cached)
      return cached
    }
    const row = select.get(id) as { codec: number; bytes: number; data: Buffer } | undefined
    if (!row) throw new TurnpikeError('E_STORE_CORRUPT', `pack ${id} is missing`)
    const bytes = unpack(row, row.bytes)
    cache.set(id, bytes)
    cachedBytes += bytes.length
    for (const [oldest, pack] of cache) {
      if (cachedBytes <= packCacheBytesMax || oldest === id) break
      cache.delete(oldest)
      cachedBytes -= pack.length
    }
    return bytes
  }
}
