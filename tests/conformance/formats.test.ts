// Every output format: each generation once, nothing invented, rows that their schema accepts, the same bytes for the same trajectory,
// and reading as the inverse of writing.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutputFormat } from '../../convert/formats/_adapter.ts'
import { formats } from '../../convert/formats/_all.ts'
import { buildLanes } from '../../convert/lanes.ts'
import { createLoader } from '../../convert/load.ts'
import readable from '../../convert/policies/readable.ts'
import type { TrajectorySet } from '../../convert/trajectory.ts'
import { buildTree } from '../../convert/tree.ts'
import { compileSchema } from '../../core/schema.ts'
import type { Block, Json, JsonObject } from '../../core/types.ts'
import {
  anyTrajectory,
  everything,
  generation,
  say,
  setOf,
  step,
  text as textBlock,
  trajectory,
} from '../convert/formats/_trajectories.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, user } from '../convert/script.ts'

const image: Block = { kind: 'image', mediaType: 'image/png', data: 'aGk=' }
const opaque: Block = { kind: 'opaque', type: 'server_tool_use', raw: { type: 'server_tool_use', id: 'srv_1' } }
const broken: Block = { kind: 'tool-call', id: 't3', name: 'bash', input: null, inputText: '{"command": "l' }

const first = assistant({ kind: 'thinking', text: 'a' }, text('one'), opaque, toolCall('t1', 'ls'))
const calls: readonly ScriptedCall[] = [
  { id: 'a', at: 1, messages: [{ role: 'user', blocks: [text('look'), image] }], answer: first },
  {
    id: 'a2',
    at: 1.1,
    messages: [{ role: 'user', blocks: [text('look'), image] }],
    answer: assistant(text('two'), { kind: 'refusal', text: 'no' }),
  },
  {
    id: 'b',
    at: 2,
    messages: [{ role: 'user', blocks: [text('look'), image] }, first, toolResult('t1', '')],
    answer: assistant(broken),
    complete: false,
  },
  {
    id: 'h',
    at: 3,
    messages: [user('old'), assistant(text('never recorded')), user('new')],
    answer: assistant(text('three')),
    usage: null,
  },
  { id: 'x', at: 4, messages: [user('q')], answer: null },
]

const set: TrajectorySet = (() => {
  const loader = createLoader()
  for (const call of calls) loader.add(decode(call))
  const tree = buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
  const scope = { kind: 'session', id: 's', name: 's', runId: null, task: null, agent: null, score: null } as const
  return { scope, policy: 'readable', trajectories: [...readable.build(tree, buildLanes(tree))] }
})()

/** Every string of a row; JSON text within a string counts as what it says. */
function listTexts(value: Json): string[] {
  if (typeof value === 'string') {
    const inner = /^[[{]/.test(value) ? parse(value) : undefined
    return inner === undefined ? [value] : [value, ...listTexts(inner)]
  }
  return value === null || typeof value !== 'object' ? [] : Object.values(value).flatMap(item => listTexts(item as Json))
}

function parse(value: string): Json | undefined {
  try {
    return JSON.parse(value) as Json
  } catch {
    return undefined
  }
}

const readSchema = (id: string): JsonObject =>
  JSON.parse(readFileSync(`convert/formats/schemas/${id}.schema.json`, 'utf8')) as JsonObject

function expectValid(format: OutputFormat, rows: readonly JsonObject[]): void {
  const schema = schemas.get(format.id)
  for (const row of rows) expect(schema?.problems(row), JSON.stringify(row).slice(0, 600)).toEqual([])
}

const schemas = new Map(formats.map(format => [format.id, compileSchema(readSchema(format.id))]))

it('the list is the directory, and each has a schema', () => {
  const files = readdirSync('convert/formats').filter(name => name.endsWith('.ts') && !name.startsWith('_'))
  expect(formats.map(format => `${format.id}.ts`).sort()).toEqual(files.sort())
  expect(formats.map(format => `${format.id}.schema.json`).sort()).toEqual(readdirSync('convert/formats/schemas').sort())
})

it('what schemas define under one name is the same in all', () => {
  const shared = ['merged', 'openai', 'anthropic', 'sharegpt'].map(id => readSchema(id)['$defs'] as JsonObject)
  for (const name of ['part', 'usage', 'tool', 'call', 'failed', 'boundary', 'scope'])
    expect(new Set(shared.map(defs => JSON.stringify(defs[name]))).size, name).toBe(1)
})

describe.each(formats.map(format => [format.id, format] as const))('format %s', (_, format) => {
  const rows = [...format.write(set)]

  it('marks every generation exactly once over all rows', () => {
    expect(rows.flatMap(format.listGenerations).sort()).toEqual(['a', 'a2', 'b', 'h'])
  })

  it('writes plain JSON on one line, the same again', () => {
    expect([...format.write(set)]).toEqual(rows)
    for (const row of rows) {
      const line = JSON.stringify(row)
      expect(JSON.parse(line)).toEqual(row)
      expect(line).not.toMatch(/[\n\u2028]/)
      expect(format.listGenerations(JSON.parse(line))).toEqual(format.listGenerations(row))
    }
  })

  it('keeps every text, the exact text of broken arguments and the image', () => {
    const texts = listTexts(rows)
    for (const word of ['look', 'one', 'two', 'three', 'never recorded', 'new', 'aGk=', 'srv_1', '{"command": "l'])
      expect(
        texts.some(text => text.includes(word)),
        word,
      ).toBe(true)
  })

  it('keeps every kind of block, whatever it has to leave out of the conversation', () => {
    const texts = listTexts([...format.write(setOf(everything))])
    const said = ['First thought.', 'Second thought.', 'First.', 'Second.', 'I will not.', 'A reminder.', 'no such', 'x.txt']
    for (const word of [...said, 'page', 'https://images.test/a.png', 'Maybe.', 'Summary of it all.', 'Be brief.', 'srv_1'])
      expect(
        texts.some(text => text.includes(word)),
        word,
      ).toBe(true)
  })

  it('does not pass off an answer nobody recorded as generated', () => {
    const alone = { ...set, trajectories: [...set.trajectories].filter(trajectory => trajectory.id === 'h') }
    const rows = [...format.write(alone)]
    expect(JSON.stringify(rows)).toContain('never recorded')
    expect(rows.flatMap(format.listGenerations)).toEqual(['h'])
  })

  it('says what it loses', () => expect(format.loses === null || format.loses.length > 10).toBe(true))

  it('writes rows that its schema accepts', () => {
    expectValid(format, rows)
    expectValid(format, [...format.write(setOf(everything))])
  })

  it('marks each generation once, in order, and writes valid rows for any trajectory', () => {
    fc.assert(
      fc.property(anyTrajectory, one => {
        const written = [...format.write(setOf(one))]
        expectValid(format, written)
        expect(written.flatMap(format.listGenerations)).toEqual(
          one.steps.flatMap(({ generation }) => (generation === null ? [] : [generation.callId])),
        )
      }),
      { numRuns: 200 },
    )
  })

  it.runIf(format.read)('reads what it writes: writing it again gives the same bytes', () => {
    const again = (row: JsonObject): JsonObject[] => (format.read === undefined ? [] : [...format.write(format.read(row))])
    for (const row of [...rows, ...format.write(setOf(everything))]) expect(again(row)).toEqual([row])
    fc.assert(
      fc.property(anyTrajectory, one => {
        const [row] = [...format.write(setOf(one))]
        expect(JSON.stringify(again(JSON.parse(JSON.stringify(row))))).toBe(JSON.stringify([row]))
      }),
      { numRuns: 400 },
    )
  })

  it.runIf(format.read)('refuses to read what is not its own, and says what is wrong where', () => {
    const [row] = rows
    for (const bad of [{}, { messages: 'no' }, { ...row, surprise: 1 }])
      expect(() => format.read?.(bad as JsonObject)).toThrow(
        expect.objectContaining({ code: 'E_BAD_FORMAT', message: expect.stringContaining(`format ${format.id}`) }),
      )
  })

  it('costs a row no more than its own steps: a long conversation is written in linear time and size', () => {
    const long = (steps: number) =>
      trajectory(
        Array.from({ length: steps }, (_, index) =>
          index % 2 === 0
            ? step(say('user', textBlock(`ask ${index}`)))
            : step(say('assistant', textBlock('yes')), generation(`c${index}`)),
        ),
      )
    const sizeOf = (steps: number): number => JSON.stringify([...format.write(setOf(long(steps)))]).length
    expect(sizeOf(4000) / sizeOf(1000)).toBeLessThan(4.5)
  })
})
