// Lines of a raw log by session: one quick look finds where each line stands and whose it is, so that the lines of one session are then
// read without those of the others. Reads lines into buffers that are used again; parses nothing but session names.

import { closeSync, openSync, readSync } from 'node:fs'
import { TurnpikeError } from '../../core/errors.ts'
import { addTo } from '../../core/groups.ts'
import { parseJson } from '../../protocols/_json.ts'
import { readLines, refuseHuge, type Source } from '../imports/_source.ts'
import { findMember } from './line-scan.ts'

/** Fits the nearest cache: larger chunks are read three times as slowly. */
const chunkBytes = 64 * 1024

/** The session stands within so many first bytes of a line, or the whole line is looked through. */
const headBytes = 4096

export interface LogLine {
  /** 1-based. */
  readonly line: number
  readonly offset: number
  readonly bytes: number
  /** The file ends in the middle of it: no line break follows. */
  readonly isLast: boolean
}

export interface LogIndex {
  /** In the order of their first lines. */
  readonly sessions: ReadonlyMap<string, readonly LogLine[]>
  /** Lines that name no session. */
  readonly strays: readonly LogLine[]
}

export async function indexLog(source: Source): Promise<LogIndex> {
  const sessions = new Map<string, LogLine[]>()
  const strays: LogLine[] = []
  const add = (line: LogLine, session: string | null): void => {
    if (session === null) strays.push(line)
    else addTo(sessions, session, line)
  }
  if (source.isGzip)
    for await (const { line, bytes, isLast } of readLines(source))
      add({ line, offset: 0, bytes: bytes.length, isLast }, readSession(bytes))
  else withFile(source, file => scanFile(source, file, add))
  return { sessions, strays }
}

/** Null where it is not found within `head`. */
function readSession(head: Buffer): string | null {
  const value = findMember(head, 'session_id')
  const session = value === null ? undefined : parseJson(head.toString('utf8', value.from, value.to))
  return typeof session === 'string' ? session : null
}

function scanFile(source: Source, file: number, add: (line: LogLine, session: string | null) => void): void {
  const chunk = Buffer.allocUnsafeSlow(chunkBytes)
  let position = 0
  let line = 1
  let start = 0
  /** Of the line that begins at `start`; undefined: its head was not seen yet. */
  let session: string | null | undefined
  const finish = (end: number, isLast: boolean): void => {
    const found = { line, offset: start, bytes: end - start, isLast }
    if (found.bytes > 0) add(found, session ?? readSession(readLine(file, found, Buffer.alloc(found.bytes))))
    line += 1
    start = end + 1
    session = undefined
  }
  for (;;) {
    const size = readSync(file, chunk, 0, chunkBytes, position)
    if (size === 0) break
    for (let at = Math.max(0, start - position); at < size; at = start - position) {
      const found = chunk.subarray(0, size).indexOf(0x0a, at)
      const end = found < 0 ? size : found
      // A head that goes on in the next chunk is read again, from its beginning.
      const isWhole = found >= 0 || at === 0 || end - at >= headBytes
      if (session === undefined && isWhole) session = readSession(chunk.subarray(at, Math.min(at + headBytes, end)))
      if (found < 0) break
      finish(position + found, false)
    }
    position = session === undefined && start > position ? start : position + size
    refuseHuge(source, line, 'line', position - start)
  }
  if (position > start) finish(position, true)
}

function readLine(file: number, line: LogLine, into: Buffer): Buffer {
  const size = readSync(file, into, 0, line.bytes, line.offset)
  return into.subarray(0, size)
}

function withFile<T>(source: Source, use: (file: number) => T): T {
  try {
    const file = openSync(source.path, 'r')
    try {
      return use(file)
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    if (cause instanceof TurnpikeError) throw cause
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read ${source.file}`, { cause })
  }
}

export interface LineBuffers {
  /** Of at least so many bytes. */
  readonly take: (bytes: number) => Buffer
  /** What is in it is not needed any more. */
  readonly giveBack: (buffer: Buffer) => void
}

export function createLineBuffers(): LineBuffers {
  const free: Buffer[] = []
  return {
    take: bytes => {
      const at = free.findIndex(buffer => buffer.length >= bytes)
      const [found] = at < 0 ? [] : free.splice(at, 1)
      if (found === undefined) free.length = 0
      // A quarter more, for the longer lines to come.
      return found ?? Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25))
    },
    giveBack: buffer => {
      if (free.length < 2) free.push(buffer)
    },
  }
}

/** The lines' bytes, each in a buffer that is the reader's until it is given back. */
export async function* readLogLines(
  source: Source,
  lines: readonly LogLine[],
  buffers: LineBuffers,
): AsyncIterable<{ readonly at: LogLine; readonly bytes: Buffer; readonly buffer: Buffer }> {
  if (source.isGzip) {
    const wanted = new Map(lines.map(line => [line.line, line]))
    for await (const { line, bytes } of readLines(source)) {
      const at = wanted.get(line)
      if (at !== undefined) yield { at, bytes, buffer: bytes }
    }
    return
  }
  const file = withFile(source, () => openSync(source.path, 'r'))
  try {
    for (const at of lines) {
      const buffer = buffers.take(at.bytes)
      yield { at, bytes: readLine(file, at, buffer), buffer }
    }
  } finally {
    closeSync(file)
  }
}
