// Reads the plain nouns back: `list` with equality filters. Statements are prepared once per combination of fields.

import { TurnpikeError } from '../core/errors.ts'
import type { Nouns } from './_adapter.ts'
import type { Sqlite, Statement } from './database.ts'
import { columnName, listFields, nounTables, readRow, type SqlValue, writeValue } from './nouns.ts'

export interface RowReader {
  readonly list: <K extends keyof Nouns>(noun: K, where?: Partial<Nouns[K]>) => Array<Nouns[K]>
}

export function createRowReader(database: Sqlite): RowReader {
  const statements = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql).raw()
    statements.set(sql, statement)
    return statement
  }
  return {
    list: (noun, where = {}) => {
      const { sql, values } = writeSelect(noun, where)
      const rows = prepare(sql).all(...values) as unknown[][]
      return rows.map(row => readRow(noun, row))
    },
  }
}

function writeSelect<K extends keyof Nouns>(noun: K, where: Partial<Nouns[K]>): { sql: string; values: SqlValue[] } {
  const fields = new Map(listFields(noun))
  const conditions: string[] = []
  const values: SqlValue[] = []
  for (const [field, wanted] of Object.entries(where)) {
    const kind = fields.get(field)
    if (!kind) throw new TurnpikeError('E_BUG', `${noun} have no field ${field}`)
    if (wanted === undefined) continue
    const value = writeValue(noun, field, kind, wanted)
    // `IS ?` would hide the column's index when the value is not NULL.
    conditions.push(`${columnName(field)} ${value === null ? 'IS' : '='} ?`)
    values.push(value)
  }
  const columns = [...fields.keys()].map(columnName).join(', ')
  const filter = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''
  return { sql: `SELECT ${columns} FROM ${nounTables[noun].table}${filter} ORDER BY seq`, values }
}
