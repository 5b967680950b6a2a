// One configuration value: the schema of its kind, and how a flag's or variable's text becomes it. Values of every origin pass
// the same schema; only the name in the message differs. Pure.

import { type ConfigKey, configKeys, environmentName } from './config-keys.ts'
import { type ErrorCode, TurnpikeError } from './errors.ts'
import { compileSchema, type JsonSchema } from './schema.ts'
import { suggest } from './suggest.ts'
import type { Json, JsonObject } from './types.ts'

/** The shape of turnpike.yaml. */
export function makeFileSchema(): JsonSchema {
  return sectionSchema(configKeys.map(key => ({ path: key.name.split('.'), schema: valueSchema(key) })))
}

interface PlacedSchema {
  readonly path: readonly string[]
  readonly schema: JsonObject
}

/** A section whose keys are all commented out reads as null. */
function sectionSchema(placed: readonly PlacedSchema[]): JsonObject {
  const properties: Record<string, JsonObject> = {}
  for (const name of new Set(placed.map(({ path }) => path[0] ?? ''))) {
    const inside = placed.filter(({ path }) => path[0] === name).map(({ path, schema }) => ({ path: path.slice(1), schema }))
    const [only] = inside
    properties[name] = only !== undefined && only.path.length === 0 ? only.schema : sectionSchema(inside)
  }
  return { type: ['object', 'null'], additionalProperties: false, properties }
}

function valueSchema(key: ConfigKey): JsonObject {
  if (key.choices) return { enum: [...key.choices] }
  switch (key.kind) {
    case 'whole':
    case 'number':
      return {
        type: key.kind === 'whole' ? 'integer' : 'number',
        ...(key.minimum === undefined ? {} : { minimum: key.minimum }),
        ...(key.maximum === undefined ? {} : { maximum: key.maximum }),
      }
    case 'turn':
      return { type: ['integer', 'string'], minimum: key.minimum ?? 1, minLength: 1 }
    case 'flag':
      return { type: 'boolean' }
    case 'url':
      return { type: 'string', pattern: '^https?://' }
    case 'agents':
      return { type: 'array', items: { anyOf: [{ type: 'string', minLength: 1 }, agentSchema] } }
    default:
      return { type: 'string', minLength: 1 }
  }
}

const argvSchema: JsonObject = { type: 'array', minItems: 1, items: { type: 'string' } }

const commandSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['first'],
  properties: {
    first: argvSchema,
    next: argvSchema,
    stdin: { type: 'string' },
    env: { type: 'object', additionalProperties: { type: 'string' } },
  },
}

const agentSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    model: { type: 'string', minLength: 1 },
    version: { type: 'string', minLength: 1 },
    driver: { enum: ['process', 'acp', 'stream-json'] },
    protocol: { type: 'string', minLength: 1 },
    command: { anyOf: [argvSchema, commandSchema] },
    settings: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
  },
}

/** Values of TURNPIKE_ variables by key name. An empty variable is one that is not set. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Map<string, Json> {
  refuseSlips(Object.keys(environment))
  const values = new Map<string, Json>()
  for (const key of configKeys) {
    const origin = environmentName(key)
    const text = environment[origin]
    if (text !== undefined && text !== '') values.set(key.name, checkValue(key, readText(key, text), origin, 'E_CONFIG_INVALID'))
  }
  return values
}

/** Values of flags by key name, given as the texts, lists of texts or `true` that the command line yields. */
export function readFlags(flags: Readonly<Record<string, Json | undefined>>): Map<string, Json> {
  const values = new Map<string, Json>()
  for (const key of configKeys) {
    const given = flags[key.name]
    if (given === undefined) continue
    const origin = key.flag?.split(' ', 1)[0] ?? key.name
    values.set(key.name, checkValue(key, typeof given === 'string' ? readText(key, given) : given, origin, 'E_USAGE'))
  }
  return values
}

function readText(key: ConfigKey, text: string): Json {
  switch (key.kind) {
    case 'whole':
    case 'turn':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text
    case 'number':
      return /^-?\d{1,12}(\.\d{1,9})?$/.test(text) ? Number(text) : text
    case 'flag':
      return ({ true: true, '1': true, yes: true, false: false, '0': false, no: false } as const)[text.toLowerCase()] ?? text
    case 'agents':
      return text.split(',').map(word => word.trim())
    default:
      return text
  }
}

function checkValue(key: ConfigKey, value: Json, origin: string, code: ErrorCode): Json {
  const wanted = valueSchema(key)
  if (fitsPlainly(wanted, value)) return value
  const schema = compileSchema<JsonObject>({ type: 'object', properties: { [origin]: wanted } })
  const problem = schema.problems({ [origin]: value })[0]
  if (problem) throw new TurnpikeError(code, problem.message, { details: { key: key.name, origin } })
  return value
}

/** What anyone can see to be right: loading the schema compiler takes longer than most commands. */
function fitsPlainly({ enum: choices, type, pattern }: JsonObject, value: Json): boolean {
  if (Array.isArray(choices)) return choices.includes(value)
  return type === 'string' && pattern === undefined && typeof value === 'string' && value !== ''
}

/** Turnpike sets variables of its own for agents, and users may name their keys as they like: only a near miss is a mistake. */
function refuseSlips(names: readonly string[]): void {
  const known = new Set(configKeys.map(environmentName))
  for (const name of names) {
    if (!name.startsWith('TURNPIKE_') || known.has(name) || ownVariables.has(name)) continue
    const near = suggest(
      name.slice('TURNPIKE_'.length),
      [...known].map(word => word.slice('TURNPIKE_'.length)),
    )
    if (near === null) continue
    throw new TurnpikeError('E_CONFIG_INVALID', `unknown variable ${name}; did you mean "TURNPIKE_${near}"?`)
  }
}

/** What the runner sets inside an agent's environment, where the command line may be used too. */
const ownVariables = new Set(['BASE_URL', 'TOKEN', 'MODEL', 'PROTOCOL', 'TRIAL', 'RESULTS'].map(word => `TURNPIKE_${word}`))
