// ATIF 1.7, Harbor's trajectory format: one document per scope, the main conversation with every other one embedded. Everything ATIF has
// no field for stands in its `extra` objects. How each part is written and read stands in the files beside it that begin with _atif-.

import { compileSchema } from '../../core/schema.ts'
import type { JsonObject } from '../../core/types.ts'
import { isList, objectOf, textOf } from '../../protocols/_json.ts'
import type { OutputFormat } from './_adapter.ts'
import { readDocument } from './_atif-read.ts'
import { writeDocuments } from './_atif-write.ts'
import schema from './schemas/atif.schema.json' with { type: 'json' }

const compiled = compileSchema<JsonObject>(schema as JsonObject)

export default {
  id: 'atif',
  title: 'ATIF 1.7 (Harbor trajectories), one document per trial or session',
  extension: 'jsonl',
  loses: null,
  // A part of a tree without what stands before it would pass for a conversation.
  policies: ['readable', 'exact', 'tolerant', 'calls', 'tokens'],
  write: writeDocuments,
  read: row => readDocument(compiled.read({ file: 'a document of format atif', value: row }, 'E_BAD_FORMAT')),
  listGenerations,
} satisfies OutputFormat

function listGenerations(document: JsonObject): string[] {
  const { steps, subagent_trajectories: embedded } = document
  const own = (isList(steps) ? steps : []).flatMap(step => textOf(objectOf(objectOf(step)['extra'])['call_id']) ?? [])
  return [...own, ...(isList(embedded) ? embedded : []).flatMap(child => listGenerations(objectOf(child)))]
}
