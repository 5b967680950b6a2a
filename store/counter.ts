// Numbers for new rows: read from the database once per transaction, counted in memory within it. Another process may write
// between two transactions, so nothing is remembered across them.

import type { Sqlite } from './database.ts'

export interface Counter {
  readonly take: () => number
  /** The transaction is over, committed or not. */
  readonly settle: () => void
}

/** `lastSql` selects the highest number in use, 0 when there is none. */
export function createCounter(database: Sqlite, lastSql: string): Counter {
  const selectLast = database.prepare(lastSql).pluck()
  let last: number | null = null
  return {
    take: () => {
      last = (last ?? Number(selectLast.get())) + 1
      return last
    },
    settle: () => {
      last = null
    },
  }
}
