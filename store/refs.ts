// REF of the command line: a run, trial, session or exchange by id, by name, or by a unique beginning of its id.

import { TurnpikeError } from '../core/errors.ts'
import type { Ref } from './_adapter.ts'
import type { Sqlite } from './database.ts'

/** Shorter beginnings would fit by accident. */
const prefixCharsMin = 4

const kinds = [
  { kind: 'run', table: 'runs', name: 'name' },
  { kind: 'trial', table: 'trials', name: 'name' },
  { kind: 'session', table: 'sessions', name: 'name' },
  { kind: 'exchange', table: 'exchanges', name: null },
] as const

/** An exact id wins over a name, a name over the beginning of an id. */
export function resolveRef(database: Sqlite, ref: string): Ref {
  if (ref === 'latest') return findLatest(database)
  const steps = [
    () => collect(database, 'id = ?', [ref], true),
    () => collect(database, 'name = ?', [ref], false),
    () => (ref.length < prefixCharsMin ? [] : findByPrefix(database, ref)),
  ]
  for (const step of steps) {
    const found = step()
    if (found.length > 1) refuseAmbiguous(ref, found)
    const [only] = found
    if (only) return only
  }
  throw new TurnpikeError('E_REF_UNKNOWN', `no run, trial, session or exchange is called ${JSON.stringify(ref)}`)
}

function findLatest(database: Sqlite): Ref {
  const run = database.prepare('SELECT id, name FROM runs ORDER BY started_at DESC, seq DESC LIMIT 1').get() as
    | { id: string; name: string }
    | undefined
  if (!run) throw new TurnpikeError('E_REF_UNKNOWN', 'the store holds no run yet, so there is no latest one')
  return { kind: 'run', ...run }
}

/** Ids are ULIDs, written in capitals; people type them in either case. */
function findByPrefix(database: Sqlite, prefix: string): Ref[] {
  for (const start of new Set([prefix, prefix.toUpperCase()])) {
    const found = collect(database, 'id >= ? AND id < ?', [start, `${start}\u{10ffff}`], true)
    if (found.length > 0) return found
  }
  return []
}

function collect(database: Sqlite, condition: string, values: readonly string[], withExchanges: boolean): Ref[] {
  return kinds.flatMap(({ kind, table, name }) => {
    if (name === null && !withExchanges) return []
    const sql = `SELECT id, ${name ?? 'id'} AS name FROM ${table} WHERE ${condition} ORDER BY seq LIMIT 6`
    const rows = database.prepare(sql).all(...values) as Array<{ id: string; name: string }>
    return rows.map(row => ({ kind, ...row }))
  })
}

function refuseAmbiguous(ref: string, found: readonly Ref[]): never {
  const shown = found.slice(0, 5).map(({ kind, id, name }) => (name === id ? `${kind} ${id}` : `${kind} ${name} (${id})`))
  const more = found.length > shown.length ? ', …' : ''
  throw new TurnpikeError('E_REF_AMBIGUOUS', `${JSON.stringify(ref)} may mean ${shown.join(', ')}${more}`, {
    hint: 'give the whole id, or more characters of it',
  })
}
