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
  readonly pieces: readonly LoosePiece[]
  readonly bytes: Buffer
}

export function createPacker(database: Sqlite): Packer {
  const select = database.prepare('SELECT data FROM pieces WHERE id = ? AND data IS NOT NULL').pluck()
  let loose = database
    .prepare("SELECT id, bytes, '' AS scopeId FROM pieces WHERE pack_id IS NULL ORDER BY id")
    .all() as LoosePiece[]
  let bytes = sumBytes(loose)
  const write = createPackInsert(database)

  const take = (): Batch => {
    const pieces = choosePieces(loose)
    const found = pieces.map(piece => ({ piece, data: select.get(piece.id) as Buffer | undefined }))
    // Another process may have packed some of them.
    const left = found.flatMap(({ piece, data }) => (data ? [{ piece, data }] : []))
    return { pieces: left.map(({ piece }) => piece), bytes: joinBuffers(left.map(({ data }) => data)) }
  }
  const drop = (batch: readonly LoosePiece[]): void => {
    const gone = new Set(batch.map(piece => piece.id))
    loose = loose.filter(piece => !gone.has(piece.id))
    bytes = sumBytes(loose)
  }

  return {
    looseBytes: () => bytes,
    add: pieces => {
      if (pieces.length === 0) return
      loose.push(...pieces)
      bytes += sumBytes(pieces)
    },
    packWhole: async () => {
      while (bytes >= packBytes) {
        const chosen = choosePieces(loose)
        const batch = take()
        if (batch.pieces.length > 0) write(batch, await packInBackground(batch.bytes))
        drop(chosen)
      }
    },
    packAll: () => {
      while (loose.length > 0) {
        const chosen = choosePieces(loose)
        const batch = take()
        if (batch.pieces.length > 0) write(batch, pack(batch.bytes))
        drop(chosen)
      }
    },
  }
}

/** Pieces of the conversation that has most to pack, oldest first, filled up with those of others. */
function choosePieces(loose: readonly LoosePiece[]): LoosePiece[] {
  const scopes = new Map<string, number>()
  for (const { scopeId, bytes } of loose) scopes.set(scopeId, (scopes.get(scopeId) ?? 0) + bytes)
  const rank = new Map([...scopes].toSorted((a, b) => b[1] - a[1]).map(([scopeId], at) => [scopeId, at]))
  const sorted = loose.toSorted((a, b) => (rank.get(a.scopeId) ?? 0) - (rank.get(b.scopeId) ?? 0) || a.id - b.id)
  let total = 0
  const end = sorted.findIndex(piece => {
    total += piece.bytes
    return total >= packBytes
  })
  return end < 0 ? sorted : sorted.slice(0, end + 1)
}

function createPackInsert(database: Sqlite): (batch: Batch, packed: Packed) => void {
  const insert = database.prepare('INSERT INTO packs (codec, bytes, data) VALUES (?, ?, ?)')
  const update = database.prepare('UPDATE pieces SET pack_id = ?, offset = ?, data = NULL WHERE id = ? AND pack_id IS NULL')
  const transaction = database.transaction(({ pieces, bytes }: Batch, { codec, data }: Packed) => {
    const packId = insert.run(codec, bytes.length, data).lastInsertRowid
    let offset = 0
    for (const piece of pieces) {
      // A piece that another process packed meanwhile stays where it is; its bytes here are unused.
      update.run(packId, offset, piece.id)
      offset += piece.bytes
    }
  })
  return (batch, packed) => transaction.immediate(batch, packed)
}

function sumBytes(pieces: readonly LoosePiece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.bytes, 0)
}
