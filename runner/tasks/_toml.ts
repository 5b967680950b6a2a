// TOML text as plain data, with readers of typed fields that name file, line and key when they refuse. Shared by formats written
// in TOML; knows none of their keys. The only file that touches smol-toml.

import { parse, TomlError } from 'smol-toml'
import { TurnpikeError } from '../../core/errors.ts'
import { suggest } from '../../core/suggest.ts'
import { locateKeys } from './_toml-lines.ts'

export type Table = Readonly<Record<string, unknown>>

export interface TomlReader {
  readonly file: string
  readonly root: Table
  /** 1-based line of the key, or of its nearest parent that has one. */
  readonly lineOf: (path: string) => number
  readonly warn: (path: string, what: string) => void
  /** Throws E_TASK_INVALID `file:line: path what`. */
  readonly refuse: (path: string, what: string) => never
  /** The table at a path; keys outside `known` are warnings. An absent one is empty. */
  readonly table: (parent: Table, path: string, known: readonly string[]) => Table
  /** A value that must be a table itself, such as an element of a list. */
  readonly asTable: (value: unknown, path: string, known: readonly string[]) => Table
  readonly has: (table: Table, path: string) => boolean
  readonly text: (table: Table, path: string) => string | null
  /** A finite number, at least `least`. */
  readonly number: (table: Table, path: string, least: number) => number | null
  readonly integer: (table: Table, path: string, least: number) => number | null
  readonly boolean: (table: Table, path: string) => boolean | null
  readonly list: (table: Table, path: string) => readonly unknown[]
  readonly texts: (table: Table, path: string) => readonly string[]
  /** Names to texts; numbers and booleans are written out, as shells would see them. */
  readonly map: (table: Table, path: string) => Readonly<Record<string, string>>
  readonly choice: <T extends string>(table: Table, path: string, choices: readonly T[]) => T | null
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

export function readToml(text: string, file: string, onWarning: (message: string) => void): TomlReader {
  const root = parseToml(text, file)
  const lines = locateKeys(text)
  const lineOf = (path: string): number => {
    for (let at = path; at !== ''; at = parentOf(at)) {
      const line = lines.get(at)
      if (line !== undefined) return line
    }
    return 1
  }
  const warn = (path: string, what: string): void => onWarning(`${file}:${lineOf(path)}: ${path} ${what}`)
  const refuse = (path: string, what: string): never => {
    throw new TurnpikeError('E_TASK_INVALID', `${file}:${lineOf(path)}: ${path} ${what}`)
  }
  const basics = { file, root, lineOf, warn, refuse }
  return { ...basics, ...createFields(basics) }
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const what = error.message.replace(/^Invalid TOML document: /, '').split('\n', 1)[0] ?? ''
    throw new TurnpikeError('E_TASK_INVALID', `${file}:${error.line}:${error.column}: ${what}`, { cause: error })
  }
}

function parentOf(path: string): string {
  const bracket = path.endsWith(']') ? path.lastIndexOf('[') : -1
  return bracket > 0 ? path.slice(0, bracket) : path.slice(0, Math.max(path.lastIndexOf('.'), 0))
}

type Basics = Pick<TomlReader, 'file' | 'root' | 'lineOf' | 'warn' | 'refuse'>

function createFields({ warn, refuse }: Basics): Omit<TomlReader, keyof Basics> {
  const mustBe = (value: unknown, path: string, wanted: string): never =>
    refuse(path, `must be ${wanted}, not ${nameKind(value)}`)
  const fieldOf = (table: Table, path: string): unknown => table[lastPart(path)]
  const number = (table: Table, path: string, least: number, wanted = 'a number'): number | null => {
    const value = fieldOf(table, path)
    if (value === undefined) return null
    if (typeof value !== 'number' || !Number.isFinite(value)) return mustBe(value, path, wanted)
    return value < least ? refuse(path, `must be ${least} or more, not ${value}`) : value
  }
  const list = (table: Table, path: string): readonly unknown[] => {
    const value = fieldOf(table, path) ?? []
    return Array.isArray(value) ? value : mustBe(value, path, 'a list')
  }
  const asTable = (value: unknown, path: string, known: readonly string[]): Table => {
    if (!isTable(value)) return mustBe(value, path, 'a table')
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) warnUnknown(warn, path === '' ? name : `${path}.${name}`, name, known)
    }
    return value
  }
  const asText = (value: unknown, path: string): string => (typeof value === 'string' ? value : mustBe(value, path, 'a text'))
  const fields: Omit<TomlReader, keyof Basics> = {
    has: (table, path) => fieldOf(table, path) !== undefined,
    table: (parent, path, known) => asTable(fieldOf(parent, path) ?? {}, path, known),
    asTable,
    text: (table, path) => (fieldOf(table, path) === undefined ? null : asText(fieldOf(table, path), path)),
    number: (table, path, least) => number(table, path, least),
    integer: (table, path, least) => {
      const value = number(table, path, least, 'a whole number')
      return value === null || Number.isInteger(value) ? value : mustBe(value, path, 'a whole number')
    },
    boolean: (table, path) => {
      const value = fieldOf(table, path)
      return value === undefined ? null : typeof value === 'boolean' ? value : mustBe(value, path, 'true or false')
    },
    list,
    texts: (table, path) => list(table, path).map((value, index) => asText(value, `${path}[${index}]`)),
    map: (table, path) => {
      const value = fieldOf(table, path) ?? {}
      if (!isTable(value)) return mustBe(value, path, 'a table of texts')
      return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, writeOut(entry, `${path}.${name}`)]))
    },
    choice: (table, path, choices) => {
      const value = fieldOf(table, path)
      if (value === undefined) return null
      const found = choices.find(choice => choice === value)
      const near = typeof value === 'string' ? suggest(value, choices) : null
      const meant = near === null ? '' : ` (did you mean "${near}"?)`
      return found ?? refuse(path, `must be one of ${choices.join(', ')}, not ${nameKind(value)}${meant}`)
    },
  }
  const writeOut = (value: unknown, path: string): string =>
    typeof value === 'number' || typeof value === 'boolean' ? String(value) : asText(value, path)
  return fields
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

function warnUnknown(warn: TomlReader['warn'], path: string, name: string, known: readonly string[]): void {
  const near = suggest(name, known)
  warn(path, `is no known key and is passed over${near === null ? '' : ` (did you mean "${near}"?)`}`)
}

function nameKind(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a date'
  return typeof value === 'object' ? 'a table' : String(value)
}
