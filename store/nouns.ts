// Which table and columns each plain noun has: the one place that maps camelCase fields to snake_case columns. A field that is
// missing here does not compile; a column that is missing in the schema fails a test.

import { TurnpikeError } from '../core/errors.ts'
import type { Nouns } from './_adapter.ts'

export type SqlValue = string | number | null

type Column = 'text' | 'number' | 'boolean' | 'json'

interface NounTable<Row> {
  readonly table: string
  /** Fields that identify a row; writing the same key again replaces the row in its place. */
  readonly key: ReadonlyArray<keyof Row & string>
  readonly columns: { readonly [Field in keyof Row]-?: Column }
}

export const nounTables: { readonly [K in keyof Nouns]: NounTable<Nouns[K]> } = {
  sessions: {
    table: 'sessions',
    key: ['id'],
    columns: { id: 'text', name: 'text', source: 'text', agentSession: 'text', startedAt: 'number' },
  },
  runs: {
    table: 'runs',
    key: ['id'],
    columns: {
      id: 'text',
      name: 'text',
      state: 'text',
      config: 'json',
      turnpikeVersion: 'text',
      simulated: 'boolean',
      plannedTurns: 'number',
      startedAt: 'number',
      endedAt: 'number',
    },
  },
  trials: {
    table: 'trials',
    key: ['id'],
    columns: {
      id: 'text',
      runId: 'text',
      name: 'text',
      taskId: 'text',
      agent: 'text',
      model: 'text',
      index: 'number',
      plannedTurns: 'number',
      state: 'text',
      outcome: 'json',
      turn: 'number',
      attempt: 'number',
      snapshots: 'text',
      startedAt: 'number',
      endedAt: 'number',
    },
  },
  turns: {
    table: 'turns',
    key: ['trialId', 'turn'],
    columns: {
      trialId: 'text',
      turn: 'number',
      state: 'text',
      attempts: 'number',
      instruction: 'text',
      startedAt: 'number',
      endedAt: 'number',
    },
  },
  attempts: {
    table: 'attempts',
    key: ['trialId', 'turn', 'attempt'],
    columns: {
      trialId: 'text',
      turn: 'number',
      attempt: 'number',
      passed: 'boolean',
      testsPassed: 'number',
      testsTotal: 'number',
      agentOutcome: 'text',
      agentExit: 'number',
      agentMs: 'number',
      verifyMs: 'number',
      feedback: 'text',
      snapshot: 'text',
      agentOutput: 'text',
      verifierOutput: 'text',
      startedAt: 'number',
      endedAt: 'number',
    },
  },
  tests: {
    table: 'tests',
    key: ['trialId', 'turn', 'attempt', 'name'],
    columns: { trialId: 'text', turn: 'number', attempt: 'number', name: 'text', status: 'text', message: 'text' },
  },
  events: {
    table: 'events',
    key: ['id'],
    columns: { id: 'text', runId: 'text', trialId: 'text', type: 'text', at: 'number', data: 'json' },
  },
  calls: {
    table: 'calls',
    key: ['exchangeId'],
    columns: {
      exchangeId: 'text',
      scopeId: 'text',
      turn: 'number',
      attempt: 'number',
      protocol: 'text',
      modelAsked: 'text',
      modelAnswered: 'text',
      answerId: 'text',
      stopReason: 'text',
      usage: 'json',
      toolCalls: 'json',
      complete: 'boolean',
      error: 'json',
      costNanoUsd: 'number',
      priceVersion: 'text',
      decoder: 'number',
    },
  },
  scores: {
    table: 'scores',
    key: ['runId', 'metric', 'subject'],
    columns: { runId: 'text', metric: 'text', subject: 'text', score: 'json', denominatorName: 'text' },
  },
  checks: { table: 'checks', key: ['id'], columns: { id: 'text', question: 'text', kind: 'text' } },
  verdicts: {
    table: 'verdicts',
    key: ['checkId', 'subject'],
    columns: { checkId: 'text', subject: 'text', verdict: 'text', evidence: 'json' },
  },
}

/** The fields of a noun with their kinds, in the order of its columns. */
export function listFields(noun: keyof Nouns): ReadonlyArray<readonly [field: string, kind: Column]> {
  return Object.entries(nounTables[noun].columns) as Array<[string, Column]>
}

export function columnName(field: string): string {
  return `"${field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}"`
}

/** Replaces in place: ON CONFLICT keeps the row's seq, so the order of first writing survives. */
export function writeUpsert(noun: keyof Nouns): string {
  const { table, key } = nounTables[noun]
  const columns = listFields(noun).map(([field]) => columnName(field))
  const keyColumns = key.map(columnName)
  const updates = columns.filter(column => !keyColumns.includes(column)).map(column => `${column} = excluded.${column}`)
  return (
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ` +
    `ON CONFLICT (${keyColumns.join(', ')}) DO UPDATE SET ${updates.join(', ')}`
  )
}

export function writeRow<K extends keyof Nouns>(noun: K, row: Nouns[K]): SqlValue[] {
  return listFields(noun).map(([field, kind]) => writeValue(noun, field, kind, row[field as keyof Nouns[K]]))
}

export function writeValue(noun: keyof Nouns, field: string, kind: Column, value: unknown): SqlValue {
  if (value === null || value === undefined) return null
  if (kind === 'json') return JSON.stringify(value)
  if (kind === 'boolean' && typeof value === 'boolean') return value ? 1 : 0
  if (kind === 'number' && typeof value === 'number' && Number.isFinite(value)) return value
  if (kind === 'text' && typeof value === 'string') return value
  throw new TurnpikeError('E_BUG', `${noun}.${field} must be a ${kind}, not ${typeof value} ${String(value)}`)
}

export function readRow<K extends keyof Nouns>(noun: K, values: readonly unknown[]): Nouns[K] {
  const row: Record<string, unknown> = {}
  listFields(noun).forEach(([field, kind], at) => {
    row[field] = readValue(kind, values[at])
  })
  return row as unknown as Nouns[K]
}

function readValue(kind: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (kind === 'boolean') return value === 1
  return kind === 'json' ? JSON.parse(String(value)) : value
}
