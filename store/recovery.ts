// Finds exchanges whose recording process died and closes them with what had arrived: checkpointed ones as they were saved, the
// others as proxy-killed. Runs when a store is opened for writing; exchanges of living processes are left alone.

import { createBodyReader, joinSpool, type SpoolRow } from './bodies.ts'
import type { Sqlite } from './database.ts'
import { killedFailure } from './ledger.ts'
import { isHeld, removeLock } from './lock.ts'
import { createPieceWriter, type PieceWriter } from './piece-writer.ts'
import { readArrivals, writeArrivals, writeRanges, writeRecipe } from './recipe.ts'

interface OwnerRow {
  readonly id: number
  readonly lock: string
  readonly first_seq: number
}

interface LostRow {
  readonly seq: number
  readonly scope_id: string
  readonly started_at: number
  readonly has_answer: number
  readonly has_recipe: number
}

export function recoverDead(database: Sqlite, directory: string): void {
  const owners = database.prepare('SELECT id, lock, first_seq FROM owners').all() as OwnerRow[]
  const dead = owners.filter(owner => !isHeld(directory, owner.lock))
  if (dead.length === 0) return
  database
    .transaction(() => {
      for (const owner of dead) recoverOwner(database, owner)
    })
    .immediate()
  for (const owner of dead) removeLock(directory, owner.lock)
}

function recoverOwner(database: Sqlite, owner: OwnerRow): void {
  const lost = database
    .prepare(
      `SELECT e.seq, s.name AS scope_id, started_at, a.seq IS NOT NULL AS has_answer, a.recipe IS NOT NULL AS has_recipe
        FROM exchanges e JOIN scopes s ON s.id = e.scope LEFT JOIN answers a ON a.seq = e.seq WHERE e.seq >= ? AND owner = ? AND coalesce(final, 0) = 0`,
    )
    .all(owner.first_seq, owner.id) as LostRow[]
  const { readSpool } = createBodyReader(database)
  const pieces = createPieceWriter(database)
  const finish = database.prepare('UPDATE answers SET final = 1 WHERE seq = ?')
  const deleteSpool = database.prepare('DELETE FROM spool WHERE seq = ?')
  for (const row of lost) {
    if (row.has_recipe === 1) finish.run(row.seq)
    else closeKilled(database, pieces, row, readSpool(row.seq))
    deleteSpool.run(row.seq)
  }
  database.prepare('DELETE FROM owners WHERE id = ?').run(owner.id)
}

function closeKilled(database: Sqlite, pieces: PieceWriter, row: LostRow, spool: readonly SpoolRow[]): void {
  // The head may have been saved before.
  if (row.has_answer === 0)
    database.prepare("INSERT INTO answers (seq, final, outcome, retries) VALUES (?, 0, 'in-flight', 0)").run(row.seq)
  const arrivals = spool.flatMap(part => readArrivals(part.arrivals, row.started_at))
  const body = spool.length > 0 ? joinSpool(spool) : null
  database
    .prepare(
      `UPDATE answers SET final = 1, outcome = 'proxy-killed', failure_code = ?, failure_message = ?, ended_at = ?,
        first_byte_at = coalesce(first_byte_at, ?), recipe = ?, bytes_sent = ?, bytes_stored = ?, sent_sha256 = ?, stored_sha256 = ?,
        masked = ?, arrivals = ? WHERE seq = ?`,
    )
    .run(
      killedFailure.code,
      killedFailure.message,
      arrivals.at(-1)?.at ?? null,
      arrivals.at(0)?.at ?? null,
      body && writeRecipe({ keepFront: 0, keepBack: 0, ids: [pieces.put(body.bytes, row.scope_id)] }),
      body?.bytes.length ?? null,
      body?.bytes.length ?? null,
      body && Buffer.from(body.sentSha256, 'hex'),
      body && body.masked.length > 0 ? Buffer.from(body.storedSha256, 'hex') : null,
      body && writeRanges(body.masked),
      body && writeArrivals(arrivals, row.started_at),
      row.seq,
    )
}
