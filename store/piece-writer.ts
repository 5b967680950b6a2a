// Stores each distinct piece of bytes once, under its SHA-256. Runs in the writer thread inside its transaction. New pieces stay
// loose until the packer takes them; until then this thread alone knows them by their hash.

import { hash } from 'node:crypto'
import { createCounter } from './counter.ts'
import type { Sqlite } from './database.ts'

export interface LoosePiece {
  readonly id: number
  readonly bytes: number
  readonly sha256: string
  /** Pieces of one conversation are packed side by side: they resemble each other. */
  readonly scopeId: string
}

export interface PieceWriter {
  /** `sha256` (hex) spares hashing bytes whose hash is known. */
  readonly put: (bytes: Buffer, scopeId: string, sha256?: string) => number
  /** Written since the last call; the packer's business once they are committed. */
  readonly takeLoose: () => LoosePiece[]
  /** The transaction is over: ids are counted anew, for another process may have written. */
  readonly settle: () => void
  /** Packed pieces are found in the database. */
  readonly forget: (pieces: readonly LoosePiece[]) => void
}

export function createPieceWriter(database: Sqlite): PieceWriter {
  const find = database.prepare('SELECT id FROM pieces WHERE key = ? AND hash = ?').pluck()
  const insert = database.prepare('INSERT INTO loose (id, hash, data) VALUES (?, ?, ?)')
  const ids = createCounter(
    database,
    'SELECT max(coalesce((SELECT max(id) FROM loose), 0), coalesce((SELECT max(id) FROM pieces), 0))',
  )
  const known = new Map<string, number>()
  let fresh: LoosePiece[] = []
  return {
    put: (bytes, scopeId, sha256 = hash('sha256', bytes, 'hex')) => {
      const loose = known.get(sha256)
      if (loose !== undefined) return loose
      const digest = Buffer.from(sha256, 'hex')
      const packed = find.get(digest.readUIntBE(0, 6), digest) as number | undefined
      if (packed !== undefined) return packed
      const id = ids.take()
      insert.run(id, digest, bytes)
      known.set(sha256, id)
      fresh.push({ id, bytes: bytes.length, sha256, scopeId })
      return id
    },
    takeLoose: () => {
      const taken = fresh
      fresh = []
      return taken
    },
    settle: ids.settle,
    forget: pieces => {
      for (const { sha256 } of pieces) known.delete(sha256)
    },
  }
}
