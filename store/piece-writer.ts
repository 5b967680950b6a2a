// Stores each distinct piece of bytes once, under its SHA-256. Runs in the writer thread inside its transaction. New pieces stay
// loose until the packer takes them.

import { hash } from 'node:crypto'
import type { Sqlite } from './database.ts'

export interface LoosePiece {
  readonly id: number
  readonly bytes: number
  /** Pieces of one conversation are packed side by side: they resemble each other. */
  readonly scopeId: string
}

export interface PieceWriter {
  readonly put: (bytes: Buffer, scopeId: string) => number
  /** Written since the last call; the packer's business once they are committed. */
  readonly takeLoose: () => LoosePiece[]
}

export function createPieceWriter(database: Sqlite): PieceWriter {
  const find = database.prepare('SELECT id FROM pieces WHERE key = ? AND hash = ?').pluck()
  const insert = database.prepare('INSERT INTO pieces (key, hash, bytes, data) VALUES (?, ?, ?, ?)')
  let loose: LoosePiece[] = []
  return {
    put: (bytes, scopeId) => {
      const digest = Buffer.from(hash('sha256', bytes, 'hex'), 'hex')
      const key = digest.readUIntBE(0, 6)
      const known = find.get(key, digest) as number | undefined
      if (known !== undefined) return known
      const id = Number(insert.run(key, digest, bytes.length, bytes).lastInsertRowid)
      loose.push({ id, bytes: bytes.length, scopeId })
      return id
    },
    takeLoose: () => {
      const taken = loose
      loose = []
      return taken
    },
  }
}
