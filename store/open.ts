// Opens a store: one writer thread for everything that changes it, one connection on the calling thread for everything that reads
// it. The only way into this folder for the other stages.

import { resolve } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { OpenOptions, Recorder, Store } from './_adapter.ts'
import { type BodyReader, createBodyReader } from './bodies.ts'
import { openReadable, type Sqlite } from './database.ts'
import { createExchangeReader } from './exchanges.ts'
import { writeRow } from './nouns.ts'
import { resolveRef } from './refs.ts'
import { createRowReader } from './rows.ts'
import { createToken, createTokenReader, hashToken } from './tokens.ts'
import { verifyStore } from './verify.ts'
import { openWriter, type Writer } from './writer.ts'

export async function openStore(directory: string, options: OpenOptions = {}): Promise<Store> {
  const path = resolve(directory)
  const writer = options.readOnly ? null : await openWriter({ directory: path, durability: options.durability ?? 'process' })
  const database = openReadable(path)
  const bodies = createBodyReader(database)
  return {
    directory: path,
    ...createWrites(path, writer),
    ...createReads(path, database, bodies),
    close: createClose(database, writer),
  }
}

type Writes = Pick<Store, 'recorder' | 'put' | 'mintToken' | 'revokeTokens'>
type Reads = Omit<Store, keyof Writes | 'directory' | 'close'>

function createWrites(directory: string, writer: Writer | null): Writes {
  const send: Writer['send'] = writer?.send ?? (() => Promise.reject(refuseWrite(directory)))
  return {
    recorder: writer?.recorder ?? createRefusingRecorder(directory),
    put: async (noun, rows) => {
      if (rows.length > 0) await send({ kind: 'put', noun, rows: rows.map(row => writeRow(noun, row)) })
    },
    mintToken: async trialId => {
      const token = createToken()
      await send({ kind: 'mint', hash: hashToken(token).toString('hex'), trialId })
      return token
    },
    revokeTokens: trialId => send({ kind: 'revoke', trialId }),
  }
}

function createReads(directory: string, database: Sqlite, bodies: BodyReader): Reads {
  const exchanges = createExchangeReader(database, bodies)
  const rows = createRowReader(database)
  const readToken = createTokenReader(database)
  const findSeq = (id: string): number => {
    const seq = exchanges.findSeq(id)
    if (seq === null) throw new TurnpikeError('E_REF_UNKNOWN', `there is no exchange ${id}`)
    return seq
  }
  return {
    list: async (noun, where) => guardRead(directory, () => rows.list(noun, where)),
    exchanges: async filter => guardRead(directory, () => exchanges.list(filter)),
    readBody: async (id, side) =>
      guardRead(directory, () => (side === 'request' ? bodies.readRequest(findSeq(id)) : bodies.readResponse(findSeq(id)))),
    readRequestPieces: async id => guardRead(directory, () => bodies.readRequestPieces(findSeq(id))),
    readPiece: async id => guardRead(directory, () => bodies.pieces.read(id)),
    readArrivals: async id => guardRead(directory, () => bodies.readArrivals(findSeq(id))),
    resolveRef: async ref => guardRead(directory, () => resolveRef(database, ref)),
    resolveToken: async token => guardRead(directory, () => readToken(token)),
    verify: async (ref, onProgress) =>
      verifyStore(database, directory, { ref: ref ?? null, onProgress: onProgress ?? (() => undefined) }),
  }
}

function createClose(database: Sqlite, writer: Writer | null): () => Promise<void> {
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    // The reader first: the last connection to close removes the write-ahead log.
    database.close()
    await writer?.close()
  }
  return () => {
    closing ??= close()
    return closing
  }
}

function guardRead<T>(directory: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isTurnpikeError(error)) throw error
    throw new TurnpikeError('E_STORE_UNREADABLE', `cannot read from the store in ${directory}`, { cause: error })
  }
}

function refuseWrite(directory: string): TurnpikeError {
  return new TurnpikeError('E_RECORD_FAILED', `the store in ${directory} was opened for reading only`)
}

function createRefusingRecorder(directory: string): Recorder {
  const refuse = (): Promise<void> => Promise.reject(refuseWrite(directory))
  const ignore = (): void => undefined
  return { begin: refuse, head: ignore, append: ignore, checkpoint: refuse, end: refuse, pendingBytes: () => 0 }
}
