// Re-derives every hash from what reading gives back, exchange by exchange, in bounded memory. Reports what is wrong as data: a
// damaged store must be described, not stumbled over.

import type { Ref, VerifyReport } from './_adapter.ts'
import { createBodyReader } from './bodies.ts'
import { databasePath, fileBytes, type Sqlite } from './database.ts'
import { digestOf } from './digest.ts'
import { writeCondition } from './exchanges.ts'
import { readHeaders } from './headers.ts'
import { readRecipe } from './recipe.ts'

export interface VerifyOptions {
  /** Null: the whole store. */
  readonly ref: Ref | null
  readonly onProgress: (done: number, total: number) => void
}

interface Target {
  readonly seq: number
  readonly id: string
}

interface Checked extends Target {
  readonly headers_piece: number
  readonly headers_patch: string | null
  readonly bytes_sent: number
  readonly answer_piece: number | null
  readonly answer_patch: string | null
  readonly answer_bytes: number | null
  readonly answer_recipe: Buffer | null
  readonly outcome: string | null
}

type Bad = VerifyReport['bad'][number]

export async function verifyStore(
  database: Sqlite,
  directory: string,
  { ref, onProgress }: VerifyOptions,
): Promise<VerifyReport> {
  const bad: Bad[] = []
  if (ref === null) checkStructure(database, bad)
  const targets = listTargets(database, ref)
  const used = new Set<number>()
  const check = createExchangeCheck(database, bad, used)
  let bytesRaw = 0
  for (const [at, target] of targets.entries()) {
    bytesRaw += check(target)
    if (at % 64 === 63) {
      onProgress(at + 1, targets.length)
      // Somebody may be waiting for the event loop: the viewer, a signal.
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const pieces = checkPieces(database, bad, ref === null ? null : used)
  onProgress(targets.length, targets.length)
  return { exchanges: targets.length, pieces, bytesRaw, bytesStored: measureStore(directory), bad }
}

function measureStore(directory: string): number {
  const path = databasePath(directory)
  return fileBytes(path) + fileBytes(`${path}-wal`)
}

function listTargets(database: Sqlite, ref: Ref | null): Target[] {
  const filter =
    ref === null ? {} : ref.kind === 'run' ? { runId: ref.id } : ref.kind === 'exchange' ? { id: ref.id } : { scopeId: ref.id }
  const { condition, values } = writeCondition({ ...filter, parts: true })
  return database.prepare(`SELECT e.seq, e.id FROM exchanges e ${condition} ORDER BY e.seq`).all(...values) as Target[]
}

/** SQLite's own account of its pages. */
function checkStructure(database: Sqlite, bad: Bad[]): void {
  try {
    const rows = database.pragma('quick_check(20)') as Array<{ quick_check: string }>
    for (const { quick_check } of rows) if (quick_check !== 'ok') bad.push({ exchange: null, what: `database: ${quick_check}` })
  } catch (error) {
    bad.push({ exchange: null, what: `database: ${describe(error)}` })
  }
}

/** Checks one exchange and returns its bytes as sent. */
function createExchangeCheck(database: Sqlite, bad: Bad[], used: Set<number>): (target: Target) => number {
  const bodies = createBodyReader(database)
  const select = database.prepare(
    `SELECT e.headers_piece, e.headers_patch, e.bytes_sent, a.headers_piece AS answer_piece, a.headers_patch AS answer_patch,
      a.bytes_sent AS answer_bytes, a.recipe AS answer_recipe, a.outcome FROM exchanges e LEFT JOIN answers a USING (seq) WHERE e.seq = ?`,
  )
  return target => {
    const guard = (part: string, check: () => void): void => {
      try {
        check()
      } catch (error) {
        bad.push({ exchange: target.id, what: `${part}: ${describe(error)}` })
      }
    }
    const note = (part: string) => (problem: string) => bad.push({ exchange: target.id, what: `${part}: ${problem}` })
    let row: Checked | undefined
    guard('exchange', () => {
      row = select.get(target.seq) as Checked | undefined
    })
    if (!row) return 0
    const { headers_piece, headers_patch, answer_piece, answer_patch, answer_recipe, bytes_sent, answer_bytes, outcome } = row
    guard('request headers', () => {
      used.add(headers_piece)
      readHeaders(bodies.pieces.read(headers_piece), headers_patch)
    })
    guard('request', () => {
      for (const id of bodies.listRequestPieces(target.seq)) used.add(id)
      checkBody(bodies.readRequest(target.seq), bytes_sent, note('request'))
    })
    guard('response headers', () => {
      if (answer_piece === null) return
      used.add(answer_piece)
      readHeaders(bodies.pieces.read(answer_piece), answer_patch)
    })
    guard('response', () => {
      if (answer_recipe) for (const id of readRecipe(answer_recipe).ids) used.add(id)
      else if (outcome !== null && outcome !== 'in-flight' && answer_bytes !== null)
        note('response')('its list of pieces is missing')
      const body = bodies.readResponse(target.seq)
      if (body && answer_recipe) checkBody(body, answer_bytes ?? -1, note('response'))
    })
    return bytes_sent + (answer_bytes ?? 0)
  }
}

function checkBody(
  body: {
    readonly bytes: Buffer
    readonly sentSha256: string
    readonly storedSha256: string
    readonly masked: readonly unknown[]
    readonly decodedFrom: string | null
  },
  bytesSent: number,
  note: (problem: string) => void,
): void {
  const sha256 = digestOf(body.bytes).toString('hex')
  if (sha256 !== body.storedSha256) note(`its bytes have SHA-256 ${sha256}, recorded is ${body.storedSha256}`)
  const isAsSent = body.masked.length === 0 && body.decodedFrom === null
  if (isAsSent && body.sentSha256 !== body.storedSha256) note('nothing is masked, yet the SHA-256 as sent and as stored differ')
  if (!isAsSent && body.sentSha256 === body.storedSha256)
    note('something is masked, yet the SHA-256 as sent and as stored are equal')
  if (body.decodedFrom === null && body.bytes.length !== bytesSent)
    note(`it has ${body.bytes.length} bytes, ${bytesSent} were sent`)
}

/** Every piece, or those used, against its own hash. In the order of packs, so that each is unpacked once. */
function checkPieces(database: Sqlite, bad: Bad[], only: ReadonlySet<number> | null): number {
  const { pieces } = createBodyReader(database)
  let count = 0
  const check = (id: number, hash: Buffer, key: number | null): void => {
    if (only && !only.has(id)) return
    count++
    try {
      if (!digestOf(pieces.read(id)).equals(hash))
        bad.push({ exchange: null, what: `piece ${id}: its bytes do not have its SHA-256` })
      else if (key !== null && hash.readUIntBE(0, 6) !== key)
        bad.push({ exchange: null, what: `piece ${id}: its key does not fit its SHA-256` })
    } catch (error) {
      bad.push({ exchange: null, what: `piece ${id}: ${describe(error)}` })
    }
  }
  try {
    const rows = database.prepare(
      'SELECT id, hash, key, pack_id, offset FROM pieces UNION ALL SELECT id, hash, NULL, NULL, NULL FROM loose ORDER BY pack_id, offset',
    )
    for (const { id, hash, key } of rows.iterate() as IterableIterator<{ id: number; hash: Buffer; key: number | null }>)
      check(id, hash, key)
  } catch (error) {
    bad.push({ exchange: null, what: `pieces: ${describe(error)}` })
  }
  return count
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
