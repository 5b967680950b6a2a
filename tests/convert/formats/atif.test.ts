import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findFormat } from '../../../convert/formats/_all.ts'
import atif from '../../../convert/formats/atif.ts'
import type { TrajectorySet } from '../../../convert/trajectory.ts'
import { compileSchema, type JsonSchema } from '../../../core/schema.ts'
import type { JsonObject } from '../../../core/types.ts'
import { findProblems } from './_atif-rules.ts'
import { randomScope } from './_random-scope.ts'
import { scope } from './_scope.ts'

const schema = compileSchema<JsonObject>(
  JSON.parse(readFileSync('convert/formats/schemas/atif.schema.json', 'utf8')) as JsonSchema,
)
function write(set: TrajectorySet): JsonObject[] {
  const rows = [...atif.write(set)]
  for (const row of rows) {
    expect(findProblems(row)).toEqual([])
    expect(schema.problems(row)).toEqual([])
  }
  return rows
}

function writeOne(set: TrajectorySet): JsonObject {
  const [row, ...others] = write(set)
  expect(others).toEqual([])
  return row ?? {}
}

/** As a reader of the file has it. */
const reread = (row: JsonObject): JsonObject => JSON.parse(JSON.stringify(row)) as JsonObject
const read = (row: JsonObject): TrajectorySet => {
  const set = atif.read(reread(row))
  return { ...set, trajectories: [...set.trajectories] }
}

describe('a scope with everything in it', () => {
  const row = writeOne(scope)

  it('is as it was', async () => {
    await expect(`${JSON.stringify(row, null, 2)}\n`).toMatchFileSnapshot('../../fixtures/golden/atif.json')
  })

  it('is read as it was written', () => expect(read(row)).toEqual(scope))

  it('is written the same again', () => expect(JSON.stringify(writeOne(read(row)))).toBe(JSON.stringify(row)))

  it('is found by its name', () => expect(findFormat('atif')).toBe(atif))
})

describe('any scope', () => {
  it('is a valid document, is read as it was written and written the same again', () => {
    fc.assert(
      fc.property(randomScope, set => {
        const row = writeOne(set)
        const again = read(row)
        expect(again).toEqual(set)
        expect(JSON.stringify(writeOne(again))).toBe(JSON.stringify(row))
      }),
      { numRuns: 60 },
    )
  })
})
