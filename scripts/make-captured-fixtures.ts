// Makes tests/fixtures/trajectories/ from recordings of real agents: some of their turns, their texts cut short, then scrubbed like
// `turnpike export --scrub`. What is left is who said how much to whom in which order. npx tsx scripts/make-captured-fixtures.ts DIR
// For developers who have such recordings; the fixtures are in the repository.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { markOf } from './plain-lanes.ts'
import { createRowScrubber, type TimedRow } from './scrubbed-rows.ts'

interface Recipe {
  readonly name: string
  readonly capture: string
  /** User turns to keep, with their calls and sub-agents; the others are taken out of every history. Null = all. */
  readonly turns: readonly number[] | null
}

const recipes: readonly Recipe[] = [
  { name: 'claude-code', capture: 'claude-long', turns: [1, 5, 11, 12] },
  { name: 'opencode-messages', capture: 'opencode-long', turns: [1, 5, 11] },
  { name: 'opencode-responses', capture: 'opencode-responses-long', turns: [1, 5, 12] },
  { name: 'kilo-chat', capture: 'kilo', turns: null },
  { name: 'codex-responses', capture: 'codex-long', turns: [1, 5, 11] },
  { name: 'codex-code-mode', capture: 'codex-codemode', turns: null },
  { name: 'codex-websocket', capture: 'codex-ws-long', turns: [1, 5, 6] },
  { name: 'codex-compaction', capture: 'codex-compaction', turns: null },
  { name: 'qwen-code', capture: 'qwen-automemory-long', turns: [1, 2, 5, 12] },
  { name: 'gemini-cli', capture: 'gemini-long', turns: [1, 2, 5] },
]

/** The scripted model answers every request for a summary with the same two words; a real one says something of its own. */
function writeSummaries(rows: readonly TimedRow[]): TimedRow[] {
  const scripted = 'Scripted title'
  let summary = scripted
  let number = 0
  return rows.map(row => {
    const asked = row.request_body?.replaceAll(scripted, summary) ?? null
    if (markOf(row) !== 'compaction') return { ...row, request_body: asked }
    number += 1
    summary = `Summary ${number}: the file was written and is to be changed, ${number} of its lines are left.`
    return { ...row, request_body: asked, response_body: row.response_body?.replaceAll(scripted, summary) ?? null }
  })
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value }

const [toolsKept, propertiesKept, toolCharsMax, textCharsMax] = [2, 2, 48, 360]

const isRecord = (value: unknown): value is { [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Both ends of a text: the same text becomes the same short one, and what a client puts before or behind it stays. */
function cutText(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, max / 2) + text.slice(-max / 2)
}

function cutTool(tool: Value): Value {
  if (typeof tool === 'string') return cutText(tool, toolCharsMax)
  if (Array.isArray(tool)) return tool.slice(0, toolsKept).map(cutTool)
  if (!isRecord(tool)) return tool
  return Object.fromEntries(
    Object.entries(tool).map(([key, value]) => {
      if (key !== 'properties' || !isRecord(value)) return [key, cutTool(value)]
      return [
        key,
        Object.fromEntries(
          Object.entries(value)
            .slice(0, propertiesKept)
            .map(([name, inner]) => [name, cutTool(inner)]),
        ),
      ]
    }),
  )
}

/** What a model said, and asked of tools, stays whole: later requests are recognised by it. */
function cut(value: Value, key: string): Value {
  if (key === 'tools' || key === 'functionDeclarations') return cutTool(value)
  if (key === 'arguments' || key === 'input_json' || key === 'signature' || key === 'encrypted_content') return value
  if (typeof value === 'string') return cutText(value, textCharsMax)
  if (Array.isArray(value)) return value.map(item => cut(item, key === 'input' ? 'items' : key))
  if (!isRecord(value)) return value
  if (value['type'] === 'tool_use' || value['role'] === 'assistant' || value['role'] === 'model') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cut(inner, name)]))
}

/** The scripts of the sessions begin each user's text with its number. */
const turnOf = (item: Value): number | null => {
  if (!isRecord(item) || item['role'] !== 'user') return null
  const [, number] = /\(turn (\d+)\)/.exec(JSON.stringify(item)) ?? []
  return number === undefined ? null : Number(number)
}

function dropTurns(items: readonly Value[], turns: readonly number[]): Value[] {
  let turn: number | null = null
  return items.filter(item => {
    turn = turnOf(item) ?? turn
    return turn === null || turns.includes(turn)
  })
}

function cutBody(text: string, turns: readonly number[] | null): string {
  const body = JSON.parse(text) as Value
  if (!isRecord(body)) return text
  for (const key of ['messages', 'input', 'contents'] as const) {
    const items = body[key]
    if (Array.isArray(items) && turns !== null) body[key] = dropTurns(items, turns)
  }
  return JSON.stringify(cut(body, ''))
}

/** Rows of the turns to keep; what has no number (titles, warm-ups, upgrades) goes with the next row that has one. */
function selectRows(rows: readonly TimedRow[], turns: readonly number[] | null): TimedRow[] {
  if (turns === null) return [...rows]
  let turn = 1
  const numbered = rows.map(row => {
    turn = Number(/\bturn(\d+)\./.exec(row.note ?? '')?.[1] ?? turn)
    return { row, turn }
  })
  let next = turn
  const placed = numbered.reverse().map(({ row, turn: own }) => {
    const isLoose = !/\b(turn|sub)\d+\./.test(row.note ?? '')
    if (!isLoose) next = own
    return { row, turn: isLoose ? next : own }
  })
  return placed.reverse().flatMap(({ row, turn: own }) => (turns.includes(own) ? [row] : []))
}

const [folder = ''] = process.argv.slice(2)
const out = join(dirname(dirname(fileURLToPath(import.meta.url))), 'tests', 'fixtures', 'trajectories')
mkdirSync(out, { recursive: true })
for (const { name, capture, turns } of recipes) {
  const lines = gunzipSync(readFileSync(join(folder, `${capture}.jsonl.gz`)))
    .toString()
    .split('\n')
  const rows = lines.filter(line => line !== '').map(line => JSON.parse(line) as TimedRow)
  const scrub = createRowScrubber(`fixture ${name}`)
  const kept = selectRows(writeSummaries(rows), turns).map(row => {
    const body = row.request_body
    return scrub(body === null || body === '' ? row : { ...row, request_body: cutBody(body, turns) })
  })
  const text = kept.map(row => `${JSON.stringify(row)}\n`).join('')
  writeFileSync(join(out, `${name}.jsonl.gz`), gzipSync(text, { level: 9 }))
  console.log(`${name.padEnd(20)} ${kept.length} rows, ${(text.length / 1024).toFixed(0)} KB`)
}
