// Rows against the schema of their format, before anything is read from them. Shared by the formats; knows no format.

import { compileSchema } from '../../core/schema.ts'
import type { Json, JsonObject } from '../../core/types.ts'
import { isList, isObject, objectOf } from '../../protocols/_json.ts'

/** Throws E_BAD_FORMAT with what is wrong where. */
export function readRowWith(format: string, schema: unknown): (row: JsonObject) => JsonObject {
  const compiled = compileSchema<JsonObject>(schema as JsonObject)
  return row => compiled.read({ file: `a row of format ${format}`, value: row }, 'E_BAD_FORMAT')
}

/** Ids of the calls that a row's notes list, in order. */
export function listCalls(notes: Json | undefined): string[] {
  const calls = objectOf(notes)['calls']
  return (isList(calls) ? calls : []).flatMap(call => (isObject(call) ? [String(call['call_id'])] : []))
}
