// Writes the beginning of an exchange: who recorded it, its headers, its request body. Runs in the writer thread's transaction.

import { readEncoding } from '../core/encodings.ts'
import type { Scope } from '../core/types.ts'
import type { Counter } from './counter.ts'
import type { Sqlite } from './database.ts'
import type { HeaderWriter } from './headers.ts'
import { writeRanges } from './recipe.ts'
import type { RequestWriter } from './request-writer.ts'
import type { BeginMessage } from './writer-messages.ts'

/** Which process writes; made on the first exchange, so that opening a store on a full disk works. */
export interface Owner {
  readonly lock: string
}

interface BeginTools {
  readonly owner: Owner
  readonly headers: HeaderWriter
  readonly requests: RequestWriter
  readonly afterCommit: (action: () => void) => void
  readonly seqs: Counter
}

/** The statement behind `begin`: gives the exchange its seq. */
export function createBegin(
  database: Sqlite,
  { owner, headers, requests, afterCommit, seqs }: BeginTools,
): (message: BeginMessage, body: Buffer) => number {
  const findOwner = database.prepare('SELECT id FROM owners WHERE lock = ?').pluck()
  const insertOwner = database.prepare('INSERT INTO owners (lock, first_seq) VALUES (?, ?)')
  const insert = database.prepare(
    `INSERT INTO exchanges (seq, id, owner, scope, turn, attempt, protocol, route, method, path, query, started_at,
      headers_piece, headers_patch, base, depth, recipe, bytes_sent, bytes_stored, sent_sha256, stored_sha256, masked, decoded_from, part_of, part)
      VALUES (${Array.from({ length: 25 }, () => '?').join(', ')})`,
  )
  let ownerId: number | null = null
  const identify = (seq: number): number => {
    if (ownerId !== null) return ownerId
    const id = (findOwner.get(owner.lock) as number | undefined) ?? Number(insertOwner.run(owner.lock, seq).lastInsertRowid)
    afterCommit(() => {
      ownerId = id
    })
    return id
  }
  const identifyScope = createScopeNumbers(database, afterCommit)
  return (message, body) => {
    const { scope, secrets } = message
    const seq = seqs.take()
    const ownerNow = identify(seq)
    const head = headers.write(`${scope.id}\nrequest ${message.path}`, message.headers, scope.id)
    const stored = requests.write({ seq, scopeId: scope.id, body, encoding: readEncoding(message.headers), secrets })
    insert.run(
      seq,
      message.id,
      ownerNow,
      identifyScope(scope),
      message.turn,
      message.attempt,
      message.protocol,
      message.route,
      message.method,
      message.path,
      message.query,
      message.startedAt,
      head.piece,
      head.patch,
      stored.base,
      stored.depth,
      stored.recipe,
      stored.bytesSent,
      stored.bytesStored,
      stored.sentSha256,
      stored.storedSha256,
      writeRanges(stored.ranges),
      stored.decodedFrom,
      message.partOf?.id ?? null,
      message.partOf?.part ?? null,
    )
    return seq
  }
}

/** Scopes whose numbers are remembered. */
const scopesMax = 4096

function createScopeNumbers(database: Sqlite, afterCommit: (action: () => void) => void): (scope: Scope) => number {
  const find = database.prepare('SELECT id FROM scopes WHERE name = ? AND kind = ?').pluck()
  const insert = database.prepare('INSERT INTO scopes (kind, name) VALUES (?, ?)')
  const known = new Map<string, number>()
  return ({ kind, id: name }) => {
    const key = `${kind} ${name}`
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const id = (find.get(name, kind) as number | undefined) ?? Number(insert.run(kind, name).lastInsertRowid)
    afterCommit(() => {
      if (known.size >= scopesMax) known.clear()
      known.set(key, id)
    })
    return id
  }
}
