// A small log as mini-vela's proxy writes it, filler text in the shapes of real clients, and what its converter (commit a92c7ab, threshold 1)
// made of it: every difference to our conversion is one that docs/mini-vela.md explains, and none is missing.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { convertScopes } from '../../convert/convert.ts'
import merged from '../../convert/formats/merged.ts'
import { importFiles } from '../../convert/import.ts'
import type { JsonObject } from '../../core/types.ts'
import { describeDifferences, readRows } from '../../scripts/compare-merged.ts'
import { listDifferences } from '../../scripts/merged-differences.ts'
import { withStore } from '../convert/temporary-store.ts'

const raw = 'tests/fixtures/mini-vela/raw.jsonl'
const theirs = readRows('tests/fixtures/mini-vela/converted.jsonl')

const ours: readonly JsonObject[] = await withStore(async store => {
  await importFiles(store, {
    files: [raw],
    directory: '.',
    format: 'auto',
    name: null,
    skipBad: false,
    identify: path => ({ path, query: '', session: null, agentSession: null, secrets: [] }),
  })
  const names = [...new Set(readRows(raw).map(record => String(record['session_id'])))]
  const refs = await Promise.all(names.map(name => store.resolveRef(name)))
  const rows: JsonObject[] = []
  for await (const line of convertScopes(store, refs, { format: 'merged' }).rows) rows.push(JSON.parse(line) as JsonObject)
  return rows
})

const differences = listDifferences(theirs, ours)

describe('mini-vela’s converter beside ours', () => {
  it('says the same but for what is known to differ', () => {
    const found: Record<string, Record<string, number>> = {}
    for (const { session, kind } of differences) {
      // What we add stands in every row.
      if (/^only-second:(meta|message|tool_call)\./.test(kind)) continue
      found[session] ??= {}
      found[session][kind] = (found[session][kind] ?? 0) + 1
    }
    expect(found).toEqual({
      chat: {
        generation: 1,
        'message-only-second:system': 1,
        'message-only-second:tool': 1,
        'tool.name': 1,
        'tool.description': 1,
        'tool.parameters': 1,
      },
      empty: { 'row-only-first': 1 },
      flip: { 'row-repeated-first': 2, generation: 2 },
      results: { 'message-only-second:tool': 1 },
      retry: { 'text:assistant': 1, generation: 1, 'row-repeated-second': 1 },
      rewritten: { 'text:assistant': 1, generation: 2, 'tool.parameters': 1 },
      roles: { 'message-only-second:system': 1 },
      schemas: { 'tool.parameters': 2, 'only-second:tool.raw': 1 },
      strings: { generation: 1 },
      stripped: { 'row-repeated-first': 1, generation: 1, reasoning_content: 1 },
      texts: { 'text:assistant': 1, 'content-shape:user': 1, 'content-shape:tool': 1 },
      thoughts: { 'row-only-second': 1 },
    })
  })

  it('keeps every key of theirs', () => expect(differences.filter(({ kind }) => kind.startsWith('only-first:'))).toEqual([]))

  it('differs in no way that docs/mini-vela.md does not explain', () => {
    const text = readFileSync('docs/mini-vela.md', 'utf8')
    const unexplained = [...new Set(differences.map(({ kind }) => kind))].filter(kind => !text.includes(`\`${kind}\``))
    expect(unexplained).toEqual([])
  })

  it('reads their rows, and writes them again without losing or moving a word', () => {
    for (const row of theirs) {
      const [again] = [...merged.write(merged.read(row))]
      expect(again === undefined ? [] : [...merged.write(merged.read(again))]).toEqual([again])
      const kinds = listDifferences([row], again === undefined ? [] : [again]).map(({ kind }) => kind)
      expect(kinds.filter(kind => !/^only-second:(meta|message\.(call_id|is_error)$)/.test(kind))).toEqual(
        // A list of one text is a string.
        row === theirs.find(one => JSON.stringify(one).includes('no such file')) ? ['content-shape:tool'] : [],
      )
      expect(merged.listGenerations(again ?? {})).toEqual(merged.listGenerations(row))
    }
  })
})

describe('listDifferences', () => {
  const row = (messages: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
    meta: { session_id: 's', biz_id: '', model: 'm' },
    tools: [],
    messages,
    ...more,
  })
  const user = (content: string): JsonObject => ({ role: 'user', content })
  const says = (content: string, more: JsonObject = {}): JsonObject => ({
    role: 'assistant',
    content,
    reasoning_content: '',
    generation: true,
    ...more,
  })
  const kinds = (a: readonly JsonObject[], b: readonly JsonObject[]) => listDifferences(a, b).map(({ kind }) => kind)

  it('finds none between a file and itself, in any order of rows and keys', () => {
    const rows = [row([user('a'), says('b')]), row([user('c'), says('d')])]
    expect(kinds(rows, [...rows].reverse())).toEqual([])
    expect(kinds([{ a: 1, ...rows[0] }], [{ ...rows[0], a: 1 }])).toEqual([])
  })

  it('counts a missing message once, wherever it stood', () => {
    const all = [user('a'), says('b'), user('c'), says('d'), user('e'), says('f')]
    for (const [index, message] of all.entries()) {
      const kind = `message-only-first:${String(message['role'])}`
      expect(kinds([row(all)], [row(all.toSpliced(index, 1))]), `without ${index}`).toEqual([kind])
    }
  })

  it('names what differs in a message, and does not take a changed word for another message', () => {
    const first = [user('a'), says('b', { tool_calls: [{ name: 'x', arguments: { n: 1, m: 2 } }] })]
    const change = (more: JsonObject) => kinds([row(first)], [row([user('a'), { ...first[1], ...more }])])
    expect(change({ content: 'B' })).toEqual(['text:assistant'])
    expect(change({ generation: false })).toEqual(['generation'])
    expect(change({ reasoning_content: 'hm' })).toEqual(['reasoning_content'])
    expect(change({ tool_calls: [{ name: 'x', arguments: { m: 2, n: 1 } }] })).toEqual([])
    expect(change({ tool_calls: [{ name: 'x', arguments: { n: 2, m: 2 } }] })).toEqual(['tool_call.arguments'])
    expect(change({ tool_calls: [{ name: 'x', arguments: { n: 1, m: 2 }, id: 't' }] })).toEqual(['only-second:tool_call.id'])
  })

  it('tells a row that repeats the beginning of another from one that says something else', () => {
    const long = row([user('a'), says('b'), user('c'), says('d')])
    expect(kinds([long, row([user('a'), says('b')])], [long])).toEqual(['row-repeated-first'])
    expect(kinds([long], [long, row([user('z'), says('b')])])).toEqual(['row-only-second'])
  })

  it('pairs very long rows by position, without a table of all pairs', () => {
    const long = Array.from({ length: 2100 }, (_, index) => (index % 2 === 0 ? user(`q${index}`) : says(`a${index}`)))
    expect(kinds([row(long)], [row(long.slice(0, -1))])).toEqual(['message-only-first:assistant'])
  })
})

it('the command prints kinds with an example each, the most frequent first', () => {
  const lines = describeDifferences(differences, false)
  const counts = lines.filter(line => /^ *\d+ {2}\S/.test(line)).map(line => Number.parseInt(line, 10))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(differences.length)
  expect(counts).toEqual([...counts].sort((a, b) => b - a))
  const file = 'tests/fixtures/mini-vela/converted.jsonl'
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/compare-merged.ts', file, file]).toString()
  expect(printed).toContain('\n0 differences')
})
