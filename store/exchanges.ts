// Reads exchanges and what is known of their answers, in order of arrival. Bodies are read apart (bodies.ts).

import type { Exchange, ExchangeOutcome, PartOf } from '../core/types.ts'
import type { ExchangeFilter } from './_adapter.ts'
import type { BodyReader } from './bodies.ts'
import type { Sqlite } from './database.ts'
import { readHeaders } from './headers.ts'

const columns = `e.seq, e.id, s.kind AS scope_kind, s.name AS scope_id, e.turn, e.attempt, e.protocol, e.route, e.method, e.path, e.query,
  e.started_at, e.headers_piece, e.headers_patch, e.bytes_sent, e.sent_sha256, a.status, a.headers_piece AS answer_piece,
  a.headers_patch AS answer_patch, a.outcome, a.failure_code, a.failure_message, a.provider_request_id, a.retries,
  a.first_byte_at, a.ended_at, e.part_of, e.part, a.bytes_sent AS answer_bytes, a.sent_sha256 AS answer_sha256`

interface ExchangeRow {
  readonly seq: number
  readonly id: string
  readonly scope_kind: 'trial' | 'session'
  readonly scope_id: string
  readonly turn: number | null
  readonly attempt: number | null
  readonly protocol: string | null
  readonly route: string | null
  readonly method: string
  readonly path: string
  readonly query: string
  readonly started_at: number
  readonly headers_piece: number
  readonly headers_patch: string | null
  readonly bytes_sent: number
  readonly sent_sha256: Buffer
  readonly status: number | null
  readonly answer_piece: number | null
  readonly answer_patch: string | null
  readonly outcome: ExchangeOutcome | null
  readonly failure_code: string | null
  readonly failure_message: string | null
  readonly provider_request_id: string | null
  readonly retries: number | null
  readonly first_byte_at: number | null
  readonly ended_at: number | null
  readonly part_of: string | null
  readonly part: PartOf['part'] | null
  readonly answer_bytes: number | null
  readonly answer_sha256: Buffer | null
}

export interface ExchangeReader {
  readonly list: (filter: ExchangeFilter) => Exchange[]
  readonly findSeq: (id: string) => number | null
}

export function createExchangeReader(database: Sqlite, bodies: BodyReader): ExchangeReader {
  const selectSeq = database.prepare('SELECT seq FROM exchanges WHERE id = ?').pluck()
  const read = (row: ExchangeRow): Exchange => ({
    id: row.id,
    scope: { kind: row.scope_kind, id: row.scope_id },
    turn: row.turn,
    attempt: row.attempt,
    protocol: row.protocol,
    route: row.route,
    method: row.method,
    path: row.path,
    query: row.query,
    requestHeaders: readHeaders(bodies.pieces.read(row.headers_piece), row.headers_patch),
    requestBytes: row.bytes_sent,
    requestSha256: row.sent_sha256.toString('hex'),
    status: row.status,
    responseHeaders: row.answer_piece === null ? null : readHeaders(bodies.pieces.read(row.answer_piece), row.answer_patch),
    responseBytes: row.answer_bytes,
    responseSha256: row.answer_sha256?.toString('hex') ?? null,
    outcome: row.outcome ?? 'in-flight',
    failure: row.failure_code === null ? null : { code: row.failure_code, message: row.failure_message ?? '' },
    providerRequestId: row.provider_request_id,
    retries: row.retries ?? 0,
    startedAt: row.started_at,
    firstByteAt: row.first_byte_at,
    endedAt: row.ended_at,
    ...(row.part_of === null || row.part === null ? {} : { partOf: { id: row.part_of, part: row.part } }),
  })
  return {
    findSeq: id => (selectSeq.get(id) as number | undefined) ?? null,
    list: filter => {
      const { condition, values } = writeCondition(filter)
      const sql = `SELECT ${columns} FROM exchanges e JOIN scopes s ON s.id = e.scope LEFT JOIN answers a ON a.seq = e.seq ${condition} ORDER BY e.seq`
      return (database.prepare(sql).all(...values) as ExchangeRow[]).map(read)
    },
  }
}

export function writeCondition(filter: ExchangeFilter): { condition: string; values: Array<string | number> } {
  const parts: string[] = []
  const values: Array<string | number> = []
  const add = (sql: string, value: string | number | undefined): void => {
    if (value === undefined) return
    parts.push(sql)
    values.push(value)
  }
  add('e.id = ?', filter.id)
  add('e.scope IN (SELECT id FROM scopes WHERE name = ?)', filter.scopeId)
  add(
    "e.scope IN (SELECT scopes.id FROM trials JOIN scopes ON scopes.name = trials.id AND kind = 'trial' WHERE run_id = ?)",
    filter.runId,
  )
  add('e.turn = ?', filter.turn)
  add('e.attempt = ?', filter.attempt)
  add('e.part_of = ?', filter.partOf)
  if (filter.parts !== true && filter.partOf === undefined && filter.id === undefined) parts.push('e.part_of IS NULL')
  add('NOT EXISTS (SELECT 1 FROM calls WHERE exchange_id = e.id AND decoder >= ?)', filter.undecodedBy)
  return { condition: parts.length > 0 ? `WHERE ${parts.join(' AND ')}` : '', values }
}
