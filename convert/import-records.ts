// The records of a file to import, one after the other, checked: which format it is in, what each record is, and what makes a record
// itself so that importing it again adds nothing. Reads only.

import { createHash } from 'node:crypto'
import { isTurnpikeError } from '../core/errors.ts'
import { isObject, parseJson } from '../protocols/_json.ts'
import type { ImportedExchange, ImportFormat } from './imports/_adapter.ts'
import { detectImportFormat, findImportFormat } from './imports/_all.ts'
import { invalidRecord, type Place } from './imports/_fields.ts'
import { openSource, type RecordBytes, readHarEntries, readLines, readStart, type Source } from './imports/_source.ts'

export interface SkippedLine {
  readonly file: string
  readonly line: number
  readonly reason: string
  /** It could not be read, where a log written twice or an empty message is as it should be. */
  readonly isBad: boolean
}

export interface ReadRecord {
  readonly place: Place
  /** Hash of the record's bytes, and how many equal records stood before it. */
  readonly key: string
  readonly exchanges: readonly ImportedExchange[]
}

export interface ImportFile {
  readonly source: Source
  readonly format: ImportFormat
}

export async function openImportFile(file: string, directory: string, format: string): Promise<ImportFile> {
  const source = await openSource(file, directory)
  return { source, format: format === 'auto' ? detectImportFormat(await readStart(source), file) : findImportFormat(format) }
}

/** Records in order. Those that cannot be read are errors, or with `skipBad` told to `onSkip`. */
export async function* readRecords(
  { source, format }: ImportFile,
  options: { readonly skipBad: boolean; readonly onSkip: (line: SkippedLine) => void },
): AsyncIterable<ReadRecord> {
  const reader = format.openReader(source.directory)
  const seen = new Map<string, number>()
  const unit = format.records === 'lines' ? 'line' : 'entry'
  for await (const record of format.records === 'lines' ? readLines(source) : readHarEntries(source)) {
    const place: Place = { file: source.file, line: record.line, unit }
    const skip = (reason: string, isBad: boolean): void => options.onSkip({ file: source.file, line: record.line, reason, isBad })
    try {
      const value = parseRecord(record, place)
      if (value === null) {
        skip('the file ends in the middle of this record', true)
        continue
      }
      const read = await reader(value, place)
      if ('skipped' in read) skip(read.skipped, false)
      else yield { place, key: keyOf(record.bytes, seen), exchanges: read }
    } catch (error) {
      if (!options.skipBad || !isTurnpikeError(error)) throw error
      skip(error.message, true)
    }
  }
}

/** Null for an end that was cut off: what a log has that is still being written, or whose writer was killed. */
function parseRecord(record: RecordBytes, place: Place) {
  const value = parseJson(record.bytes.toString('utf8').replace(/^\ufeff/, ''))
  if (value === undefined && record.isLast && (place.line > 1 || place.unit === 'entry')) return null
  if (value === undefined) throw invalidRecord(place, 'is not JSON')
  if (!isObject(value)) throw invalidRecord(place, 'is not a JSON object')
  return value
}

function keyOf(bytes: Buffer, seen: Map<string, number>): string {
  const hash = createHash('sha256').update(bytes).digest('base64')
  const before = seen.get(hash) ?? 0
  seen.set(hash, before + 1)
  return `${hash} ${before}`
}
