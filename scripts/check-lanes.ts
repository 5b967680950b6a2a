// Recorded agent traffic through import, call tree and lanes, each call held against what the recorder's labels say of it: which calls
// are one conversation, which are sub-agents' and for which turn, which stand beside. Every policy must export every answer once.
// npx tsx scripts/check-lanes.ts [--scrubbed] DIR|FILE…    For developers who have such recordings; the project needs none.
// --scrubbed: the same of each recording's scrubbed likeness, which must link as the recording does.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { importFiles } from '../convert/import.ts'
import { buildLanes, type Lane, type Lanes } from '../convert/lanes.ts'
import { loadSource } from '../convert/load.ts'
import { policies } from '../convert/policies/_all.ts'
import { readStoreScope } from '../convert/source-store.ts'
import { buildTree, type CallTree } from '../convert/tree.ts'
import { attribute, presentedKeys } from '../proxy/attribute.ts'
import { openStore } from '../store/open.ts'
import { type ExpectedCall, expectLanes } from './plain-lanes.ts'
import { createRowScrubber, type TimedRow } from './scrubbed-rows.ts'

interface Counts {
  readonly generations: number
  readonly main: number
  readonly subagents: number
  readonly sides: number
}

/** Counted by hand in the sessions of twelve turns: their scripts have one sub-agent in turn 5 and two at once in turn 11. */
const counted: Readonly<Record<string, Counts>> = {
  'claude-long': { generations: 43, main: 36, subagents: 3, sides: 0 },
  'opencode-long': { generations: 44, main: 36, subagents: 3, sides: 1 },
  'opencode-responses-long': { generations: 44, main: 36, subagents: 3, sides: 1 },
  'codex-long': { generations: 46, main: 39, subagents: 3, sides: 0 },
  'qwen-automemory-long': { generations: 44, main: 36, subagents: 3, sides: 1 },
}

/** Why a recording must differ from its labels. */
const explained: Readonly<Record<string, string>> = {
  'codex-compaction':
    'the scripted model answers every request for a summary with the same two words: nothing to know a summary by',
}

/** Agents that cannot resume: their turns are conversations of their own. */
const withoutSessions = new Set(['grokcli'])

function readRows(file: string): TimedRow[] {
  const bytes = readFileSync(file)
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as TimedRow)
}

interface Found {
  readonly tree: CallTree
  readonly lanes: Lanes
  /** Exchange ids in the order of the rows. */
  readonly ids: readonly string[]
}

async function readCapture(rows: readonly TimedRow[]): Promise<Found> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-lanes-'))
  const file = join(directory, 'rows.jsonl')
  await writeFile(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const store = await openStore(directory)
  try {
    const identify = (url: string, headers: Parameters<typeof attribute>[1]) => {
      const { path, query } = attribute(url, headers)
      return { path, query, session: null, agentSession: null, secrets: presentedKeys(headers, query) }
    }
    const options = { files: [file], directory: process.cwd(), format: 'capture', name: 'check', skipBad: false, identify }
    await importFiles(store, { ...options, signal: new AbortController().signal, onProgress: () => undefined })
    const [session] = await store.list('sessions', {})
    const scope = {
      kind: 'session',
      id: session?.id ?? '',
      name: 'check',
      runId: null,
      task: null,
      agent: null,
      score: null,
    } as const
    const tree = buildTree(await loadSource(readStoreScope(store, { scopeId: scope.id }, scope)), scope.id)
    const exchanges = await store.exchanges({ scopeId: scope.id })
    return { tree, lanes: buildLanes(tree), ids: exchanges.map(exchange => exchange.id) }
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

const callsOf = (lane: Lane): string[] => lane.steps.flatMap(step => [step.call, ...step.alternatives].map(({ call }) => call.id))

/** The expected lanes and the found ones must be the same sets of calls. */
function compareLanes(
  expected: readonly ExpectedCall[],
  { tree, lanes, ids: all }: Found,
  wrong: string[],
  noted: string[],
): void {
  if (all.length !== expected.length) return void wrong.push(`${expected.length} rows, ${all.length} exchanges`)
  const byId = new Map(all.map((id, index) => [id, expected[index]]))
  const linkOf = new Map(tree.calls.map(({ call, link }) => [call.id, link]))
  const laneOf = new Map(lanes.lanes.flatMap((lane, number) => callsOf(lane).map(id => [id, number] as const)))
  const nameOf = (id: string): string => byId.get(id)?.name ?? id
  for (const [id, call] of byId) {
    const isFound = laneOf.has(id)
    if (isFound && call?.lane === null) wrong.push(`${nameOf(id)}: generated nothing, plainly, but is on a lane`)
    if (!isFound && call?.lane != null) wrong.push(`${nameOf(id)}: an answer that is on no lane`)
  }
  const homes = new Map<string, Map<number, string>>()
  for (const [number, lane] of lanes.lanes.entries()) {
    // Behind the conversation's last call nothing on the wire tells a repetition with one more message from its next call.
    const ids = callsOf(lane)
    const last = byId.get(ids.at(-1) ?? '')
    if (ids.length > 1 && last?.repeatsMain === true) {
      noted.push(`${last.name} stands at the end of the conversation it repeats`)
      ids.pop()
    }
    const labels = new Set(ids.map(id => byId.get(id)?.lane))
    if (labels.size > 1) wrong.push(`joined: ${[...labels].join(' and ')} in the lane that begins with ${nameOf(ids[0] ?? '')}`)
    for (const id of ids) {
      const label = byId.get(id)?.lane ?? ''
      const parts = homes.get(label) ?? new Map<number, string>()
      if (!parts.has(number)) parts.set(number, id)
      homes.set(label, parts)
    }
  }
  for (const [label, parts] of homes)
    for (const id of [...parts.values()].slice(1)) {
      const { relation, kind, parent } = linkOf.get(id) ?? { relation: '', kind: '', parent: null }
      const from = parent === null ? 'nothing' : nameOf(tree.calls[parent]?.call.id ?? '')
      wrong.push(`split: ${label} goes on in another lane at ${nameOf(id)} (${relation}, ${kind}, from ${from})`)
    }
}

/** What the lanes are said to be, and what sub-agents hang on. */
function compareKinds(expected: readonly ExpectedCall[], { tree, lanes, ids }: Found, wrong: string[]): void {
  const byId = new Map(ids.map((id, index) => [id, expected[index]]))
  for (const lane of lanes.lanes) {
    const first = lane.steps[0]?.call
    const call = byId.get(first?.call.id ?? '')
    if (first === undefined || call === undefined) continue
    // A side call with the conversation's whole history is, on the wire, a branch of it.
    const allowed = { main: ['root'], subagent: ['subagent'], side: ['side', 'fork'] }[call.kind]
    if (!allowed.includes(lane.kind))
      wrong.push(`${call.name}: its lane is a ${lane.kind}, plainly a ${call.kind} one (${first.link.relation})`)
    if (call.kind !== 'subagent') continue
    const parent = first.link.parent === null ? undefined : byId.get(tree.calls[first.link.parent]?.call.id ?? '')
    if (parent?.kind !== 'main' || parent.turn !== call.turn)
      wrong.push(`${call.name}: works for ${parent?.name ?? 'nobody'}, plainly for a call of turn ${call.turn}`)
  }
}

function comparePolicies(expected: readonly ExpectedCall[], found: Found, wrong: string[]): string[] {
  const nameOf = new Map(found.ids.map((id, index) => [id, expected[index]?.name ?? id]))
  const wanted = found.ids.filter((_, index) => expected[index]?.lane !== null)
  return policies.map(policy => {
    const seen = new Map<string, number>()
    for (const trajectory of policy.build(found.tree, found.lanes))
      for (const { generation } of trajectory.steps)
        if (generation !== null) seen.set(generation.callId, (seen.get(generation.callId) ?? 0) + 1)
    for (const id of new Set([...wanted, ...seen.keys()])) {
      const times = seen.get(id) ?? 0
      if (times !== (wanted.includes(id) ? 1 : 0)) wrong.push(`${policy.id}: ${nameOf.get(id)} is exported ${times} times`)
    }
    return `${policy.id} ${wanted.length}=${[...seen.values()].reduce((sum, times) => sum + times, 0)}`
  })
}

function compareCounts(name: string, expected: readonly ExpectedCall[], wrong: string[]): void {
  const counts = counted[name]
  if (counts === undefined) return
  const lanes = (kind: ExpectedCall['kind']): number =>
    new Set(expected.filter(call => call.kind === kind).flatMap(call => call.lane ?? [])).size
  const plain: Counts = {
    generations: expected.filter(call => call.lane !== null).length,
    main: expected.filter(call => call.lane === 'main').length,
    subagents: lanes('subagent'),
    sides: lanes('side'),
  }
  for (const key of ['generations', 'main', 'subagents', 'sides'] as const)
    if (plain[key] !== counts[key]) wrong.push(`the labels give ${plain[key]} ${key}, counted by hand ${counts[key]}`)
}

function tally(words: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ')
}

async function check(file: string): Promise<boolean> {
  const name = basename(file).replace(/\.jsonl(\.gz)?$/, '')
  const rows = readRows(file)
  // Also of a scrubbed likeness: what the agents' own marks say is read before they are gone.
  const expected = expectLanes(rows, withoutSessions.has(name))
  const found = await readCapture(scrubbed ? rows.map(createRowScrubber('check')) : rows)
  const [wrong, noted]: [string[], string[]] = [[], []]
  compareCounts(name, expected, wrong)
  compareLanes(expected, found, wrong, noted)
  compareKinds(expected, found, wrong)
  const exported = comparePolicies(expected, found, wrong)
  const { tree, lanes } = found
  const sides = lanes.lanes.filter(lane => lane.kind === 'side').map(lane => lane.steps[0]?.call.link.side ?? '?')
  const plainSides = new Set(expected.filter(call => call.kind === 'side').flatMap(call => call.lane ?? [])).size
  console.log(
    [
      `${name}: ${tree.calls.length} calls; lanes: ${tally(lanes.lanes.map(lane => lane.kind)) || 'none'}`,
      `relations: ${tally(tree.calls.map(({ link }) => link.relation)) || 'none'}`,
      `side calls ${sides.length} of ${plainSides}${sides.length === 0 ? '' : ` (${tally(sides)})`}`,
      `generations ${exported.join(', ')}`,
      wrong.length === 0 ? 'as labelled' : `${wrong.length} DIFFERENCES`,
    ].join('; '),
  )
  for (const line of wrong) console.log(`    ${line}`)
  if (wrong.length > 0 && name in explained) console.log(`    as it must: ${explained[name]}`)
  for (const line of noted) console.log(`    noted: ${line}`)
  return wrong.length === 0 || name in explained
}

const scrubbed = process.argv.includes('--scrubbed')
const paths = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const files = paths.flatMap(path =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter(name => /\.jsonl(\.gz)?$/.test(name))
        .sort()
        .map(name => join(path, name))
    : [path],
)
const results: boolean[] = []
for (const file of files) results.push(await check(file))
console.log(`${results.filter(Boolean).length} of ${results.length} recordings as labelled, or explained`)
process.exitCode = results.every(Boolean) ? 0 : 1
