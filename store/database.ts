// One connection to the ledger's file: pragmas, migrations, and the words for what can go wrong with it. Used by the writer thread
// (read-write) and by readers on any thread. Knows nothing of what the tables mean.

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { OpenOptions } from './_adapter.ts'
import { migrations } from './migrations.ts'

export type Sqlite = Database.Database
export type Statement = Database.Statement

/** How long a writer waits for another process's commit. Commits take milliseconds; packing at most tens of them. */
const busyTimeoutMs = 10_000

/** A checkpoint syncs to the disk in the middle of somebody's commit: seldom is better, and so much log is bearable. */
const logBytesMax = 64 * 1024 * 1024

export function databasePath(directory: string): string {
  return join(directory, 'turnpike.db')
}

/** Makes the store when it is missing and brings an older one up to date. */
export function openWritable(directory: string, durability: NonNullable<OpenOptions['durability']>): Sqlite {
  return guardOpen(directory, () => {
    mkdirSync(directory, { recursive: true })
    const database = new Database(databasePath(directory), { timeout: busyTimeoutMs })
    try {
      // Both must precede the first table; without effect afterwards. 2 KB: an empty table costs a page, and so does every row that is written alone.
      database.pragma('page_size = 2048')
      database.pragma('auto_vacuum = INCREMENTAL')
      database.pragma('journal_mode = WAL')
      database.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`)
      // Counted in pages, and an older store has larger ones.
      const pageBytes = Number(database.pragma('page_size', { simple: true }))
      database.pragma(`wal_autocheckpoint = ${Math.floor(logBytesMax / pageBytes)}`)
      database.pragma('cache_size = -32768')
      database.pragma(`journal_size_limit = ${logBytesMax}`)
      migrate(database, directory)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

export function openReadable(directory: string): Sqlite {
  return guardOpen(directory, () => {
    const path = databasePath(directory)
    if (!existsSync(path)) throw new TurnpikeError('E_STORE_UNREADABLE', `there is no store in ${directory}`)
    const database = connectReadable(path)
    const version = readVersion(database)
    if (version > migrations.length) refuseNewer(directory, version)
    if (version < migrations.length)
      throw new TurnpikeError(
        'E_STORE_UNREADABLE',
        `the store in ${directory} has schema ${version}, this version reads ${migrations.length}`,
        {
          hint: 'open it once for writing (any recording or decoding command): it is brought up to date then',
        },
      )
    return database
  })
}

/** SQLite needs to write beside a WAL database even to read it; on a read-only medium the file is read into memory instead. */
function connectReadable(path: string): Sqlite {
  const database = new Database(path, { readonly: true, timeout: busyTimeoutMs })
  try {
    database.pragma('schema_version')
    return database
  } catch (error) {
    database.close()
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(sqliteCode(error)) || fileBytes(`${path}-wal`) > 0) throw error
    const image = readFileSync(path)
    // Bytes 18 and 19 of the header say "write-ahead log"; an image in memory has none.
    image.fill(1, 18, 20)
    return new Database(image)
  }
}

function migrate(database: Sqlite, directory: string): void {
  if (readVersion(database) === migrations.length) return
  database
    .transaction(() => {
      // Read again under the lock: another process may have migrated meanwhile.
      const version = readVersion(database)
      if (version > migrations.length) refuseNewer(directory, version)
      for (const step of migrations.slice(version)) database.exec(step)
      database.pragma(`user_version = ${migrations.length}`)
    })
    .immediate()
}

function refuseNewer(directory: string, version: number): never {
  throw new TurnpikeError(
    'E_STORE_NEWER',
    `the store in ${directory} has schema ${version}; this version knows ${migrations.length}`,
  )
}

function readVersion(database: Sqlite): number {
  return Number(database.pragma('user_version', { simple: true }))
}

function guardOpen(directory: string, open: () => Sqlite): Sqlite {
  try {
    return open()
  } catch (error) {
    if (isTurnpikeError(error)) throw error
    throw new TurnpikeError('E_STORE_UNREADABLE', `cannot open the store in ${directory}`, { cause: error })
  }
}

/** Size of a file, 0 when it is not there. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

export function sqliteCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** A failed write in the words of the catalogue; the cause is kept. */
export function recordFailure(directory: string, error: unknown): TurnpikeError {
  if (isTurnpikeError(error)) return error
  const code = sqliteCode(error)
  if (!/^(SQLITE_(FULL|IOERR|READONLY|BUSY|LOCKED|CANTOPEN|NOMEM|CORRUPT|NOTADB)|E[A-Z]+$)/.test(code))
    return new TurnpikeError('E_BUG', `a write to the store failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  return new TurnpikeError('E_RECORD_FAILED', `the store in ${directory} cannot be written`, { cause: error })
}
