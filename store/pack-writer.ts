// Writes a pack and the places of its pieces, within the caller's transaction. Used for pieces that were loose, and for many new ones
// at once, which are never loose at all.

import type { Packed } from './codec.ts'
import type { Sqlite } from './database.ts'

export interface PackRow {
  readonly id: number
  readonly hash: Buffer
  readonly data: Buffer
}

/** `rows` in the order of their bytes in the pack; `only` names those whose places are written, absent: all. */
export type PackWriter = (rows: readonly PackRow[], packed: Packed, only?: ReadonlySet<number>) => void

export function createPackWriter(database: Sqlite): PackWriter {
  const insertPack = database.prepare('INSERT INTO packs (codec, bytes, data) VALUES (?, ?, ?)')
  const insertPiece = database.prepare('INSERT INTO pieces (id, key, hash, bytes, pack_id, offset) VALUES (?, ?, ?, ?, ?, ?)')
  return (rows, { codec, data }, only) => {
    let offset = 0
    const placed = rows.map(row => {
      const place = { ...row, offset }
      offset += row.data.length
      return place
    })
    const packId = insertPack.run(codec, offset, data).lastInsertRowid
    // In the order of their ids: the table grows at its end.
    placed.sort((a, b) => a.id - b.id)
    for (const { id, hash, data: piece, offset: at } of placed)
      if (only === undefined || only.has(id)) insertPiece.run(id, hash.readUIntBE(0, 6), hash, piece.length, packId, at)
  }
}
