// Applies the messages of the calling thread to the database, within the writer's transaction. Holds the exchanges that are open.
// Applying may be rolled back and repeated; receiving bytes happens once.

import { TurnpikeError } from '../core/errors.ts'
import type { EpochMs } from '../core/types.ts'
import { receiveBytes } from './answer-bytes.ts'
import { type AnswerState, type AnswerWriter, createAnswerWriter, type OpenExchange, openExchange } from './answer-writer.ts'
import { createBegin, type Owner } from './begin-writer.ts'
import { type BodyReader, createBodyReader } from './bodies.ts'
import { createCounter } from './counter.ts'
import type { Sqlite } from './database.ts'
import { createHeaderWriter } from './headers.ts'
import { createPieceWriter, type LoosePiece } from './piece-writer.ts'
import { createPlainWriter, type PlainMessage } from './plain-writer.ts'
import { createRequestWriter } from './request-writer.ts'
import type { BeginMessage, BytesMessage, EndMessage, WriterMessage } from './writer-messages.ts'

export interface Job {
  readonly message: WriterMessage
  /** The tick's bytes, of which the message names parts. Gone once the job is done: what stays must be copied. */
  readonly tick: Buffer
}

export interface Ledger {
  /** Takes what the message brings into memory; once per job, in order of arrival, whatever becomes of its transaction. */
  readonly receive: (job: Job) => void
  readonly apply: (job: Job) => void
  /** True when the job ends an exchange whose beginning is committed: such jobs are saved first when something fails. */
  readonly isEndOfKnown: (job: Job) => boolean
  readonly committed: () => void
  readonly rolledBack: () => void
  /** The job will not be tried again; what it brought stays. */
  readonly giveUp: (job: Job) => void
  /** No exchange is open. */
  readonly isIdle: () => boolean
  /** Whether an end could not be recorded before that time and was not tried again. */
  readonly hasFailedEnds: (before: EpochMs) => boolean
  /** Records as cut off: the exchanges whose end failed before that time, or (null) all that are open. */
  readonly abandonOpen: (before: EpochMs | null) => void
  readonly takeLoose: () => LoosePiece[]
  readonly forgetPacked: (pieces: readonly LoosePiece[]) => void
}

export function createLedger(database: Sqlite, owner: Owner): Ledger {
  const open = new Map<string, OpenExchange>()
  const actions: Array<() => void> = []
  /** Begun in this transaction: not there after a rollback. */
  const begun: OpenExchange[] = []
  const writers = createWriters(database, owner, action => actions.push(action))

  const begin = (message: BeginMessage, job: Job): void => {
    const exchange = findOpen(open, message.id)
    exchange.seq = writers.begin(message, cut(job.tick, message.body))
    begun.push(exchange)
  }
  const continueExchange = (message: EndMessage | BytesMessage): void => {
    // Already ended, when the end was saved first.
    if (message.kind === 'bytes' && !open.has(message.id)) return
    const exchange = findOpen(open, message.id)
    const { seq } = exchange
    if (seq === null) throw notOpen(message.id)
    if (message.kind === 'bytes') writers.answers.spool(exchange, seq)
    else writers.answers.write(exchange, seq, message, message.kind === 'end')
    if (message.kind === 'end') actions.push(() => open.delete(message.id))
  }
  const clear = (): void => {
    actions.length = 0
    begun.length = 0
  }

  return {
    takeLoose: writers.takeLoose,
    forgetPacked: writers.forgetPacked,
    receive: job => receive(open, job),
    apply: job => {
      const { message } = job
      if (message.kind === 'begin') begin(message, job)
      else if (message.kind === 'bytes') continueExchange(message)
      else if (message.kind === 'end' || message.kind === 'checkpoint') continueExchange(message)
      else writers.plain(message)
    },
    isEndOfKnown: ({ message }) => message.kind === 'end' && (open.get(message.id)?.seq ?? null) !== null,
    committed: () => {
      const due = [...actions]
      clear()
      writers.settle()
      for (const action of due) action()
    },
    rolledBack: () => {
      for (const exchange of begun) exchange.seq = null
      clear()
      writers.forget()
    },
    giveUp: ({ message }) => {
      const exchange = 'id' in message ? open.get(message.id) : undefined
      if (message.kind === 'begin' && exchange?.seq === null) open.delete(message.id)
      if (message.kind === 'end' && exchange) exchange.endFailedAt = Date.now()
    },
    isIdle: () => open.size === 0,
    hasFailedEnds: before => [...open.values()].some(exchange => (exchange.endFailedAt ?? Number.POSITIVE_INFINITY) < before),
    abandonOpen: before => {
      for (const [id, exchange] of open) {
        if (before !== null && (exchange.endFailedAt ?? Number.POSITIVE_INFINITY) >= before) continue
        const state = exchange.checkpoint?.state ?? describeKilled(exchange)
        if (exchange.seq !== null) writers.answers.write(exchange, exchange.seq, state, true)
        actions.push(() => open.delete(id))
      }
    },
  }
}

interface Writers {
  readonly begin: (message: BeginMessage, body: Buffer) => number
  readonly answers: AnswerWriter
  readonly plain: (message: PlainMessage) => void
  readonly takeLoose: () => LoosePiece[]
  readonly settle: () => void
  readonly forgetPacked: (pieces: readonly LoosePiece[]) => void
  /** After a rollback: whatever is remembered of rows may be of rows that are gone. */
  readonly forget: () => void
}

function createWriters(database: Sqlite, owner: Owner, afterCommit: (action: () => void) => void): Writers {
  let reader: BodyReader | null = null
  const bodies = (): BodyReader => {
    reader ??= createBodyReader(database)
    return reader
  }
  const pieces = createPieceWriter(database)
  const seqs = createCounter(database, 'SELECT coalesce(max(seq), 0) FROM exchanges')
  const settle = (): void => {
    seqs.settle()
    pieces.settle()
  }
  const headers = createHeaderWriter(pieces.put)
  const requests = createRequestWriter(database, pieces, bodies)
  return {
    begin: createBegin(database, { owner, headers, requests, afterCommit, seqs }),
    answers: createAnswerWriter(database, { pieces, headers, bodies, afterCommit }),
    plain: createPlainWriter(database),
    takeLoose: pieces.takeLoose,
    settle,
    forgetPacked: pieces.forget,
    forget: () => {
      settle()
      pieces.forget(pieces.takeLoose())
      headers.forget()
      requests.forget()
      reader = null
    },
  }
}

function notOpen(id: string): TurnpikeError {
  return new TurnpikeError('E_RECORD_FAILED', `exchange ${id} is not open: its beginning was not recorded, or it has ended`)
}

function cut(tick: Buffer, [start, length]: readonly [number, number]): Buffer {
  return tick.subarray(start, start + length)
}

function findOpen(open: ReadonlyMap<string, OpenExchange>, id: string): OpenExchange {
  const exchange = open.get(id)
  if (!exchange) throw notOpen(id)
  return exchange
}

function receive(open: Map<string, OpenExchange>, { message, tick }: Job): void {
  if (message.kind === 'begin') {
    // An id that is taken is refused when it is written; the exchange that has it must not suffer.
    if (!open.has(message.id)) open.set(message.id, openExchange({ ...message, scopeId: message.scope.id }))
    return
  }
  if (message.kind !== 'bytes' && message.kind !== 'end' && message.kind !== 'checkpoint') return
  const exchange = open.get(message.id)
  if (!exchange) return
  receiveBytes(exchange.bytes, Buffer.from(cut(tick, message.arrived.bytes)), message.arrived.arrivals)
  exchange.head = message.head ?? exchange.head
}

function describeKilled(exchange: OpenExchange): AnswerState {
  const failure = exchange.endFailedAt === null ? killedFailure : unrecordedFailure
  return { outcome: 'proxy-killed', failure, retries: 0, endedAt: exchange.bytes.arrivals.at(-1)?.at ?? null }
}

const unrecordedFailure = {
  code: 'E_RECORD_FAILED',
  message: 'the end of the answer could not be recorded when it came, so the agent did not get it',
} as const

export const killedFailure = { code: 'E_INTERRUPTED', message: 'the recording process ended before the answer did' } as const
