// Files of trajectories that an earlier conversion wrote, in a format that can be read back: their rows as sets, one scope at a time.
// Which format it is, the first row tells; a row that is not of it is an error with its line.

import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { JsonObject } from '../core/types.ts'
import { isObject, parseJson } from '../protocols/_json.ts'
import type { OutputFormat } from './formats/_adapter.ts'
import { formats } from './formats/_all.ts'
import { openSource, readLines, type Source } from './imports/_source.ts'
import type { Trajectory, TrajectorySet } from './trajectory.ts'

export interface TrajectoryFile {
  readonly format: OutputFormat
  /** Rows of one scope that follow each other are one set. */
  readonly sets: () => AsyncIterable<TrajectorySet>
}

type Reader = (row: JsonObject) => TrajectorySet

/** Null when no format knows its first row. */
export async function openTrajectoryFile(file: string, directory: string): Promise<TrajectoryFile | null> {
  const source = await openSource(file, directory)
  for await (const { row } of readRows(source)) {
    const format = detectFormat(row)
    const read = format?.read
    return format === null || read === undefined ? null : { format, sets: () => readSets(source, read) }
  }
  return null
}

/** The format that writes the row again as it is, else the first that can make sense of it. */
function detectFormat(row: JsonObject): OutputFormat | null {
  const able = formats.filter(format => tryRead(format, row) !== null)
  const text = JSON.stringify([row])
  return able.find(format => JSON.stringify(writeAgain(format, row)) === text) ?? able[0] ?? null
}

function writeAgain(format: OutputFormat, row: JsonObject): readonly JsonObject[] {
  const set = tryRead(format, row)
  return set === null ? [] : [...format.write(set)]
}

function tryRead(format: OutputFormat, row: JsonObject): TrajectorySet | null {
  try {
    return format.read?.(row) ?? null
  } catch (error) {
    if (isTurnpikeError(error)) return null
    throw error
  }
}

async function* readSets(source: Source, read: Reader): AsyncIterable<TrajectorySet> {
  let held: { readonly set: TrajectorySet; readonly trajectories: Trajectory[] } | null = null
  for await (const { row, line } of readRows(source)) {
    const set = readRow(source, read, row, line)
    if (held !== null && held.set.scope.id === set.scope.id && held.set.policy === set.policy) {
      held.trajectories.push(...set.trajectories)
      continue
    }
    if (held !== null) yield { ...held.set, trajectories: held.trajectories }
    held = { set, trajectories: [...set.trajectories] }
  }
  if (held !== null) yield { ...held.set, trajectories: held.trajectories }
}

function readRow(source: Source, read: Reader, row: JsonObject, line: number): TrajectorySet {
  try {
    return read(row)
  } catch (cause) {
    if (!isTurnpikeError(cause)) throw cause
    throw new TurnpikeError('E_BAD_FORMAT', `${source.file}, line ${line}: ${cause.message}`, { cause, hint: cause.hint })
  }
}

/** JSON lines, or one JSON document over many lines. */
async function* readRows(source: Source): AsyncIterable<{ readonly row: JsonObject; readonly line: number }> {
  for await (const { line, bytes } of readLines(source)) {
    const row = parseJson(bytes.toString('utf8').replace(/^\ufeff/, ''))
    if (isObject(row)) yield { row, line }
    else if (line === 1 && row === undefined) {
      const whole = await readDocument(source)
      if (whole !== null) yield { row: whole, line: 1 }
      return
    } else
      throw new TurnpikeError(
        'E_BAD_FORMAT',
        `${source.file}, line ${line}: is ${row === undefined ? 'not JSON' : 'no JSON object'}`,
      )
  }
}

/** More than a conversation ever was; a larger file of one document is nothing that was written here. */
const documentBytesMax = 256 * 1024 * 1024

async function readDocument(source: Source): Promise<JsonObject | null> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of source.bytes()) {
    size += part.length
    if (size > documentBytesMax) return null
    parts.push(part)
  }
  const value = parseJson(
    Buffer.concat(parts)
      .toString('utf8')
      .replace(/^\ufeff/, ''),
  )
  return isObject(value) ? value : null
}
