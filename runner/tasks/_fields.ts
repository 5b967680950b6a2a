// Reads fields of parsed JSON for the task formats: each member returns the value in its type or refuses with place and key.
// Shared by the formats of this folder; knows nothing of any one of them.

import { posix } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { suggest } from '../../core/suggest.ts'
import type { LoadOptions } from './_adapter.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface Reader {
  /** Throws E_TASK_INVALID `place: key what`. */
  readonly refuse: (key: string, what: string) => never
  /** A JSON object; keys outside `known` are warnings. */
  readonly object: (value: unknown, key: string, known: readonly string[]) => Fields
  readonly text: (value: unknown, key: string) => string
  readonly list: (value: unknown, key: string) => readonly unknown[]
  /** A command: a list of strings, the first of which is not empty. */
  readonly argv: (value: unknown, key: string) => readonly string[]
  readonly milliseconds: (value: unknown, key: string) => number
  /** Path -> text; every path stays inside the directory it is written to. */
  readonly files: (value: unknown, key: string) => Readonly<Record<string, string>>
}

export function createReader(place: string, warn: (message: string) => void): Reader {
  const refuse = (key: string, what: string): never => {
    throw new TurnpikeError('E_TASK_INVALID', key === '' ? `${place}: ${what}` : `${place}: ${key} ${what}`)
  }
  const mustBe = (value: unknown, key: string, wanted: string): never =>
    refuse(key, value === undefined ? `is missing; it must be ${wanted}` : `must be ${wanted}, not ${nameKind(value)}`)
  const reader: Reader = {
    refuse,
    object: (value, key, known) => {
      if (!isObject(value)) return mustBe(value, key === '' ? 'the line' : key, 'a JSON object')
      for (const name of Object.keys(value)) {
        if (!known.includes(name)) warn(`${place}: ${describeUnknown(key, name, known)}`)
      }
      return value
    },
    text: (value, key) => (typeof value === 'string' ? value : mustBe(value, key, 'a text')),
    list: (value, key) => (Array.isArray(value) ? value : mustBe(value, key, 'a list')),
    argv: (value, key) => {
      if (!Array.isArray(value)) return mustBe(value, key, 'a command as a list of texts, such as ["sh", "-c", "make test"]')
      const words = value.map((word, index) => reader.text(word, `${key}[${index}]`))
      if (!words[0]) refuse(key, 'is empty; it must name a program')
      return words
    },
    milliseconds: (value, key) =>
      typeof value === 'number' && Number.isFinite(value) && value > 0
        ? value
        : mustBe(typeof value === 'number' ? String(value) : value, key, 'a number of milliseconds above 0'),
    files: (value, key) => {
      if (!isObject(value)) return mustBe(value, key, 'an object of path and text')
      const entries = Object.entries(value).map(([path, text]) => {
        const at = `${key}[${JSON.stringify(path)}]`
        return [readPath(path, at, refuse), reader.text(text, at)] as const
      })
      refuseClashes(entries, key, refuse)
      return Object.fromEntries(entries)
    },
  }
  return reader
}

/** Reads one of several tasks: what is wrong with it is told to whoever wants all of it, else thrown. */
export function readOn(read: () => unknown, onWrong: LoadOptions['onWrong']): void {
  try {
    read()
  } catch (error) {
    if (onWrong === undefined || !isTurnpikeError(error)) throw error
    onWrong(error)
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  return typeof value === 'object' ? 'an object' : `${typeof value} ${String(value)}`
}

function describeUnknown(key: string, name: string, known: readonly string[]): string {
  const near = suggest(name, known)
  const path = key === '' ? name : `${key}.${name}`
  return `unknown key "${path}" is passed over${near === null ? `; known keys: ${known.join(', ')}` : ` (did you mean "${near}"?)`}`
}

function readPath(path: string, at: string, refuse: Reader['refuse']): string {
  const normal = posix.normalize(path)
  if (path === '' || path.includes('\0') || path.endsWith('/') || normal === '.') refuse(at, 'is not a file path')
  if (posix.isAbsolute(path) || /^[A-Za-z]:|\\/.test(path)) refuse(at, 'must be a relative path with forward slashes')
  if (normal === '..' || normal.startsWith('../')) refuse(at, 'leads out of the workspace')
  return normal
}

function refuseClashes(entries: ReadonlyArray<readonly [string, string]>, key: string, refuse: Reader['refuse']): void {
  const paths = new Set<string>()
  for (const [path] of entries) {
    if (paths.has(path)) refuse(key, `names "${path}" twice`)
    paths.add(path)
  }
  for (const path of paths) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (paths.has(parent)) refuse(key, `needs "${parent}" as a file and as a directory ("${path}")`)
    }
  }
}
