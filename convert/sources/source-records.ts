// Calls of files in the formats that can be imported, decoded in memory: the pieces of all requests are kept once, as a store would, so
// that a growing conversation costs what is new in it. Serves source-file.ts.

import { createHash } from 'node:crypto'
import { readEncoding, undoEncodings } from '../../core/encodings.ts'
import { addTo } from '../../core/groups.ts'
import { maskQuery, maskText } from '../../core/redact.ts'
import type { Exchange } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'
import { findProtocol } from '../../protocols/_all.ts'
import { cutBody } from '../../store/cut.ts'
import { maskBody } from '../../store/masking.ts'
import { deriveUlid } from '../../store/ulid.ts'
import { asksModel, decodeRequest, readAnswer } from '../decode.ts'
import { findRequestId, readOutcome } from '../import.ts'
import { type ImportFile, type ReadRecord, readRecords } from '../import-records.ts'
import { type Identity, type ImportOptions, nameFile, nameSessions } from '../import-sessions.ts'
import type { ImportedExchange } from '../imports/_adapter.ts'
import { createPieceRequests } from './piece-requests.ts'
import type { SourceCall, Undecodable } from './source.ts'

type Sessions = Map<string, Array<SourceCall | Undecodable>>

export async function readImportedSessions(
  file: ImportFile,
  { identify }: Pick<ImportOptions, 'identify'>,
): Promise<ReadonlyMap<string, ReadonlyArray<SourceCall | Undecodable>>> {
  const names = await nameSessions(file, { name: null, skipBad: true, identify })
  const sessions: Sessions = new Map()
  const readers = new Map<string, ReturnType<typeof createSessionReader>>()
  const strays: Undecodable[] = []
  const onSkip = ({ line, reason, isBad }: { line: number; reason: string; isBad: boolean }): void => {
    if (isBad) strays.push({ exchangeId: `${file.source.file}:${line}`, reason })
  }
  for await (const record of readRecords(file, { skipBad: true, onSkip }))
    for (const [part, exchange] of record.exchanges.entries()) {
      const identity = identify(exchange.url, exchange.requestHeaders)
      const name = names.nameOf(exchange, identity)
      const reader = readers.get(name) ?? createSessionReader(name, file.format.id)
      readers.set(name, reader)
      const call = await reader(exchange, identity, { record, part })
      if (call !== null) addTo(sessions, name, call)
    }
  // What cannot be read names no session: it is reported with the first one.
  const [first] = sessions.keys()
  for (const stray of strays) addTo(sessions, first ?? nameFile(file.source.file), stray)
  return sessions
}

interface Place {
  readonly record: ReadRecord
  readonly part: number
}

function createSessionReader(name: string, format: string) {
  const pieces = createPieceStore()
  const requests = createPieceRequests(pieces.read)
  const ids = new Set<string>()

  const nameCall = (imported: ImportedExchange, { record, part }: Place): string => {
    const recorded = imported.recorded?.id ?? null
    if (recorded !== null && !ids.has(recorded)) return recorded
    return deriveUlid(imported.startedAt, `${record.key}\0${part}\0${name}`)
  }
  const decode = async (exchange: Exchange, protocol: ProtocolAdapter, { request, response }: Bodies) => {
    const answer = response === null ? null : readAnswer(protocol, exchange, response)
    const list = pieces.add(request)
    const address = { path: exchange.path, query: exchange.query }
    const read = list.length < 2 ? null : await requests.read({ id: exchange.id, protocol, address, pieces: list })
    return read === null ? decodeRequest(exchange, protocol, request, answer) : { exchange, answer, ...read }
  }
  return async (imported: ImportedExchange, identity: Identity, place: Place): Promise<SourceCall | Undecodable | null> => {
    const protocol = findProtocol(imported.method, identity.path)
    const id = nameCall(imported, place)
    const exchange = describeExchange(imported, { id, name, format, identity, protocol })
    if (protocol === null || !asksModel(exchange)) return null
    ids.add(id)
    const bodies = readBodies(imported, identity)
    const decoded = 'reason' in bodies ? bodies : await decode(exchange, protocol, bodies)
    if ('reason' in decoded) return { exchangeId: id, reason: decoded.reason }
    return { continues: null, ...decoded, costNanoUsd: null }
  }
}

interface Bodies {
  readonly request: Buffer
  readonly response: Buffer | null
}

function readBodies(imported: ImportedExchange, identity: Identity): Bodies | { readonly reason: string } {
  const request = readBody(imported.requestBody, imported.requestHeaders, identity)
  if (request === null) return { reason: 'the request has no body' }
  if ('reason' in request) return { reason: `request: ${request.reason}` }
  const response = readBody(imported.responseBody, imported.responseHeaders, identity)
  if (response !== null && 'reason' in response) return { reason: `response: ${response.reason}` }
  return { request: request.bytes, response: response?.bytes ?? null }
}

/** Null for an empty one. Secrets that the request itself presents are masked in both bodies, as in a store. */
function readBody(body: Uint8Array | null, headers: Exchange['requestHeaders'] | null, { secrets }: Identity) {
  if (body === null || body.length === 0) return null
  const decoded = undoEncodings(Buffer.from(body.buffer, body.byteOffset, body.byteLength), readEncoding(headers))
  if ('reason' in decoded) return decoded
  const hidden = secrets.filter(secret => !/^\*+$/.test(secret))
  return { bytes: maskBody(decoded.bytes, hidden).bytes }
}

/** Pieces of one session's requests, each once. */
function createPieceStore() {
  const ids = new Map<string, number>()
  const stored: Buffer[] = []
  return {
    read: async (id: number): Promise<Buffer> => stored[id] ?? Buffer.alloc(0),
    add: (bytes: Buffer): Uint32Array => {
      let start = 0
      const list = cutBody(bytes, { from: 0, to: bytes.length, insideArray: false }).map(end => {
        const piece = bytes.subarray(start, end)
        start = end
        const name = createHash('sha256').update(piece).digest('base64')
        const known = ids.get(name)
        if (known !== undefined) return known
        ids.set(name, stored.length)
        // A copy: the piece must not hold the whole body in memory.
        stored.push(Buffer.from(piece))
        return stored.length - 1
      })
      return Uint32Array.from(list)
    },
  }
}

interface Described {
  readonly id: string
  readonly name: string
  readonly format: string
  readonly identity: Identity
  readonly protocol: ProtocolAdapter | null
}

function describeExchange(imported: ImportedExchange, { id, name, format, identity, protocol }: Described): Exchange {
  const secrets = identity.secrets
  return {
    id,
    scope: { kind: 'session', id: name },
    turn: imported.recorded?.turn ?? null,
    attempt: imported.recorded?.attempt ?? null,
    protocol: protocol?.id ?? null,
    route: imported.recorded?.route ?? `import:${format}`,
    method: imported.method,
    path: maskText(identity.path, secrets),
    query: maskQuery(identity.query, secrets),
    requestHeaders: imported.requestHeaders,
    requestBytes: imported.requestBody.length,
    requestSha256: createHash('sha256').update(imported.requestBody).digest('hex'),
    status: imported.status,
    responseHeaders: imported.responseHeaders,
    responseBytes: imported.responseBody?.length ?? null,
    responseSha256: imported.responseBody === null ? null : createHash('sha256').update(imported.responseBody).digest('hex'),
    outcome: readOutcome(imported, protocol),
    failure: imported.failure,
    providerRequestId: findRequestId(imported.responseHeaders, protocol),
    retries: imported.recorded?.retries ?? 0,
    startedAt: imported.startedAt,
    firstByteAt: imported.firstByteAt,
    endedAt: imported.endedAt,
  }
}
