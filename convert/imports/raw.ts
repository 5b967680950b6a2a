// What `turnpike export --raw` writes: index.jsonl with all that is known of each exchange, and its bodies as files beside it. Loses
// nothing but what was never stored; a body that is not the one the index names is refused.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import type { HeaderList, Json, JsonObject } from '../../core/types.ts'
import { isList, isObject } from '../../protocols/_json.ts'
import type { Arrival } from '../../store/_adapter.ts'
import type { ImportedExchange, ImportFormat } from './_adapter.ts'
import {
  invalidRecord,
  type Place,
  readHeaderFields,
  readNumber,
  readObject,
  readOptionalNumber,
  readOptionalText,
  readText,
  readTime,
  withoutEncoding,
  wrongField,
} from './_fields.ts'

export default {
  id: 'raw',
  title: 'turnpike export --raw (the directory, or its index.jsonl)',
  loses: null,
  records: 'lines',
  matches: ({ keys }) => keys?.has('turnpike_raw') === true,
  openReader: directory => async (record, place) => [await readExchange(record, place, directory)],
} satisfies ImportFormat

const outcomes = ['complete', 'client-aborted', 'upstream-cut', 'upstream-refused', 'timed-out', 'refused'] as const

async function readExchange(record: JsonObject, place: Place, directory: string): Promise<ImportedExchange> {
  if (record['turnpike_raw'] !== 1)
    throw wrongField(place, 'turnpike_raw', '1 (a newer Turnpike wrote this)', record['turnpike_raw'])
  const request = await readSide(readObject(record, 'request', place), 'request', place, directory)
  const given = record['response']
  const response = isObject(given) ? await readSide(given, 'response', place, directory) : null
  const query = readText(record, 'query', place)
  const startedAt = readTime(readNumber(record, 'started_at', place), 'started_at', place)
  const firstByteAt = readOptionalNumber(record, 'first_byte_at', place)
  return {
    method: readText(record, 'method', place),
    url: readText(record, 'path', place) + (query === '' ? '' : `?${query}`),
    requestHeaders: request.headers,
    requestBody: request.bytes ?? Buffer.alloc(0),
    status: readOptionalNumber(record, 'status', place),
    responseHeaders: response?.headers ?? null,
    responseBody: response?.bytes ?? null,
    arrivals: isObject(given) ? readArrivals(given['arrivals'], startedAt, place) : null,
    ...readEnding(record, place),
    startedAt,
    firstByteAt: firstByteAt === null ? null : readTime(firstByteAt, 'first_byte_at', place),
    endedAt: readTime(readOptionalNumber(record, 'ended_at', place) ?? startedAt, 'ended_at', place),
    session: readText(record, 'session', place),
    recorded: {
      id: readUlid(record, place),
      turn: readOptionalNumber(record, 'turn', place),
      attempt: readOptionalNumber(record, 'attempt', place),
      route: readOptionalText(record, 'route', place),
      retries: readOptionalNumber(record, 'retries', place) ?? 0,
    },
  }
}

function readUlid(record: JsonObject, place: Place): string {
  const id = readText(record, 'id', place)
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)) throw wrongField(place, 'id', 'a ULID', id)
  return id
}

function readEnding(record: JsonObject, place: Place): Pick<ImportedExchange, 'outcome' | 'failure'> {
  const named = readText(record, 'outcome', place)
  const failure = record['failure']
  const known = isObject(failure)
    ? { code: readText(failure, 'failure.code', place), message: readText(failure, 'failure.message', place) }
    : null
  // Only a store that finds an exchange without an end may say that its proxy was killed.
  if (named === 'proxy-killed')
    return { outcome: 'upstream-cut', failure: known ?? { code: 'proxy-killed', message: 'the recording proxy was killed' } }
  const outcome = outcomes.find(candidate => candidate === named)
  if (outcome === undefined) throw wrongField(place, 'outcome', `one of ${outcomes.join(', ')}`, named)
  return { outcome, failure: known }
}

interface Side {
  readonly headers: HeaderList
  /** Null when no bytes arrived. */
  readonly bytes: Buffer | null
}

async function readSide(side: JsonObject, name: string, place: Place, directory: string): Promise<Side> {
  const headers = readHeaderFields(side, `${name}.headers`, place)
  const file = readOptionalText(side, `${name}.file`, place)
  const decoded = typeof side['decoded_from'] === 'string'
  const plain = decoded ? withoutEncoding(headers) : headers
  if (file === null) return { headers: plain, bytes: null }
  if (!/^[\w-][\w.-]*$/.test(file)) throw wrongField(place, `${name}.file`, 'the name of a file beside the index', file)
  const bytes = await readFile(join(directory, file)).catch((cause: unknown) => {
    throw new TurnpikeError('E_FILE_UNREADABLE', `${place.file}, line ${place.line} names ${file}, which cannot be read`, {
      cause,
    })
  })
  const hash = createHash('sha256').update(bytes).digest('hex')
  if (hash !== readText(side, `${name}.sha256`, place))
    throw invalidRecord(place, `${file} is not the body that was exported: its SHA-256 is ${hash}`)
  return { headers: plain, bytes }
}

/** [milliseconds since the one before, bytes] … */
function readArrivals(value: Json | undefined, startedAt: number, place: Place): Arrival[] | null {
  if (value === undefined || value === null) return null
  if (!isList(value)) throw wrongField(place, 'response.arrivals', 'a list', value)
  let at = startedAt
  return value.map(entry => {
    const [later, bytes] = isList(entry) ? entry : []
    if (typeof later !== 'number' || typeof bytes !== 'number')
      throw wrongField(place, 'response.arrivals', 'pairs of numbers', entry)
    at += later
    return { at: readTime(at, 'response.arrivals', place), bytes }
  })
}
