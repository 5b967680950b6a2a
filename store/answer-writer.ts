// Writes answers: to the spool while they run, as pieces when they are checkpointed or end. What it remembers of them changes only
// after the commit that made it true, so that a rolled-back write can simply be tried again.

import { readEncoding } from '../core/encodings.ts'
import {
  type AnswerBytes,
  type Assembled,
  assembleAnswer,
  hashSent,
  joinBuffers,
  maskUnseen,
  maySpool,
  moveWritten,
  openBytes,
} from './answer-bytes.ts'
import type { BodyReader } from './bodies.ts'
import type { Sqlite } from './database.ts'
import type { HeaderWriter } from './headers.ts'
import type { PieceWriter } from './piece-writer.ts'
import { writeArrivals, writeRanges, writeRecipe } from './recipe.ts'
import type { EndMessage, HeadFields } from './writer-messages.ts'

export interface AnswerState {
  readonly outcome: EndMessage['outcome'] | 'in-flight' | 'proxy-killed'
  readonly failure: EndMessage['failure']
  readonly retries: number
  readonly endedAt: number | null
}

interface Checkpoint {
  readonly assembled: Assembled
  readonly ids: readonly number[]
  readonly state: AnswerState
  /** How many there had been. */
  readonly arrivals: number
}

export interface OpenExchange {
  /** Null until its beginning is written. */
  seq: number | null
  readonly scopeId: string
  readonly path: string
  readonly startedAt: number
  readonly bytes: AnswerBytes
  head: HeadFields | null
  /** Rows in the spool that are committed. */
  spoolRows: number
  /** Rows may be in the spool, committed or not. */
  isSpooled: boolean
  isHeadSaved: boolean
  /** When its end could not be recorded; null: it was not tried, or it worked. */
  endFailedAt: number | null
  checkpoint: Checkpoint | null
}

export function openExchange(begin: {
  scopeId: string
  path: string
  startedAt: number
  secrets: readonly string[]
}): OpenExchange {
  const { scopeId, path, startedAt, secrets } = begin
  return {
    seq: null,
    scopeId,
    path,
    startedAt,
    bytes: openBytes(secrets),
    head: null,
    spoolRows: 0,
    isSpooled: false,
    isHeadSaved: false,
    endFailedAt: null,
    checkpoint: null,
  }
}

/** What to do once the transaction is committed. */
type AfterCommit = (action: () => void) => void

export interface AnswerWriter {
  /** Saves what has arrived and may be written. */
  readonly spool: (open: OpenExchange, seq: number) => void
  readonly write: (open: OpenExchange, seq: number, state: AnswerState, isFinal: boolean) => void
}

interface Tools {
  readonly pieces: PieceWriter
  readonly headers: HeaderWriter
  readonly bodies: () => BodyReader
  readonly afterCommit: AfterCommit
}

const emptyHead: HeadFields = { status: null, headers: null, providerRequestId: null, firstByteAt: null }

export function createAnswerWriter(database: Sqlite, tools: Tools): AnswerWriter {
  const insertSpool = database.prepare(
    'INSERT OR REPLACE INTO spool (seq, part, data, arrivals, masked, sent_sha256) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const deleteSpool = database.prepare('DELETE FROM spool WHERE seq = ?')
  const writeAnswer = createAnswerInsert(database, tools)

  const spoolParts = (open: OpenExchange, seq: number): void => {
    const { bytes } = open
    const count = bytes.parts.length
    const row = open.spoolRows
    open.isSpooled = true
    const arrivalsEnd = bytes.arrivals.length
    const ranges = bytes.parts.flatMap(part => part.ranges)
    const arrivals = writeArrivals(bytes.arrivals.slice(bytes.writtenArrivals), open.startedAt)
    const sentSha256 = bytes.ranges.length > 0 ? hashSent(bytes, bytes.parts) : null
    insertSpool.run(seq, row, joinBuffers(bytes.parts.map(part => part.bytes)), arrivals, writeRanges(ranges), sentSha256)
    const parts = [...bytes.parts]
    tools.afterCommit(() => {
      // A later message of the same commit has written the same row again with more in it.
      moveWritten(bytes, countLeading(bytes.parts, parts, count), true)
      bytes.writtenArrivals = Math.max(bytes.writtenArrivals, arrivalsEnd)
      open.spoolRows = row + 1
    })
  }

  const assemble = (open: OpenExchange, seq: number): Assembled => {
    // Nothing has arrived since the checkpoint, as after nearly every stream.
    if (open.checkpoint?.arrivals === open.bytes.arrivals.length) return open.checkpoint.assembled
    return assembleAnswer(open.bytes, readEncoding(open.head?.headers ?? null), () => {
      // A row of this very commit holds parts that are still in memory too.
      const rows = tools.bodies().readSpool(seq).slice(0, open.spoolRows)
      const bytes = joinBuffers(rows.map(row => row.data))
      // The bytes as sent are nowhere any more; their hash is.
      return { bytes, sent: bytes, ranges: [] }
    })
  }

  const write = (open: OpenExchange, seq: number, state: AnswerState, isFinal: boolean): void => {
    const assembled = assemble(open, seq)
    const ids = putAnswer(tools.pieces, open, assembled)
    writeAnswer(open, seq, state, isFinal, { assembled, ids })
    if (open.isSpooled) deleteSpool.run(seq)
    if (isFinal) return
    const parts = [...open.bytes.parts]
    const arrivals = open.bytes.arrivals.length
    tools.afterCommit(() => {
      restoreKept(open, assembled)
      moveWritten(open.bytes, countLeading(open.bytes.parts, parts, parts.length), false)
      open.spoolRows = 0
      open.checkpoint = { assembled, ids, state, arrivals }
    })
  }

  return {
    write,
    spool: (open, seq) => {
      if (!maySpool(open.bytes, open.head ? readEncoding(open.head.headers) : undefined)) return
      maskUnseen(open.bytes)
      // What comes after a checkpoint extends the checkpointed answer: it must stay whole without the spool.
      if (open.checkpoint) return write(open, seq, open.checkpoint.state, false)
      spoolParts(open, seq)
      if (open.isHeadSaved || !open.head) return
      writeAnswer(open, seq, { outcome: 'in-flight', failure: null, retries: 0, endedAt: null }, false, null)
      tools.afterCommit(() => {
        open.isHeadSaved = true
      })
    },
  }
}

/** A checkpoint empties the spool, so bytes that only the spool had must come back to memory. */
function restoreKept(open: OpenExchange, { stored }: Assembled): void {
  if (open.bytes.kept !== null) return
  const bytes = stored.subarray(0, open.bytes.keptBytes)
  open.bytes.kept = [{ bytes, sent: bytes, ranges: [] }]
}

function countLeading<T>(list: readonly T[], written: readonly T[], count: number): number {
  // Parts leave the list in order: those of `written` still there stand at its front.
  const [first] = list
  const gone = first === undefined ? count : written.indexOf(first)
  return gone < 0 ? 0 : Math.max(0, count - gone)
}

/** Bytes that a checkpoint has stored are not stored again. */
function putAnswer(pieces: PieceWriter, open: OpenExchange, { stored, sentSha256, storedSha256 }: Assembled): readonly number[] {
  const before = open.checkpoint
  const length = before?.assembled.stored.length ?? 0
  if (before && length <= stored.length && stored.compare(before.assembled.stored, 0, length, 0, length) === 0)
    return length === stored.length ? before.ids : [...before.ids, pieces.put(stored.subarray(length), open.scopeId)]
  // One piece is the whole body: its hash is known.
  return stored.length === 0 ? [] : [pieces.put(stored, open.scopeId, (storedSha256 ?? sentSha256).toString('hex'))]
}

type InsertAnswer = (
  open: OpenExchange,
  seq: number,
  state: AnswerState,
  isFinal: boolean,
  body: { readonly assembled: Assembled; readonly ids: readonly number[] } | null,
) => void

function createAnswerInsert(database: Sqlite, { headers }: Tools): InsertAnswer {
  const insert = database.prepare(
    `INSERT OR REPLACE INTO answers (seq, final, status, headers_piece, headers_patch, outcome, failure_code, failure_message,
      provider_request_id, retries, first_byte_at, ended_at, recipe, bytes_sent, bytes_stored, sent_sha256, stored_sha256, masked,
      decoded_from, arrivals) VALUES (${Array.from({ length: 20 }, () => '?').join(', ')})`,
  )
  return (open, seq, state, isFinal, body) => {
    const head = open.head ?? emptyHead
    const stored =
      head.headers === null ? null : headers.write(`${open.scopeId}\nanswer ${open.path}`, head.headers, open.scopeId)
    insert.run(
      seq,
      isFinal ? 1 : 0,
      head.status,
      stored?.piece ?? null,
      stored?.patch ?? null,
      state.outcome,
      state.failure?.code ?? null,
      state.failure?.message ?? null,
      head.providerRequestId,
      state.retries,
      head.firstByteAt,
      state.endedAt,
      body && writeRecipe({ keepFront: 0, keepBack: 0, ids: body.ids }),
      body?.assembled.bytesSent ?? null,
      body?.assembled.stored.length ?? null,
      body?.assembled.sentSha256 ?? null,
      body?.assembled.storedSha256 ?? null,
      body && writeRanges(body.assembled.ranges),
      body?.assembled.decodedFrom ?? null,
      body && open.bytes.arrivals.length > 0 ? writeArrivals(open.bytes.arrivals, open.startedAt) : null,
    )
  }
}
