// Where converted rows go: one file, one for each part of a split, one for each scope, gzipped or not. Files are written beside
// their places and moved there when all is well: what is half done is never seen, and removed when it is given up.

import { mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { RowBatch } from '../convert/job.ts'
import type { ScopeInfo } from '../convert/source.ts'
import { choosePart, type Split } from '../convert/split.ts'
import { cannotWrite, openResult, type ResultFile } from './result-files.ts'

export interface RowPlaces {
  /** Absolute. */
  readonly out: string
  readonly split: Split | null
  /** `out` is a folder, with a file for each scope. */
  readonly perScope: boolean
  /** With the dot. */
  readonly extension: string
}

export interface WrittenFile {
  readonly path: string
  /** Of the split. */
  readonly part: string | null
  rows: number
  generations: number
}

export interface RowFiles {
  readonly write: (batch: RowBatch) => Promise<void>
  /** Moves everything to its place. */
  readonly commit: () => Promise<readonly WrittenFile[]>
  /** Removes what was written. */
  readonly abandon: () => Promise<void>
}

interface Open {
  readonly written: WrittenFile
  readonly file: ResultFile
  /** Null: it is written in place. */
  readonly beside: string | null
}

export function openRowFiles(places: RowPlaces): RowFiles {
  const opened = new Map<string, Open>()
  const nameFile = createNames(places)
  /** The one file that is open when there is one for each scope: their number knows no bound. */
  let last: Open | null = null
  const openAt = async (path: string, part: string | null): Promise<Open> => {
    const known = opened.get(path)
    if (known !== undefined) return known
    if (places.perScope && last !== null) await last.file.close()
    const { beside, target } = placeBeside(path)
    const file = await openResult(beside ?? target, { gzip: path.endsWith('.gz') })
    last = { written: { path: target, part, rows: 0, generations: 0 }, file, beside }
    opened.set(path, last)
    return last
  }
  /** In the order of the parts; one that gets nothing is an empty file, not a missing one. */
  const openAll = async (): Promise<void> => {
    if (places.perScope) return
    for (const part of places.split?.parts ?? [null]) await openAt(nameFile(part?.name ?? null, null), part?.name ?? null)
  }
  return {
    write: async batch => {
      if (opened.size === 0) await openAll()
      const part = places.split === null ? null : choosePart(places.split, batch.scope)
      const { file, written } = await openAt(nameFile(part, batch.scope), part)
      written.rows += batch.rows
      written.generations += batch.generations
      await file.write(batch.bytes)
    },
    commit: async () => {
      await openAll()
      for (const { file } of opened.values()) await file.close()
      for (const { beside, written } of opened.values()) if (beside !== null) moveTo(beside, written.path)
      return [...opened.values()].map(one => one.written)
    },
    abandon: async () => {
      for (const { file, beside } of opened.values()) {
        await file.abandon()
        if (beside !== null) rmSync(beside, { force: true })
      }
    },
  }
}

/** `rows.jsonl` -> `rows.train.jsonl`; a folder holds `train.jsonl`s of each scope below `train/`. */
function createNames({ out, perScope, extension }: RowPlaces): (part: string | null, scope: ScopeInfo | null) => string {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const nameScope = (scope: ScopeInfo): string => {
    const known = names.get(scope.id)
    if (known !== undefined) return known
    const safe = makeSafe(scope.name)
    let name = safe
    for (let number = 2; taken.has(name.toLowerCase()); number += 1) name = `${safe}-${number}`
    taken.add(name.toLowerCase())
    names.set(scope.id, name)
    return name
  }
  return (part, scope) => {
    if (perScope && scope !== null) return join(out, part ?? '', nameScope(scope) + extension)
    if (part === null) return out
    const match = /^(.+?)((?:\.[A-Za-z0-9]+)?(?:\.gz)?)$/.exec(basename(out))
    return join(dirname(out), `${match?.[1] ?? basename(out)}.${part}${match?.[2] || extension}`)
  }
}

/** Names come from URLs and task files: nothing that leaves the folder, hides the file or is too long for a file system. */
function makeSafe(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '_')
  return safe === '' ? '_' : safe.slice(0, 120)
}

/** Devices and pipes are written as they are, links where they lead. */
function placeBeside(path: string): { readonly beside: string | null; readonly target: string } {
  const target = resolveLink(path)
  const known = statSync(target, { throwIfNoEntry: false })
  if (known !== undefined && !known.isFile()) return { beside: null, target }
  return { beside: join(dirname(target), `.${basename(target).slice(0, 200)}.${process.pid}.partial`), target }
}

function resolveLink(path: string): string {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path)
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

function moveTo(beside: string, target: string): void {
  try {
    renameSync(beside, target)
  } catch (cause) {
    throw cannotWrite(target, cause)
  }
}
