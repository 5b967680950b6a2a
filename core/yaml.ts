// YAML (and so JSON) text as plain data that still knows where each key stood, so that messages can name file, line and column.
// The only file that touches the yaml package. Never guesses: duplicate keys, unresolved tags and broken syntax are errors.

import { createRequire } from 'node:module'
import type { ParsedNode } from 'yaml'
import { type ErrorCode, TurnpikeError } from './errors.ts'
import type { Json } from './types.ts'

/** Loaded at the first document: most commands read none. */
let library: typeof import('yaml') | null = null
const loadYaml = (): typeof import('yaml') => (library ??= createRequire(import.meta.url)('yaml') as typeof import('yaml'))

export type DataPath = ReadonlyArray<string | number>

/** 1-based. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface LocatedData {
  /** As messages name it. */
  readonly file: string
  readonly value: Json
  /** Where the value at `path` stands, or its key; for a path that does not exist, its nearest parent that does. */
  readonly locate: (path: DataPath, part?: 'key' | 'value') => Place
}

export interface YamlOptions {
  /** Which code a syntax error gets; E_CONFIG_INVALID when left out. */
  readonly code?: ErrorCode
}

/** An empty text is `null`. */
export function readYaml(text: string, file: string, options: YamlOptions = {}): LocatedData {
  const { LineCounter, parseDocument } = loadYaml()
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const placeOf = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const code = options.code ?? 'E_CONFIG_INVALID'
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) throw syntaxError(problem.message, file, placeOf(problem.pos[0]), code)
  const root = document.contents
  return {
    file,
    value: plainValue(document, file, code),
    locate: (path, part = 'value') => placeOf(root === null ? 0 : offsetOf(root, path, part)),
  }
}

function plainValue(document: { toJS(): unknown }, file: string, code: ErrorCode): Json {
  try {
    return document.toJS() as Json
  } catch (cause) {
    // An alias to nothing, or so many aliases that the document would explode.
    throw syntaxError(cause instanceof Error ? cause.message : String(cause), file, { line: 1, column: 1 }, code)
  }
}

function syntaxError(message: string, file: string, place: Place, code: ErrorCode): TurnpikeError {
  const firstSentence = message.split('\n', 1)[0] ?? message
  return new TurnpikeError(code, `${file}:${place.line}:${place.column}: ${firstSentence}`, { details: { file, ...place } })
}

function offsetOf(root: ParsedNode, path: DataPath, part: 'key' | 'value'): number {
  let node: unknown = root
  let offset = root.range[0]
  for (const [depth, step] of path.entries()) {
    const item = childOf(node, step)
    if (item === null) return offset
    const wantsKey = part === 'key' && depth === path.length - 1
    // A key without a value (`agents:`) is located at the key.
    offset = (wantsKey ? null : startOf(item.value)) ?? startOf(item.key) ?? startOf(item.value) ?? offset
    node = item.value
  }
  return offset
}

function childOf(node: unknown, step: string | number): { readonly key: unknown; readonly value: unknown } | null {
  const { isMap, isPair, isScalar, isSeq } = loadYaml()
  if (isSeq(node)) {
    const value = node.items[Number(step)]
    return value === undefined ? null : { key: null, value }
  }
  if (!isMap(node)) return null
  const pair = node.items.find(item => isPair(item) && (isScalar(item.key) ? String(item.key.value) : '') === String(step))
  return pair ? { key: pair.key, value: pair.value } : null
}

function startOf(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null
  if (loadYaml().isScalar(node) && node.value === null && node.source === '') return null
  return Number(node.range[0])
}
