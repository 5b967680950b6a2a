// Bytes of a file to import: unzipped where they are gzipped, as lines, or as the elements of a HAR's `log.entries`, one at a time: a
// file may be larger than the memory. Shared by everything that imports; knows no format.

import { createReadStream, existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { TurnpikeError } from '../../core/errors.ts'
import { importRecordBytesMax } from '../../core/limits.ts'
import type { FileStart } from './_adapter.ts'
import { invalidRecord } from './_fields.ts'
import { createEntryScanner } from './_har-entries.ts'

export interface Source {
  /** As the person named it. */
  readonly file: string
  readonly directory: string
  /** Of the bytes themselves, and whether they are gzipped there. */
  readonly path: string
  readonly isGzip: boolean
  readonly bytes: () => AsyncIterable<Buffer>
}

export interface RecordBytes {
  /** 1-based. */
  readonly line: number
  readonly bytes: Buffer
  /** The file ends in the middle of it: no line break follows. */
  readonly isLast: boolean
}

export async function openSource(file: string, directory: string): Promise<Source> {
  const path = findFile(resolve(directory, file))
  const isGzip = await readMagic(path, file)
  return {
    file,
    directory: dirname(path),
    path,
    isGzip,
    bytes: () => {
      const stream = createReadStream(path, { highWaterMark: 256 * 1024 })
      // `pipeline` with a callback: an error of either stream reaches the one that is read.
      const plain = isGzip ? pipeline(stream, createGunzip(), () => {}) : stream
      return guard(plain as AsyncIterable<Buffer>, file)
    },
  }
}

/** What an export wrote is a directory with an index. */
function findFile(file: string): string {
  const isDirectory = existsSync(file) && statSync(file).isDirectory()
  return isDirectory ? join(file, 'index.jsonl') : file
}

async function readMagic(path: string, file: string): Promise<boolean> {
  try {
    const handle = await open(path)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
      return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read ${file}`, { cause })
  }
}

async function* guard(bytes: AsyncIterable<Buffer>, file: string): AsyncIterable<Buffer> {
  try {
    yield* bytes
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

/** Lines that are not blank. */
export async function* readLines(source: Source): AsyncIterable<RecordBytes> {
  let held: Buffer[] = []
  let heldBytes = 0
  let line = 1
  for await (const chunk of source.bytes()) {
    let start = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const bytes = Buffer.concat([...held, chunk.subarray(start, end)])
      if (!isBlank(bytes)) yield { line, bytes, isLast: false }
      ;[held, heldBytes, start, line] = [[], 0, end + 1, line + 1]
    }
    held.push(Buffer.from(chunk.subarray(start)))
    heldBytes += chunk.length - start
    refuseHuge(source, line, 'line', heldBytes)
  }
  const bytes = Buffer.concat(held)
  if (!isBlank(bytes)) yield { line, bytes, isLast: true }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every(byte => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

export function refuseHuge(source: Source, line: number, unit: 'line' | 'entry', bytes: number): void {
  if (bytes > importRecordBytesMax)
    throw invalidRecord({ file: source.file, line, unit }, `is larger than ${importRecordBytesMax / 1024 / 1024} MiB`)
}

/** The elements of `log.entries`, each as its bytes. */
export async function* readHarEntries(source: Source): AsyncIterable<RecordBytes> {
  const scanner = createEntryScanner()
  let entry = 0
  for await (const chunk of source.bytes()) {
    for (const bytes of scanner.push(chunk)) {
      entry += 1
      yield { line: entry, bytes, isLast: false }
    }
    refuseHuge(source, entry + 1, 'entry', scanner.heldBytes())
  }
  const place = { file: source.file, line: entry + 1, unit: 'entry' } as const
  if (scanner.heldBytes() > 0) yield { line: entry + 1, bytes: scanner.rest(), isLast: true }
  else if (!scanner.isDone()) throw invalidRecord(place, 'the file ends before the list "log.entries" does')
}

/** Enough for the field names of a record that begins with its large ones. */
const startBytes = 256 * 1024

export async function readStart(source: Source): Promise<FileStart> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of source.bytes()) {
    parts.push(chunk)
    size += chunk.length
    if (size >= startBytes) break
  }
  return readKeys(
    Buffer.concat(parts)
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trimStart(),
  )
}

/** Field names of the first object and of the objects directly within it. */
export function readKeys(text: string): FileStart {
  if (!text.startsWith('{')) return { keys: null, innerKeys: new Set() }
  const keys = [new Set<string>(), new Set<string>()]
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    else if (char === '"') {
      const end = findQuote(text, at + 1)
      if (/^\s*:/.test(text.slice(end + 1, end + 20))) keys[depth - 1]?.add(text.slice(at + 1, end))
      at = end
    }
    if (depth === 0) break
  }
  return { keys: keys[0] ?? null, innerKeys: keys[1] ?? new Set() }
}

function findQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at
  }
  return text.length
}
