// The thread through which every write goes. Drains what has been posted, applies it in one transaction, commits, then answers:
// many exchanges share one commit. When a commit fails, finished answers are saved first. Packs pieces when it has time.

import { statSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { assert, TurnpikeError } from '../core/errors.ts'
import { packBytes } from '../core/limits.ts'
import type { EpochMs } from '../core/types.ts'
import type { Effort } from './codec.ts'
import { databasePath, openWritable, recordFailure, type Sqlite } from './database.ts'
import { writeFailure } from './failure-text.ts'
import { createLedger, type Job, type Ledger } from './ledger.ts'
import { holdLock } from './lock.ts'
import { createPacker, type Packer } from './packer.ts'
import { recoverDead } from './recovery.ts'
import type { FailureText, Tick, WriterMessage, WriterOptions, WriterReply } from './writer-messages.ts'

/** Without work for so long, the thread tidies up. */
const idleMs = 1000

/** How long a caller may try again to end an exchange, before its end is given up. */
const endRetryMs = 2000

/** Loose bytes that are packed even while there is work, and then in haste. Fewer wait for a quiet second. */
const looseBytesUsual = 32 * packBytes

/** Fewer are left for a time with more, or for the end: small packs compress badly. */
const looseBytesMin = packBytes / 4

const port = parentPort
assert(port, 'the writer runs as a worker thread')
const { directory, durability } = workerData as WriterOptions
const reply = (message: WriterReply): void => port.postMessage(message)

try {
  start()
} catch (error) {
  reply({ kind: 'not-ready', failure: writeFailure(recordFailure(directory, error)) })
  port.close()
}

function start(): void {
  const database = openWritable(directory, durability)
  const lock = holdLock(directory)
  try {
    recoverDead(database, directory)
  } catch {
    // On a full disk nothing can be recovered now; the next opening tries again.
  }
  const ledger = createLedger(database, { lock: lock.name })
  const packer = createPacker(database, ledger.forgetPacked)
  const commit = createCommit(database, ledger, packer)
  let packing: Promise<void> | null = null
  let looseBytesMax = looseBytesUsual
  let idle: NodeJS.Timeout | null = null
  const tidy = (effort: Effort): void => {
    packing ??= packer
      .packInBackground(effort)
      .then(() => {
        looseBytesMax = looseBytesUsual
      })
      .catch(() => {
        // The disk may be full: not again before there is much more to pack.
        looseBytesMax = packer.looseBytes() * 2
      })
      .finally(() => {
        packing = null
      })
  }
  setInterval(() => {
    const before = Date.now() - endRetryMs
    if (ledger.hasFailedEnds(before)) commit.abandon(before)
  }, endRetryMs).unref()
  const tidyIdle = (): void => {
    if (packer.looseBytes() >= looseBytesMin) tidy('dense')
  }
  const close = (ticket: number): void => {
    void (packing ?? Promise.resolve()).then(() => {
      const failure = closeLedger(database, { ledger, packer, lockName: lock.name })
      lock.release()
      reply({ kind: 'done', tickets: failure ? [] : [ticket], failed: failure ? [[ticket, failure]] : [], buffers: [] })
      port?.close()
    })
  }
  port?.on('message', (first: Tick) => {
    const ticks = drain(first)
    const jobs = ticks.flatMap(readJobs)
    for (const job of jobs) ledger.receive(job)
    acknowledge(jobs, commit.jobs(jobs), ticks)
    if (packer.looseBytes() > looseBytesMax) tidy('fast')
    if (idle) clearTimeout(idle)
    idle = setTimeout(tidyIdle, idleMs)
    const closing = jobs.find(({ message }) => message.kind === 'close')
    if (closing?.message.kind !== 'close') return
    clearTimeout(idle)
    close(closing.message.ticket)
  })
  reply({ kind: 'ready' })
}

/** Everything that has been posted up to now. */
function drain(first: Tick): Tick[] {
  const ticks: Tick[] = []
  for (let tick: Tick | undefined = first; tick && port; tick = receiveMessageOnPort(port)?.message as Tick | undefined)
    ticks.push(tick)
  return ticks
}

function readJobs(tick: Tick): Job[] {
  const bytes = Buffer.from(tick.bytes)
  return (JSON.parse(tick.messages) as WriterMessage[]).map(message => ({ message, tick: bytes }))
}

interface Commit {
  /** Commits them together; when that fails, one by one. Tells which failed. */
  readonly jobs: (jobs: readonly Job[]) => ReadonlyMap<Job, FailureText>
  readonly abandon: (before: EpochMs) => void
}

function createCommit(database: Sqlite, ledger: Ledger, packer: Packer): Commit {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const end = database.prepare('COMMIT')
  const undo = database.prepare('ROLLBACK')
  const path = databasePath(directory)
  const inode = statSync(path).ino
  /** Null when committed. */
  const attempt = (apply: () => void): TurnpikeError | null => {
    try {
      // SQLite goes on writing into a deleted file without a word.
      if (statSync(path, { throwIfNoEntry: false })?.ino !== inode)
        throw new TurnpikeError('E_RECORD_FAILED', `the store ${path} was deleted or replaced`)
      begin.run()
      apply()
      end.run()
      ledger.committed()
      packer.add(ledger.takeLoose())
      return null
    } catch (error) {
      if (database.inTransaction) undo.run()
      ledger.rolledBack()
      return recordFailure(directory, error)
    }
  }
  const attemptJobs = (jobs: readonly Job[]): TurnpikeError | null =>
    attempt(() => {
      for (const job of jobs) if (job.message.kind !== 'close') ledger.apply(job)
    })
  return {
    abandon: before => {
      attempt(() => ledger.abandonOpen(before))
    },
    jobs: jobs => {
      const failed = new Map<Job, FailureText>()
      if (attemptJobs(jobs) !== null)
        for (const job of orderForRetry(jobs, ledger)) {
          const failure = attemptJobs([job])
          if (failure === null) continue
          failed.set(job, writeFailure(failure))
          ledger.giveUp(job)
        }
      return failed
    },
  }
}

/** Ends first: a huge beginning must not take finished answers with it. */
function orderForRetry(jobs: readonly Job[], ledger: Ledger): Job[] {
  const ends = jobs.filter(ledger.isEndOfKnown)
  return [...ends, ...jobs.filter(job => !ends.includes(job))]
}

/** Gives the buffers back as well: new memory for every tick would cost more than copying into old. */
function acknowledge(jobs: readonly Job[], failed: ReadonlyMap<Job, FailureText>, ticks: readonly Tick[]): void {
  const tickets: number[] = []
  const failures: Array<readonly [number, FailureText]> = []
  for (const job of jobs) {
    if (!('ticket' in job.message) || job.message.kind === 'close') continue
    const failure = failed.get(job)
    if (failure) failures.push([job.message.ticket, failure])
    else tickets.push(job.message.ticket)
  }
  const buffers = ticks.map(tick => tick.bytes)
  port?.postMessage({ kind: 'done', tickets, failed: failures, buffers } satisfies WriterReply, buffers)
}

interface Closing {
  readonly ledger: Ledger
  readonly packer: Packer
  readonly lockName: string
}

/** Null when closed well. A store that cannot be tidied is closed all the same: everything acknowledged is in it. */
function closeLedger(database: Sqlite, { ledger, packer, lockName }: Closing): FailureText | null {
  const abandon = database.transaction(() => {
    ledger.abandonOpen(null)
    database.prepare('DELETE FROM owners WHERE lock = ?').run(lockName)
  })
  let failure: FailureText | null = null
  try {
    abandon.immediate()
    packer.add(ledger.takeLoose())
  } catch (error) {
    // The next opening finds them as it does those of a killed process.
    failure = ledger.isIdle() ? null : writeFailure(recordFailure(directory, error))
  }
  try {
    packer.packNow()
    database.exec('PRAGMA incremental_vacuum')
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch {
    // A full disk, or another process at work: packing waits for the next time.
  }
  database.close()
  return failure
}
