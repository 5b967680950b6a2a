// A file of faults (`--inject @FILE`): YAML with the words of the short form as keys. Messages name file, line and column.

import { readFile } from 'node:fs/promises'
import { type ErrorCode, TurnpikeError } from '../../core/errors.ts'
import { compileSchema } from '../../core/schema.ts'
import { readYaml } from '../../core/yaml.ts'
import { buildRule, defaultSeed, type InjectSpec, parseInject, type WrittenWord } from './spec.ts'

type Value = number | string | ReadonlyArray<number | string>

interface InjectFile {
  readonly version: 1
  readonly seed?: number
  readonly faults: ReadonlyArray<{ readonly fault: number | string } & Readonly<Record<string, Value>>>
}

const scalar = { type: ['number', 'string'] }
const value = { anyOf: [scalar, { type: 'array', minItems: 1, items: scalar }] }
const schema = compileSchema<InjectFile>({
  type: 'object',
  additionalProperties: false,
  required: ['version', 'faults'],
  properties: {
    version: { const: 1 },
    seed: { type: 'integer', minimum: 0 },
    faults: {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['fault'], properties: { fault: scalar }, additionalProperties: value },
    },
  },
})

const code: ErrorCode = 'E_INJECT_INVALID'

/** `@FILE` or the short form. Throws E_INJECT_INVALID or E_FILE_UNREADABLE. */
export async function readInject(spec: string): Promise<InjectSpec> {
  if (!spec.startsWith('@')) return parseInject(spec)
  const file = spec.slice(1)
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the faults ${file}`, { cause })
  })
  return parseInjectFile(text, file)
}

export function parseInjectFile(text: string, file: string): InjectSpec {
  const located = readYaml(text, file, { code })
  const { seed, faults } = schema.read(located, code)
  const rules = faults.map(({ fault, ...given }, index) => {
    const refuseAt = (key: string) => (why: string) => {
      const { line, column } = located.locate(['faults', index, key])
      return new TurnpikeError(code, `${file}:${line}:${column}: ${why}`)
    }
    // Keys of YAML are spelled with underscores, as everywhere in the configuration.
    const words = Object.entries(given).map(([key, found]): [string, WrittenWord] => [
      key.replaceAll('_', '-'),
      { value: [found].flat().join('|'), refuse: refuseAt(key) },
    ])
    const said = words.map(([key, word]) => ` ${key}=${word.value}`).join('')
    return buildRule({
      number: index + 1,
      text: `${fault}${said}`,
      fault: String(fault),
      refuseFault: refuseAt('fault'),
      words: new Map(words),
    })
  })
  return { seed: seed ?? defaultSeed, rules }
}
