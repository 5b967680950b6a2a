// What two files of merged conversations (mini-vela's JSONL) say differently, by kind. Rows and messages are paired by what they say, not by
// their position, so that one missing message is one difference. Knows nothing of who wrote which file. Used by compare-merged.ts.

import type { Json, JsonObject } from '../core/types.ts'
import { isList, isObject, objectOf } from '../protocols/_json.ts'

export interface Difference {
  /** `only-second:message.call_id`, `generation`, `row-repeated-first`: what differs, without the place. */
  readonly kind: string
  readonly session: string
  readonly place: string
  readonly first?: Json | undefined
  readonly second?: Json | undefined
}

interface Row {
  readonly number: number
  readonly session: string
  readonly meta: JsonObject
  readonly tools: readonly JsonObject[]
  readonly messages: readonly JsonObject[]
  readonly words: readonly string[]
}

export function listDifferences(first: readonly JsonObject[], second: readonly JsonObject[]): Difference[] {
  const differences: Difference[] = []
  const rows = { first: first.map(readRow), second: second.map(readRow) }
  const pairs = pairRows(rows.first, rows.second)
  for (const [one, other] of pairs) differences.push(...compareRows(one, other))
  const paired = new Set(pairs.flat())
  for (const side of ['first', 'second'] as const)
    for (const row of rows[side].filter(row => !paired.has(row))) {
      const others = rows[side === 'first' ? 'second' : 'first']
      const isRepeated = others.some(other => other.session === row.session && isBeginning(row.words, other.words))
      differences.push({
        kind: `row-${isRepeated ? 'repeated' : 'only'}-${side}`,
        session: row.session,
        place: `row ${row.number}`,
      })
    }
  return differences
}

function readRow(raw: JsonObject, index: number): Row {
  const meta = objectOf(raw['meta'])
  const messages = listOf(raw['messages'])
  const session = String(meta['session_id'] ?? '')
  return { number: index + 1, session, meta, tools: listOf(raw['tools']), messages, words: messages.map(nameMessage) }
}

function listOf(value: Json | undefined): JsonObject[] {
  return isList(value) ? value.filter(isObject) : []
}

/** What a message says, whatever it is spelled like. */
function nameMessage({ role, content, tool_calls: calls }: JsonObject): string {
  const names = listOf(calls).map(call => String(call['name']))
  return JSON.stringify([role, readText(content).trim(), names])
}

function readText(content: Json | undefined): string {
  if (typeof content === 'string') return content
  return listOf(content)
    .map(part => (typeof part['text'] === 'string' ? part['text'] : ''))
    .join('')
}

/** Best first: the two rows of a session that have most messages in common. */
function pairRows(first: readonly Row[], second: readonly Row[]): Array<readonly [Row, Row]> {
  const candidates: Array<{ readonly one: Row; readonly other: Row; readonly common: number }> = []
  for (const one of first)
    for (const other of second) {
      if (one.session !== other.session) continue
      const words = new Set(other.words)
      const common = one.words.filter(word => words.has(word)).length
      if (common > 0) candidates.push({ one, other, common })
    }
  const rest = (row: Row, common: number): number => row.words.length - common
  candidates.sort(
    (a, b) =>
      b.common - a.common || rest(a.one, a.common) + rest(a.other, a.common) - rest(b.one, b.common) - rest(b.other, b.common),
  )
  const taken = new Set<Row>()
  return candidates.flatMap(({ one, other }) => {
    if (taken.has(one) || taken.has(other)) return []
    taken.add(one).add(other)
    return [[one, other] as const]
  })
}

function isBeginning(words: readonly string[], others: readonly string[]): boolean {
  return words.length <= others.length && words.every((word, index) => word === others[index])
}

function compareRows(one: Row, other: Row): Difference[] {
  const differences: Difference[] = []
  const note = (kind: string, place: string, first?: Json, second?: Json): void => {
    differences.push({ kind, session: one.session, place: `rows ${one.number}/${other.number}, ${place}`, first, second })
  }
  compareKeys(one.meta, other.meta, 'meta', 'meta', note)
  for (const key of Object.keys(one.meta))
    if (key in other.meta && !same(one.meta[key], other.meta[key])) note(`meta.${key}`, 'meta', one.meta[key], other.meta[key])
  compareTools(one.tools, other.tools, note)
  for (const [at, to] of align(one.words, other.words, one.messages, other.messages)) {
    const [a, b] = [at === null ? undefined : one.messages[at], to === null ? undefined : other.messages[to]]
    if (a !== undefined && b !== undefined) compareMessages(a, b, `message ${to}`, note)
    else if (a !== undefined) note(`message-only-first:${String(a['role'])}`, `message ${at}`, a['content'])
    else if (b !== undefined) note(`message-only-second:${String(b['role'])}`, `message ${to}`, undefined, b['content'])
  }
  return differences
}

type Note = (kind: string, place: string, first?: Json, second?: Json) => void

function compareKeys(one: JsonObject, other: JsonObject, what: string, place: string, note: Note): void {
  for (const key of Object.keys(one)) if (!(key in other)) note(`only-first:${what}.${key}`, place, one[key])
  for (const key of Object.keys(other)) if (!(key in one)) note(`only-second:${what}.${key}`, place, undefined, other[key])
}

function compareTools(one: readonly JsonObject[], other: readonly JsonObject[], note: Note): void {
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [a, b] = [one[index], other[index]]
    if (a === undefined || b === undefined) {
      note(`tool-only-${a === undefined ? 'second' : 'first'}`, `tool ${index}`)
      continue
    }
    compareKeys(a, b, 'tool', `tool ${index}`, note)
    const [f, g] = [objectOf(a['function']), objectOf(b['function'])]
    for (const key of ['name', 'description', 'parameters'])
      if (!same(f[key], g[key])) note(`tool.${key}`, `tool ${index}`, f[key], g[key])
  }
}

function compareMessages(one: JsonObject, other: JsonObject, place: string, note: Note): void {
  const role = String(one['role'])
  compareKeys(one, other, 'message', place, note)
  const [a, b] = [one['content'], other['content']]
  if (readText(a) !== readText(b)) note(`text:${role}`, place, a, b)
  else if (!same(a, b)) note(`content-shape:${role}`, place, a, b)
  for (const key of ['generation', 'reasoning_content', 'tool_name'])
    if (key in one && key in other && !same(one[key], other[key])) note(key, place, one[key], other[key])
  const [calls, others] = [listOf(one['tool_calls']), listOf(other['tool_calls'])]
  for (let index = 0; index < Math.max(calls.length, others.length); index += 1) {
    const [call, twin] = [objectOf(calls[index]), objectOf(others[index])]
    compareKeys(call, twin, 'tool_call', place, note)
    if (!same(call['name'], twin['name'])) note('tool_call.name', place, call['name'], twin['name'])
    if (!same(call['arguments'], twin['arguments'])) note('tool_call.arguments', place, call['arguments'], twin['arguments'])
  }
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(sort(a)) === JSON.stringify(sort(b))
}

function sort(value: Json | undefined): Json | undefined {
  if (isList(value)) return value.map(item => sort(item) ?? null)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sort(item) ?? null]),
  )
}

const cellsMax = 4_000_000
type Pair = readonly [first: number | null, second: number | null]

/** The pairing with the most messages that say the same, then with the most of one role; very long rows by position. */
function align(one: readonly string[], other: readonly string[], a: readonly JsonObject[], b: readonly JsonObject[]): Pair[] {
  const width = other.length + 1
  if (one.length * other.length > cellsMax)
    return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => [
      index < one.length ? index : null,
      index < other.length ? index : null,
    ])
  const worth = (i: number, j: number): number => (one[i] === other[j] ? 4 : a[i]?.['role'] === b[j]?.['role'] ? 1 : -1)
  const best = new Int32Array((one.length + 1) * width)
  for (let i = one.length - 1; i >= 0; i -= 1)
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const skip = Math.max(best[(i + 1) * width + j] ?? 0, best[i * width + j + 1] ?? 0)
      best[i * width + j] = Math.max(skip, (best[(i + 1) * width + j + 1] ?? 0) + worth(i, j))
    }
  const pairs: Pair[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const here = best[i * width + j] ?? 0
    if (i < one.length && j < other.length && worth(i, j) > 0 && here === (best[(i + 1) * width + j + 1] ?? 0) + worth(i, j))
      pairs.push([i++, j++])
    else if (i < one.length && (j === other.length || here === best[(i + 1) * width + j])) pairs.push([i++, null])
    else pairs.push([null, j++])
  }
  return pairs
}
