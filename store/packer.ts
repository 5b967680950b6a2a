// Moves loose pieces into compressed packs, conversation by conversation, when the writer has time. Reading gives the same bytes
// before, during and after; a pack that cannot be written is simply tried again later.

import { packBytes } from '../core/limits.ts'
import { joinBuffers } from './answer-bytes.ts'
import { type Packed, pack, packInBackground } from './codec.ts'
import type { Sqlite } from './database.ts'
import type { LoosePiece } from './piece-writer.ts'

export interface Packer {
  readonly add: (pieces: readonly LoosePiece[]) => void
  readonly looseBytes: () => number
  /** Writes whole packs until less than one is left. Compresses on another thread. */
  readonly packWhole: () => Promise<void>
  /** Writes everything, at once. */
  readonly packAll: () => void
}

interface Batch {
  /** What is to be forgotten: also pieces that another process has packed meanwhile. */
  readonly chosen: readonly LoosePiece[]
  readonly rows: readonly LooseRow[]
  readonly bytes: Buffer
}

interface LooseRow {
  readonly id: number
  readonly hash: Buffer
  readonly data: Buffer
}

export function createPacker(database: Sqlite, onPacked: (pieces: readonly LoosePiece[]) => void): Packer {
  const select = database.prepare('SELECT id, hash, data FROM loose WHERE id = ?')
  const write = createPackInsert(database)
  /** By conversation, in order of arrival. */
  const scopes = new Map<string, LoosePiece[]>()
  let bytes = 0

  const add = (pieces: readonly LoosePiece[]): void => {
    for (const piece of pieces) {
      const queue = scopes.get(piece.scopeId)
      if (queue) queue.push(piece)
      else scopes.set(piece.scopeId, [piece])
      bytes += piece.bytes
    }
  }
  const take = (): Batch => {
    const chosen = choosePieces(scopes)
    const rows = chosen.flatMap(({ id }) => (select.get(id) as LooseRow | undefined) ?? [])
    return { chosen, rows, bytes: joinBuffers(rows.map(({ data }) => data)) }
  }
  const finish = (batch: Batch, packed: Packed): void => {
    if (batch.rows.length > 0) write(batch, packed)
    onPacked(batch.chosen)
    dropPieces(scopes, batch.chosen)
    for (const piece of batch.chosen) bytes -= piece.bytes
  }

  // Left by an earlier process, or by one that is still writing: whoever packs a piece first, packs it.
  const left = database.prepare(
    "SELECT id, length(data) AS bytes, lower(hex(hash)) AS sha256, '' AS scopeId FROM loose ORDER BY id",
  )
  add(left.all() as LoosePiece[])
  return {
    add,
    looseBytes: () => bytes,
    packWhole: async () => {
      while (bytes >= packBytes) {
        const batch = take()
        finish(batch, await packInBackground(batch.bytes))
      }
    },
    packAll: () => {
      while (scopes.size > 0) {
        const batch = take()
        finish(batch, pack(batch.bytes))
      }
    },
  }
}

/** One pack: the longest queues first, whole conversations as far as they fit. */
function choosePieces(scopes: ReadonlyMap<string, readonly LoosePiece[]>): LoosePiece[] {
  const sizes = [...scopes.values()].map(queue => ({ queue, bytes: queue.reduce((sum, piece) => sum + piece.bytes, 0) }))
  const chosen: LoosePiece[] = []
  let total = 0
  for (const { queue } of sizes.toSorted((a, b) => b.bytes - a.bytes))
    for (const piece of queue) {
      if (total >= packBytes) return chosen
      chosen.push(piece)
      total += piece.bytes
    }
  return chosen
}

/** The chosen stand at the front of their queues: more may have been added behind them meanwhile. */
function dropPieces(scopes: Map<string, LoosePiece[]>, chosen: readonly LoosePiece[]): void {
  const counts = new Map<string, number>()
  for (const { scopeId } of chosen) counts.set(scopeId, (counts.get(scopeId) ?? 0) + 1)
  for (const [scopeId, count] of counts) {
    const queue = scopes.get(scopeId)
    queue?.splice(0, count)
    if (queue?.length === 0) scopes.delete(scopeId)
  }
}

function createPackInsert(database: Sqlite): (batch: Batch, packed: Packed) => void {
  const insertPack = database.prepare('INSERT INTO packs (codec, bytes, data) VALUES (?, ?, ?)')
  const deletePack = database.prepare('DELETE FROM packs WHERE id = ?')
  const deleteLoose = database.prepare('DELETE FROM loose WHERE id = ?')
  const insertPiece = database.prepare('INSERT INTO pieces (id, key, hash, bytes, pack_id, offset) VALUES (?, ?, ?, ?, ?, ?)')
  const transaction = database.transaction(({ rows, bytes }: Batch, { codec, data }: Packed) => {
    const packId = insertPack.run(codec, bytes.length, data).lastInsertRowid
    let offset = 0
    let moved = 0
    for (const { id, hash, data: piece } of rows) {
      // A piece that another process packed meanwhile stays where it is; its bytes here are unused.
      if (deleteLoose.run(id).changes > 0) {
        insertPiece.run(id, hash.readUIntBE(0, 6), hash, piece.length, packId, offset)
        moved++
      }
      offset += piece.length
    }
    if (moved === 0) deletePack.run(packId)
  })
  return (batch, packed) => transaction.immediate(batch, packed)
}
