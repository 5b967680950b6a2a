// Tells living processes from dead ones: each recording process holds an exclusive lock on a file of its own, which the operating
// system drops when the process ends, however it ends. Unlike a process id it cannot be reused and holds across containers.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteCode } from './database.ts'
import { createUlid } from './ulid.ts'

export interface Lock {
  readonly name: string
  readonly release: () => void
}

function lockPath(directory: string, name: string): string {
  return join(directory, 'owners', name)
}

export function holdLock(directory: string): Lock {
  return hold(directory, createUlid())
}

/** Null when another living process has a lock of that name. */
export function tryLock(directory: string, name: string): Lock | null {
  try {
    return hold(directory, name)
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') return null
    throw error
  }
}

function hold(directory: string, name: string): Lock {
  mkdirSync(join(directory, 'owners'), { recursive: true })
  // SQLite's own lock on an empty file: the one file lock that Node can reach without native code of ours.
  const database = new Database(lockPath(directory, name), { timeout: 0 })
  try {
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw error
  }
  return {
    name,
    release: () => {
      // While it is held: who opens the file now must not find it free and then gone.
      removeLock(directory, name)
      database.close()
    },
  }
}

export function isHeld(directory: string, name: string): boolean {
  let database: Database.Database | null = null
  try {
    database = new Database(lockPath(directory, name), { fileMustExist: true, timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return false
  } catch (error) {
    return sqliteCode(error) === 'SQLITE_BUSY'
  } finally {
    database?.close()
  }
}

export function removeLock(directory: string, name: string): void {
  rmSync(lockPath(directory, name), { force: true })
}
