// Brings recordings of others into the store, as exchanges of sessions. Every file is read twice: first checked to its end, so that a
// bad line stops an import before it has written anything. What is there already is not written again.

import { TurnpikeError } from '../core/errors.ts'
import { maskHeaders, maskQuery, maskText } from '../core/redact.ts'
import type { HeaderList, Session } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { findProtocol } from '../protocols/_all.ts'
import { readEvents } from '../protocols/_framing.ts'
import { findFraming } from '../protocols/_framings.ts'
import type { ExchangeEnd, Store } from '../store/_adapter.ts'
import { createUlid, deriveUlid } from '../store/ulid.ts'
import { readHeader } from './bodies.ts'
import { type ImportFile, openImportFile, type ReadRecord, readRecords, type SkippedLine } from './import-records.ts'
import { type Identity, type ImportOptions, nameSessions, type SessionNames } from './import-sessions.ts'
import type { ImportedExchange } from './imports/_adapter.ts'

export interface ImportReport {
  readonly files: ReadonlyArray<{ readonly file: string; readonly format: string; readonly exchanges: number }>
  /** Newly written. */
  readonly exchanges: number
  /** In the store before. */
  readonly known: number
  readonly sessions: ReadonlyArray<{ readonly id: string; readonly name: string; readonly exchanges: number }>
  readonly skipped: readonly SkippedLine[]
}

export async function importFiles(store: Store, options: ImportOptions): Promise<ImportReport> {
  const checked: Array<{ readonly file: ImportFile; readonly names: SessionNames }> = []
  for (const name of options.files) {
    const file = await openImportFile(name, options.directory, options.format)
    checked.push({ file, names: await nameSessions(file, options) })
  }
  const writer = createWriter(store, options)
  const files: Array<ImportReport['files'][number]> = []
  for (const { file, names } of checked) files.push(await writer.importFile(file, names))
  return { files, ...writer.report() }
}

interface SessionCount {
  readonly session: Session
  exchanges: number
}

function createWriter(store: Store, options: ImportOptions) {
  const sessions = new Map<string, SessionCount>()
  const skipped: SkippedLine[] = []
  let written = 0
  let known = 0

  async function findSession(name: string, identity: Identity, startedAt: number): Promise<SessionCount> {
    const found = sessions.get(name)
    if (found !== undefined) return found
    const [existing] = await store.list('sessions', { name })
    const made: Session = { id: createUlid(), name, source: 'import', agentSession: identity.agentSession, startedAt }
    if (existing === undefined) await store.put('sessions', [made])
    const count = { session: existing ?? made, exchanges: 0 }
    sessions.set(name, count)
    return count
  }

  async function importExchange(exchange: ImportedExchange, id: string, place: { file: ImportFile; names: SessionNames }) {
    const identity = options.identify(exchange.url, exchange.requestHeaders)
    const name = place.names.nameOf(exchange, identity)
    const count = await findSession(name, identity, exchange.startedAt)
    const derived = deriveUlid(exchange.startedAt, `${id}\0${name}`)
    const recorded = exchange.recorded?.id ?? null
    const ids = recorded === null ? [derived] : [recorded, derived]
    const free = await findFreeId(store, ids, count.session.id)
    if (free === null) {
      known += 1
      return
    }
    refuseRecorded(count.session)
    await writeExchange(store, { exchange, id: free, identity, sessionId: count.session.id, format: place.file.format.id })
    written += 1
    count.exchanges += 1
  }

  return {
    report: () => ({
      exchanges: written,
      known,
      sessions: [...sessions.values()].map(({ session, exchanges }) => ({ id: session.id, name: session.name, exchanges })),
      skipped,
    }),
    importFile: async (file: ImportFile, names: SessionNames) => {
      let exchanges = 0
      for await (const record of readRecords(file, { skipBad: options.skipBad, onSkip: line => skipped.push(line) })) {
        for (const [part, exchange] of record.exchanges.entries()) {
          if (options.signal?.aborted)
            throw new TurnpikeError('E_INTERRUPTED', `${written} exchanges were imported before the interruption`)
          await importExchange(exchange, identityOf(record, part), { file, names })
          exchanges += 1
        }
        options.onProgress?.(file.source.file, exchanges)
      }
      return { file: file.source.file, format: file.format.id, exchanges }
    },
  }
}

function identityOf(record: ReadRecord, part: number): string {
  return `${record.key}\0${part}`
}

/** Recorded and imported traffic in one session could be the same calls twice. */
function refuseRecorded(session: Session): void {
  if (session.source === 'import') return
  throw new TurnpikeError(
    'E_USAGE',
    `the session "${session.name}" was recorded by the proxy; importing into it could count calls twice`,
    {
      hint: 'give the import a session of its own with --name',
    },
  )
}

/** The first id that the store does not have; null when the session has the exchange already. */
async function findFreeId(store: Store, ids: readonly string[], sessionId: string): Promise<string | null> {
  for (const id of ids) {
    const [existing] = await store.exchanges({ id })
    if (existing === undefined) return id
    if (existing.scope.id === sessionId) return null
  }
  return null
}

interface WriteRequest {
  readonly exchange: ImportedExchange
  readonly id: string
  readonly identity: Identity
  readonly sessionId: string
  readonly format: string
}

async function writeExchange(store: Store, { exchange, id, identity, sessionId, format }: WriteRequest): Promise<void> {
  // A key that was masked before is no secret: its asterisks stand in every masked place.
  const secrets = identity.secrets.filter(secret => !/^\*+$/.test(secret))
  const protocol = findProtocol(exchange.method, identity.path)
  const secretHeaders = protocol?.secretHeaders ?? []
  await store.recorder.begin({
    id,
    scope: { kind: 'session', id: sessionId },
    turn: exchange.recorded?.turn ?? null,
    attempt: exchange.recorded?.attempt ?? null,
    protocol: protocol?.id ?? null,
    route: exchange.recorded?.route ?? `import:${format}`,
    method: exchange.method,
    path: maskText(identity.path, secrets),
    query: maskQuery(identity.query, secrets),
    requestHeaders: maskHeaders(exchange.requestHeaders, secretHeaders, secrets),
    requestBody: exchange.requestBody,
    startedAt: exchange.startedAt,
    secrets,
  })
  const { responseHeaders } = exchange
  const end: ExchangeEnd = {
    status: exchange.status,
    responseHeaders: responseHeaders === null ? null : maskHeaders(responseHeaders, secretHeaders, secrets),
    outcome: readOutcome(exchange, protocol),
    failure: exchange.failure,
    providerRequestId: findRequestId(responseHeaders, protocol),
    retries: exchange.recorded?.retries ?? 0,
    firstByteAt: exchange.firstByteAt,
    endedAt: exchange.endedAt,
  }
  store.recorder.head(id, end)
  appendBody(store, id, exchange)
  await store.recorder.end(id, end)
}

function appendBody(store: Store, id: string, exchange: ImportedExchange): void {
  const body = exchange.responseBody
  if (body === null || body.length === 0) return
  let start = 0
  for (const { at, bytes } of exchange.arrivals ?? []) {
    if (bytes > 0 && start < body.length) store.recorder.append(id, body.subarray(start, start + bytes), at)
    start += bytes
  }
  if (start < body.length) store.recorder.append(id, body.subarray(start), exchange.endedAt)
}

export function findRequestId(headers: HeaderList | null, protocol: ProtocolAdapter | null): string | null {
  for (const name of protocol?.requestIdHeaders ?? ['request-id', 'x-request-id']) {
    const value = readHeader(headers, name)
    if (value !== null) return value
  }
  return null
}

/** A client that hangs up after the end of a stream has not aborted it. */
export function readOutcome(exchange: ImportedExchange, protocol: ProtocolAdapter | null): ExchangeEnd['outcome'] {
  if (exchange.outcome !== 'closed-early') return exchange.outcome
  const body = exchange.responseBody ?? Buffer.alloc(0)
  const framing = findFraming(readHeader(exchange.responseHeaders, 'content-type'), body)
  if (protocol === null || framing === null) return 'client-aborted'
  return readEvents(framing, body).some(protocol.isTerminal) ? 'complete' : 'client-aborted'
}
