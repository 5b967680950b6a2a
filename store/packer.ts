// Moves loose pieces into compressed packs, conversation by conversation, when the writer has time. Reading gives the same bytes
// before, during and after; packs that cannot be written are simply tried again later.

import { groupBy } from '../core/groups.ts'
import { packBytes } from '../core/limits.ts'
import { joinBuffers } from './answer-bytes.ts'
import { type Effort, type Packed, pack, packInBackground } from './codec.ts'
import type { Sqlite } from './database.ts'
import type { LoosePiece } from './piece-writer.ts'

export interface Packer {
  readonly add: (pieces: readonly LoosePiece[]) => void
  readonly looseBytes: () => number
  /** Packs everything there is now. Compresses on another thread: the writer keeps answering meanwhile. */
  readonly packInBackground: (effort: Effort) => Promise<void>
  readonly packNow: () => void
}

interface LooseRow {
  readonly id: number
  readonly hash: Buffer
  readonly data: Buffer
}

/** Loose pieces that go into one pack. */
interface Batch {
  readonly rows: readonly LooseRow[]
  readonly bytes: Buffer
}

export function createPacker(database: Sqlite, onPacked: (pieces: readonly LoosePiece[]) => void): Packer {
  const select = database.prepare('SELECT id, hash, data FROM loose WHERE id BETWEEN ? AND ?')
  const write = createPackInsert(database)
  let loose: LoosePiece[] = []
  let bytes = 0

  const add = (pieces: readonly LoosePiece[]): void => {
    for (const piece of pieces) {
      loose.push(piece)
      bytes += piece.bytes
    }
  }
  const readBatches = (): Batch[] => {
    const scopes = new Map(loose.map(({ id, scopeId }) => [id, scopeId]))
    const rows = findRuns(loose).flatMap(([first, last]) => select.all(first, last) as LooseRow[])
    return fillBatches(groupByScope(rows, scopes))
  }
  const finish = (count: number): void => {
    const packed = loose.slice(0, count)
    loose = loose.slice(count)
    for (const piece of packed) bytes -= piece.bytes
    onPacked(packed)
  }

  // Left by an earlier process, or by one that is still writing: whoever packs a piece first, packs it.
  const left = database.prepare(
    "SELECT id, length(data) AS bytes, lower(hex(hash)) AS sha256, '' AS scopeId FROM loose ORDER BY id",
  )
  add(left.all() as LoosePiece[])
  return {
    add,
    looseBytes: () => bytes,
    packInBackground: async effort => {
      const count = loose.length
      for (const batch of readBatches()) write(batch, await packInBackground(batch.bytes, effort))
      finish(count)
    },
    packNow: () => {
      const count = loose.length
      for (const batch of readBatches()) write(batch, pack(batch.bytes))
      finish(count)
    },
  }
}

/** First and last of ids that follow each other: a run is read and deleted in one go. */
function findRuns(pieces: ReadonlyArray<{ readonly id: number }>): Array<[first: number, last: number]> {
  const runs: Array<[number, number]> = []
  for (const { id } of pieces) {
    const run = runs.at(-1)
    if (run && run[1] + 1 === id) run[1] = id
    else runs.push([id, id])
  }
  return runs
}

function groupByScope(rows: readonly LooseRow[], scopes: ReadonlyMap<number, string>): LooseRow[] {
  return [...groupBy(rows, row => scopes.get(row.id) ?? '').values()].flat()
}

function fillBatches(rows: readonly LooseRow[]): Batch[] {
  const batches: Batch[] = []
  let filling: LooseRow[] = []
  let total = 0
  const flush = (): void => {
    if (filling.length > 0) batches.push({ rows: filling, bytes: joinBuffers(filling.map(({ data }) => data)) })
    filling = []
    total = 0
  }
  for (const row of rows) {
    filling.push(row)
    total += row.data.length
    if (total >= packBytes) flush()
  }
  flush()
  return batches
}

function createPackInsert(database: Sqlite): (batch: Batch, packed: Packed) => void {
  const insertPack = database.prepare('INSERT INTO packs (codec, bytes, data) VALUES (?, ?, ?)')
  const insertPiece = database.prepare('INSERT INTO pieces (id, key, hash, bytes, pack_id, offset) VALUES (?, ?, ?, ?, ?, ?)')
  const selectLoose = database.prepare('SELECT id FROM loose WHERE id BETWEEN ? AND ?').pluck()
  const deleteLoose = database.prepare('DELETE FROM loose WHERE id BETWEEN ? AND ?')
  const transaction = database.transaction(({ rows, bytes }: Batch, { codec, data }: Packed) => {
    let offset = 0
    const placed = rows.map(row => {
      const place = { ...row, offset }
      offset += row.data.length
      return place
    })
    // In the order of their ids: the table grows at its end.
    placed.sort((a, b) => a.id - b.id)
    const runs = findRuns(placed)
    const left = new Set(runs.flatMap(([first, last]) => selectLoose.all(first, last) as number[]))
    if (left.size === 0) return
    const packId = insertPack.run(codec, bytes.length, data).lastInsertRowid
    // What another process packed meanwhile stays where it is; its bytes here are unused.
    for (const { id, hash, data: piece, offset: at } of placed)
      if (left.has(id)) insertPiece.run(id, hash.readUIntBE(0, 6), hash, piece.length, packId, at)
    for (const [first, last] of runs) deleteLoose.run(first, last)
  })
  return (batch, packed) => transaction.immediate(batch, packed)
}
