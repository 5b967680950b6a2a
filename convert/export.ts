// Recorded exchanges out of the store into files, one at a time and in order. Whether what is written is the record or a scrubbed likeness
// of it is decided here, for all formats alike.

import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { TurnpikeError } from '../core/errors.ts'
import type { Exchange } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import type { ExportedExchange, ExportFormat, ExportTarget, OutputFile } from './exports/_adapter.ts'
import { createScrubber } from './scrub/scrub.ts'

export interface ExportOptions {
  /** Scopes, or one exchange, with the names their exchanges are given. */
  readonly scopes: ReadonlyArray<{
    readonly filter: { readonly scopeId: string } | { readonly id: string }
    readonly name: string
  }>
  readonly format: ExportFormat
  /** Absolute. */
  readonly out: string
  readonly force: boolean
  /** Replace every text by filler: derived from the seed, or with null from a secret that nobody keeps. */
  readonly scrub: { readonly seed: string | null } | null
  readonly version: string
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

export interface ExportReport {
  /** Written. */
  readonly exchanges: number
  /** What the format cannot hold. */
  readonly leftOut: number
  /** Still running: exported once they have ended. */
  readonly inFlight: number
  readonly bytes: number
}

export async function exportExchanges(store: Store, options: ExportOptions): Promise<ExportReport> {
  const all: Array<{ readonly exchange: Exchange; readonly name: string }> = []
  for (const { filter, name } of options.scopes)
    for (const exchange of await store.exchanges(filter)) all.push({ exchange, name })
  const ended = all.filter(({ exchange }) => exchange.outcome !== 'in-flight')
  const target = await openTarget(options)
  const exchanges = await options.format.write(readAll(store, ended, options), target)
  await target.finish()
  return { exchanges, leftOut: ended.length - exchanges, inFlight: all.length - ended.length, bytes: target.bytes() }
}

async function* readAll(
  store: Store,
  list: ReadonlyArray<{ readonly exchange: Exchange; readonly name: string }>,
  { scrub, signal, onProgress }: ExportOptions,
): AsyncIterable<ExportedExchange> {
  const scrubber = scrub === null ? null : createScrubber(scrub.seed)
  for (const [index, { exchange, name }] of list.entries()) {
    if (signal?.aborted)
      throw new TurnpikeError('E_INTERRUPTED', `${index} of ${list.length} exchanges were exported before the interruption`)
    const exported: ExportedExchange = {
      scopeName: name,
      exchange,
      request: await store.readBody(exchange.id, 'request'),
      response: await store.readBody(exchange.id, 'response'),
      arrivals: await store.readArrivals(exchange.id),
      scrubbed: false,
    }
    yield scrubber === null ? exported : scrubber.scrub(exported)
    onProgress?.(index + 1, list.length)
  }
}

interface OpenTarget extends ExportTarget {
  readonly bytes: () => number
  readonly finish: () => Promise<void>
}

/** A single file appears whole or not at all; a directory is written into, its index line by line. */
async function openTarget({ out, format, force, version }: ExportOptions): Promise<OpenTarget> {
  await refuseOverwriting(out, format, force)
  const partial = `${out}.partial`
  await attempt(out, () => mkdir(format.writes === 'directory' ? out : dirname(out), { recursive: true }))
  let bytes = 0
  return {
    version,
    bytes: () => bytes,
    openFile: async (name, options) =>
      openFile(name === '' ? partial : join(out, name), options?.executable === true, written => {
        bytes += written
      }),
    finish: async () => {
      if (format.writes === 'file') await attempt(out, () => rename(partial, out))
    },
  }
}

async function refuseOverwriting(out: string, format: ExportFormat, force: boolean): Promise<void> {
  const existing = await stat(out).catch(() => null)
  if (existing === null) return
  const isDirectory = existing.isDirectory()
  if (isDirectory !== (format.writes === 'directory'))
    throw new TurnpikeError(
      'E_OUTPUT_EXISTS',
      `${out} is a ${isDirectory ? 'directory' : 'file'}, and ${format.id} writes a ${format.writes}`,
      {
        hint: 'name another place with --out',
      },
    )
  if (!isDirectory && !force) throw new TurnpikeError('E_OUTPUT_EXISTS', `${out} exists already`)
  if (!isDirectory) return
  const names = await readdir(out)
  if (names.length > 0 && !force) throw new TurnpikeError('E_OUTPUT_EXISTS', `the directory ${out} is not empty`)
  // Of an earlier, longer export nothing may stay beside the new one; files of others are left alone.
  for (const name of names)
    if (/^(\d{4,}(-request|-response|-body)\.bin|\d{4,}\.sh|index\.jsonl)$/.test(name)) await rm(join(out, name))
}

async function openFile(path: string, executable: boolean, onWrite: (bytes: number) => void): Promise<OutputFile> {
  const stream = createWriteStream(path, { mode: executable ? 0o755 : 0o644 })
  const done = finished(stream)
  // Reported by the write or close that meets it.
  done.catch(() => {})
  return {
    write: data =>
      new Promise((resolve, reject) => {
        onWrite(Buffer.byteLength(data))
        stream.write(data, error => (error ? reject(cannotWrite(path, error)) : resolve()))
      }),
    close: async () => {
      stream.end()
      await attempt(path, () => done)
    },
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

function cannotWrite(path: string, cause: unknown): TurnpikeError {
  return new TurnpikeError('E_FILE_UNREADABLE', `cannot write ${path}`, { cause })
}
