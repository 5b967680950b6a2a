// What ajv reports, in words: "unknown key", "must be a whole number, not "three"". Pure; no ajv value is imported here.
// A union (anyOf, oneOf) is told by the one branch the writer meant, or as one sentence; never as a list of every branch.

import { didYouMean } from './suggest.ts'
import type { DataPath } from './yaml.ts'

export interface SchemaProblem {
  readonly path: DataPath
  /** Whether the key itself is wrong (unknown, missing) or its value. */
  readonly part: 'key' | 'value'
  readonly message: string
}

/** The parts of an ajv error (verbose mode) that are read. */
export interface SchemaFault {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
  readonly parentSchema?: unknown
  readonly schema?: unknown
  readonly data?: unknown
}

export function describeProblems(faults: readonly SchemaFault[]): SchemaProblem[] {
  const seen = new Set<string>()
  return resolveUnions(faults)
    .map(describeFault)
    .filter(problem => {
      const key = `${problem.path.join('/')} ${problem.message}`
      return seen.has(key) ? false : seen.add(key)
    })
}

/** `agents[0].model`, as people write it. */
export function writePath(path: DataPath): string {
  return path.map((step, depth) => (typeof step === 'number' ? `[${step}]` : depth === 0 ? step : `.${step}`)).join('')
}

function readPointer(pointer: string): Array<string | number> {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map(step => (/^\d+$/.test(step) ? Number(step) : step))
}

/** Replaces the faults inside a failed union by those of the branch that was meant, when exactly one was. */
function resolveUnions(faults: readonly SchemaFault[]): SchemaFault[] {
  const unions = faults.filter(fault => fault.keyword === 'anyOf' || fault.keyword === 'oneOf')
  let kept = [...faults]
  for (const union of unions) {
    const inside = (fault: SchemaFault): boolean => fault !== union && fault.schemaPath.startsWith(`${union.schemaPath}/`)
    const branches = new Map<string, SchemaFault[]>()
    for (const fault of faults.filter(inside)) {
      const name = fault.schemaPath.slice(union.schemaPath.length + 1).split('/', 1)[0] ?? ''
      branches.set(name, [...(branches.get(name) ?? []), fault])
    }
    const meant = [...branches.values()].filter(branch => !branch.some(fault => rejectsWhole(fault, union)))
    kept = kept.filter(fault => !inside(fault))
    if (meant.length !== 1) continue
    kept = [...kept.filter(fault => fault !== union), ...(meant[0] ?? [])]
  }
  return kept
}

/** The branch is not what the writer meant: another type, or another tag (`const`) in one of its keys. */
function rejectsWhole(fault: SchemaFault, union: SchemaFault): boolean {
  if (fault.keyword === 'const') return true
  return fault.instancePath === union.instancePath && (fault.keyword === 'type' || fault.keyword === 'enum')
}

function describeFault(fault: SchemaFault): SchemaProblem {
  const path = readPointer(fault.instancePath)
  const unknownKey = fault.params['additionalProperty'] ?? fault.params['unevaluatedProperty']
  if (typeof unknownKey === 'string') {
    const inside = path.length === 0 ? '' : ` in ${writePath(path)}`
    const near = didYouMean(unknownKey, knownKeys(fault.parentSchema))
    return { path: [...path, unknownKey], part: 'key', message: `unknown key "${unknownKey}"${inside}${near}` }
  }
  if (fault.keyword === 'required') {
    const missing = writePath([...path, String(fault.params['missingProperty'])])
    return { path, part: 'key', message: `missing key "${missing}"` }
  }
  const subject = path.length === 0 ? 'it' : `"${writePath(path)}"`
  return { path, part: 'value', message: `${subject} ${describeValue(fault)}` }
}

function knownKeys(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return []
  return Object.keys(schema.properties as object)
}

const typeNames: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
  null: 'null',
}

function describeValue(fault: SchemaFault): string {
  const { params } = fault
  switch (fault.keyword) {
    case 'type':
      return `must be ${nameTypes([params['type']].flat())}, not ${show(fault.data)}`
    case 'enum':
      return `must be ${(params['allowedValues'] as unknown[]).map(show).join(', ')}, not ${show(fault.data)}${nearEnum(fault)}`
    case 'const':
      return `must be ${show(params['allowedValue'])}, not ${show(fault.data)}`
    case 'anyOf':
    case 'oneOf':
      return `must be ${nameUnion(fault.schema)}, not ${show(fault.data)}`
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return params['limit'] === 1 ? 'must not be empty' : `must have at least ${params['limit']} entries`
    case 'pattern':
      return `must match ${params['pattern']}, which ${show(fault.data)} does not`
    default:
      return `${fault.message ?? `does not fit (${fault.keyword})`}, not ${show(fault.data)}`
  }
}

function nearEnum(fault: SchemaFault): string {
  const words = (fault.params['allowedValues'] as unknown[]).filter(word => typeof word === 'string')
  return typeof fault.data === 'string' ? didYouMean(fault.data, words) : ''
}

function nameTypes(types: readonly unknown[]): string {
  return types
    .flatMap(type => String(type).split(','))
    .map(type => typeNames[type] ?? type)
    .join(' or ')
}

function nameUnion(branches: unknown): string {
  if (!Array.isArray(branches)) return 'one of the documented forms'
  const names = branches.flatMap((branch: { type?: unknown; enum?: unknown[]; const?: unknown }) => {
    if (branch.enum) return branch.enum.map(show)
    if (branch.const !== undefined) return [show(branch.const)]
    return branch.type === undefined ? [] : [nameTypes([branch.type].flat())]
  })
  return names.length === 0 ? 'one of the documented forms' : [...new Set(names)].join(' or ')
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping of keys'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
