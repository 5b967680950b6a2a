// Checked reading of foreign records: every wrong shape is an error that names file, line and key. Shared by the import formats.

import { TurnpikeError } from '../../core/errors.ts'
import type { HeaderList, Json, JsonObject } from '../../core/types.ts'
import { isList, isObject } from '../../protocols/_json.ts'

/** Where a record stands. */
export interface Place {
  readonly file: string
  /** 1-based; of a document that is one value, the number of the entry. */
  readonly line: number
  readonly unit: 'line' | 'entry'
}

export function invalidRecord(place: Place, what: string): TurnpikeError {
  return new TurnpikeError('E_IMPORT_INVALID', `${place.file}, ${place.unit} ${place.line}: ${what}`, {
    details: { file: place.file, line: place.line },
  })
}

function describe(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

export function wrongField(place: Place, key: string, expected: string, value: Json | undefined): TurnpikeError {
  return invalidRecord(place, `"${key}" must be ${expected}, got ${describe(value)}`)
}

/** The last name of a dotted key. */
const lastName = (key: string): string => key.slice(key.lastIndexOf('.') + 1)

/** `key` is dotted, for messages; its last name is the field of `object`. */
export function readObject(object: JsonObject, key: string, place: Place): JsonObject {
  const value = object[lastName(key)]
  if (!isObject(value)) throw wrongField(place, key, 'an object', value)
  return value
}

export function readText(object: JsonObject, key: string, place: Place): string {
  const value = object[lastName(key)]
  if (typeof value !== 'string') throw wrongField(place, key, 'a string', value)
  return value
}

/** Null when absent or null. */
export function readOptionalText(object: JsonObject, key: string, place: Place): string | null {
  const value = object[lastName(key)]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw wrongField(place, key, 'a string', value)
  return value
}

export function readNumber(object: JsonObject, key: string, place: Place): number {
  const value = object[lastName(key)]
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongField(place, key, 'a number', value)
  return value
}

export function readOptionalNumber(object: JsonObject, key: string, place: Place): number | null {
  const value = object[lastName(key)]
  return value === undefined || value === null ? null : readNumber(object, key, place)
}

/** Times are shown, sorted and made into ids: they must be ones a clock can have. */
export function readTime(value: number, key: string, place: Place): number {
  if (!(value >= 0 && value < 8.64e15)) throw wrongField(place, key, 'a time', value)
  return value
}

const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z:-]+$/

/** `{name: value}`, `{name: [value, …]}`, `[{name, value}, …]` or `[[name, value], …]`, in their order. */
export function readHeaderFields(object: JsonObject, key: string, place: Place): HeaderList {
  const value = object[lastName(key)]
  if (value === undefined || value === null) return []
  const list = isList(value) ? value.map(entry => readPair(entry, key, place)) : readPairs(value, key, place)
  for (const [name] of list) if (!fieldName.test(name)) throw wrongField(place, key, 'a list of header fields', name)
  return list
}

function readPair(entry: Json, key: string, place: Place): readonly [string, string] {
  const [name, value] = isList(entry) ? entry : isObject(entry) ? [entry['name'], entry['value']] : []
  if (typeof name !== 'string' || typeof value !== 'string')
    throw wrongField(place, key, 'a list of header fields with name and value', entry)
  return [name, value]
}

function readPairs(value: Json, key: string, place: Place): HeaderList {
  if (!isObject(value)) throw wrongField(place, key, 'an object of header fields', value)
  return Object.entries(value).flatMap(([name, given]) =>
    (isList(given) ? given : [given]).map(one => {
      if (typeof one !== 'string' && typeof one !== 'number') throw wrongField(place, `${key}.${name}`, 'a string', one)
      return [name, String(one)] as const
    }),
  )
}

/** A body that is stored decoded must not say that it is encoded. */
export function withoutEncoding(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => name.toLowerCase() !== 'content-encoding')
}

/** Path and query of an absolute or relative address. */
export function readAddress(address: string, key: string, place: Place): string {
  if (address.startsWith('/')) return address
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(address)
  if (match === null) throw wrongField(place, key, 'an address', address)
  const rest = match[1] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}
