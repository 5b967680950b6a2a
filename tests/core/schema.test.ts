import { describe, expect, it } from 'vitest'
import { isTurnpikeError, type TurnpikeError } from '../../core/errors.ts'
import { compileSchema } from '../../core/schema.ts'
import type { Json } from '../../core/types.ts'
import { readYaml } from '../../core/yaml.ts'

interface Sample {
  readonly store: string
  readonly agents?: ReadonlyArray<{ readonly name: string; readonly trials?: number }>
}

const sample = compileSchema<Sample>({
  type: 'object',
  additionalProperties: false,
  required: ['store'],
  properties: {
    store: { type: 'string', minLength: 1 },
    feedback: { enum: ['none', 'minimal', 'medium', 'detailed'] },
    agents: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: { name: { type: 'string' }, trials: { type: 'integer', minimum: 1 } },
      },
    },
  },
})

function refusal(text: string): TurnpikeError {
  try {
    sample.read(readYaml(text, 'c.yaml'))
  } catch (error) {
    if (isTurnpikeError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a compiled schema', () => {
  it('hands the very value back when it fits', () => {
    const data = readYaml('store: x\nagents: [{ name: mini, trials: 2 }]', 'c.yaml')
    expect(sample.read(data)).toBe(data.value)
    expect(sample.problems(data.value)).toEqual([])
  })

  it.each([
    ['an unknown key', 'store: x\nagnets: []\n', 'c.yaml:2:1: unknown key "agnets"; did you mean "agents"?'],
    ['an unknown key with no neighbour', 'store: x\nzzzzzz: []\n', 'c.yaml:2:1: unknown key "zzzzzz"'],
    [
      'a nested unknown key',
      'store: x\nagents:\n  - nmae: a\n    name: b',
      'c.yaml:3:5: unknown key "nmae" in agents[0]; did you mean "name"?',
    ],
    ['a missing key', 'agents: []', 'c.yaml:1:1: missing key "store"'],
    ['a nested missing key', 'store: x\nagents:\n  - trials: 1', 'c.yaml:3:5: missing key "agents[0].name"'],
    ['a wrong type', 'store: 7', 'c.yaml:1:8: "store" must be a text, not 7'],
    [
      'a fraction',
      'store: x\nagents: [{name: a, trials: 1.5}]',
      'c.yaml:2:28: "agents[0].trials" must be a whole number, not 1.5',
    ],
    [
      'a text for a number',
      'store: x\nagents: [{name: a, trials: three}]',
      'c.yaml:2:28: "agents[0].trials" must be a whole number, not "three"',
    ],
    ['a number too small', 'store: x\nagents: [{name: a, trials: 0}]', 'c.yaml:2:28: "agents[0].trials" must be >= 1, not 0'],
    [
      'an unknown word',
      'store: x\nfeedback: mediun',
      'c.yaml:2:11: "feedback" must be "none", "minimal", "medium", "detailed", not "mediun"; did you mean "medium"?',
    ],
    ['an empty text', 'store: ""', 'c.yaml:1:8: "store" must not be empty'],
    ['a list for a mapping', '- 1', 'c.yaml:1:1: it must be a mapping of keys, not a list'],
    ['nothing at all', '', 'c.yaml:1:1: it must be a mapping of keys, not null'],
  ])('says of %s where it is and what is wanted', (_, text, expected) => {
    expect(refusal(text).message).toBe(expected)
  })

  it('names the problems in the order of the file, three at most, and keeps all in the details', () => {
    const error = refusal('zzz1: 1\nzzz2: 2\nstore: 3\nzzz4: 4\n')
    expect(error.code).toBe('E_CONFIG_INVALID')
    expect(error.message.match(/c\.yaml:\d+/g)).toEqual(['c.yaml:1', 'c.yaml:2', 'c.yaml:3'])
    expect(error.message).toMatch(/\(and 1 more\)$/)
    expect(error.message).not.toContain('\n')
    expect(error.details['problems']).toHaveLength(4)
  })

  it('names the file alone when places are not known, and uses the code it is given', () => {
    expect(() => sample.read({ file: 'sent over the wire', value: {} }, 'E_TASK_INVALID')).toThrow(
      expect.objectContaining({ code: 'E_TASK_INVALID', message: 'sent over the wire: missing key "store"' }),
    )
  })

  it('neither coerces nor fills in', () => {
    const value: Json = { store: '1' }
    expect(sample.read({ file: 'x', value })).toBe(value)
    expect(sample.problems({ store: 'x', agents: [{ name: 'a', trials: '2' }] })).toHaveLength(1)
  })

  it('refuses numbers that are none', () => {
    expect(sample.problems({ store: 'x', agents: [{ name: 'a', trials: Number.NaN }] })).toHaveLength(1)
  })
})

describe('a union', () => {
  const union = compileSchema({
    type: 'object',
    properties: {
      command: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }, { type: 'null' }] },
      fault: {
        oneOf: [
          {
            type: 'object',
            additionalProperties: false,
            required: ['kind', 'status'],
            properties: { kind: { const: 'status' }, status: { type: 'integer' } },
          },
          {
            type: 'object',
            additionalProperties: false,
            required: ['kind', 'ms'],
            properties: { kind: { const: 'stall' }, ms: { type: 'integer' } },
          },
        ],
      },
    },
  })
  const messages = (value: Json): string[] => union.problems(value).map(problem => problem.message)

  it('that nothing fits is told in one sentence', () => {
    expect(messages({ command: 7 })).toEqual(['"command" must be a text or a list or null, not 7'])
  })
  it('is told by the branch that was meant', () => {
    expect(messages({ command: ['a', 1] })).toEqual(['"command[1]" must be a text, not 1'])
    expect(messages({ fault: { kind: 'stall', mss: 4 } }).sort()).toEqual([
      'missing key "fault.ms"',
      'unknown key "mss" in fault; did you mean "ms"?',
    ])
  })
})
