// Data from outside against a JSON Schema (2020-12), with messages a person can act on: file, line, key, what was expected and
// the nearest known word. The only file that touches ajv. Values are checked, never coerced and never filled in.

import { createRequire } from 'node:module'
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { type ErrorCode, TurnpikeError } from './errors.ts'
import { describeProblems, type SchemaProblem } from './schema-problems.ts'
import type { Json, JsonObject } from './types.ts'
import type { DataPath, Place } from './yaml.ts'

export type JsonSchema = JsonObject

/** What is checked and how messages name it: the result of readYaml fits, so does a parsed JSON value. */
export interface CheckedData {
  readonly file: string
  readonly value: Json
  readonly locate?: (path: DataPath, part?: 'key' | 'value') => Place
}

export interface Schema<T> {
  /** In the order of the schema's own walk; empty when the value fits. */
  readonly problems: (value: Json) => SchemaProblem[]
  /** The value as T, or a TurnpikeError of `code` that names each of the first problems; all of them are in `details.problems`. */
  readonly read: (data: CheckedData, code?: ErrorCode) => T
}

const problemsShown = 3

let shared: Ajv2020 | null = null

function compile(schema: JsonSchema): ValidateFunction {
  const { Ajv2020 }: typeof import('ajv/dist/2020.js') = createRequire(import.meta.url)('ajv/dist/2020.js')
  shared ??= new Ajv2020({ allErrors: true, verbose: true, strict: true, strictTypes: false, strictRequired: false })
  return shared.compile(schema)
}

/** Compiled at the first check: a command must not wait for the schemas of others. Keep the result in a module constant. */
export function compileSchema<T>(schema: JsonSchema): Schema<T> {
  let compiled: ValidateFunction | null = null
  const problems = (value: Json): SchemaProblem[] => {
    compiled ??= compile(schema)
    const validate = compiled
    if (validate(value)) return []
    return describeProblems((validate.errors ?? []) as ErrorObject[])
  }
  const read = (data: CheckedData, code: ErrorCode = 'E_CONFIG_INVALID'): T => {
    const found = problems(data.value)
    if (found.length === 0) return data.value as T
    throw schemaError(data, found, code)
  }
  return { problems, read }
}

function schemaError(data: CheckedData, found: readonly SchemaProblem[], code: ErrorCode): TurnpikeError {
  const located = found
    .map(problem => ({ ...problem, place: data.locate?.(problem.path, problem.part) ?? null }))
    .sort((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0))
  const lines = located.map(({ message, place }) => `${placed(data.file, place)}: ${message}`)
  const more = lines.length > problemsShown ? ` (and ${lines.length - problemsShown} more)` : ''
  return new TurnpikeError(code, lines.slice(0, problemsShown).join('; also ') + more, {
    details: { file: data.file, problems: located.map(({ message, path, place }) => ({ path: [...path], message, ...place })) },
  })
}

function placed(file: string, place: Place | null): string {
  return place === null ? file : `${file}:${place.line}:${place.column}`
}
