// Sessions of real agents (tests/fixtures/trajectories, scrubbed and cut down) through import, tree and lanes: which calls are one
// conversation, what hangs on what and by which evidence, against what the recorder's labels say and against a file a person can read.

import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { importFiles } from '../../convert/import.ts'
import { buildLanes, type Lane, type Lanes } from '../../convert/lanes.ts'
import { loadSource } from '../../convert/load.ts'
import { policies } from '../../convert/policies/_all.ts'
import { readStoreScope } from '../../convert/source-store.ts'
import { buildTree, type CallTree, type TreeCall } from '../../convert/tree.ts'
import { type CaptureRow, type ExpectedCall, expectLanes } from '../../scripts/plain-lanes.ts'
import { openStore } from '../../store/open.ts'

const folder = fileURLToPath(new URL('../fixtures/trajectories', import.meta.url))
/** Before the tests: a missing one would be written, and seem to agree. */
const present = new Set(readdirSync(folder))
const names = readdirSync(folder)
  .filter(name => name.endsWith('.jsonl.gz'))
  .map(name => name.replace('.jsonl.gz', ''))

interface Session {
  readonly tree: CallTree
  readonly lanes: Lanes
  /** What the labels say of each call, by exchange id, in the order of the rows. */
  readonly expected: ReadonlyMap<string, ExpectedCall>
}

async function readSession(name: string): Promise<Session> {
  const file = join(folder, `${name}.jsonl.gz`)
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-captured-'))
  const store = await openStore(directory)
  try {
    const identify = (url: string) => {
      const [path = '', query = ''] = url.split('?')
      return { path, query, session: null, agentSession: null, secrets: [] }
    }
    await importFiles(store, { files: [file], directory, format: 'capture', name: 'captured', skipBad: false, identify })
    const [session] = await store.list('sessions', {})
    const about = { runId: null, task: null, agent: null, score: null }
    const scope = { kind: 'session', id: session?.id ?? '', name: 'captured', ...about } as const
    const tree = buildTree(await loadSource(readStoreScope(store, { scopeId: scope.id }, scope)), scope.id)
    const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n')
    const plain = expectLanes(lines.map(line => JSON.parse(line) as CaptureRow))
    const exchanges = await store.exchanges({ scopeId: scope.id })
    expect(exchanges).toHaveLength(plain.length)
    const expected = new Map(exchanges.map((exchange, index) => [exchange.id, plain[index] as ExpectedCall]))
    return { tree, lanes: buildLanes(tree), expected }
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

const callsOf = (lane: Lane): TreeCall[] => lane.steps.flatMap(step => [step.call, ...step.alternatives])

/** Ids of providers are filler and long: their beginning tells them apart. */
const short = (id: string): string => (id.length > 14 ? `${id.slice(0, 14)}…` : id)

/** As the golden files have it. */
function describeSession({ tree, lanes, expected }: Session): string {
  const nameOf = (call: TreeCall | undefined): string => expected.get(call?.call.id ?? '')?.name ?? '?'
  const describeLane = (lane: Lane): string => {
    const first = lane.steps[0]?.call
    const { parent, side } = first?.link ?? { parent: null, side: null }
    const of = parent === null ? '' : ` from ${nameOf(tree.calls[parent])}`
    const failed = lane.failed.length === 0 ? '' : `, without an answer: ${lane.failed.map(nameOf).join(' ')}`
    return `${lane.kind}${side === null ? '' : ` (${side})`}${of}: ${callsOf(lane).map(nameOf).join(' ')}${failed}`
  }
  const describeLink = (call: TreeCall): string => {
    const { relation, kind, parent, known, edits, evidence, via, side } = call.link
    return [
      `${nameOf(call)}: ${relation}${parent === null ? '' : ` ${nameOf(tree.calls[parent])}`}, ${kind}`,
      `${known} of ${tree.scope.history.nodesFrom(call.request, 0).length} blocks known`,
      ...(call.preambleChanged ? ['preamble changed'] : []),
      ...edits.map(edit => `${edit.kind} at ${edit.position ?? 'nowhere'}`),
      ...(via === null ? [] : [`works for ${short(via)}`]),
      ...(side === null ? [] : [side]),
      ...(evidence.length === 0 ? [] : [`by ${evidence.map(({ kind, value }) => `${kind} ${short(value)}`).join(', ')}`]),
    ].join('; ')
  }
  const stray = lanes.stray.length === 0 ? [] : [`on no lane: ${lanes.stray.map(nameOf).join(' ')}`]
  return ['lanes', ...lanes.lanes.map(describeLane), ...stray, '', 'links', ...tree.calls.map(describeLink), ''].join('\n')
}

describe.each(names)('a session of %s', name => {
  it('falls into the lanes that its labels name', async () => {
    const session = await readSession(name)
    const { tree, lanes, expected } = session
    const labelsOf = (lane: Lane) => callsOf(lane).map(({ call }) => expected.get(call.id)?.lane)
    const found = lanes.lanes.map(lane => {
      // A repetition of the whole conversation with one more message is, behind its last call, no different from its next one.
      const last = callsOf(lane).at(-1)
      const isRepeated = lane.steps.length > 1 && expected.get(last?.call.id ?? '')?.repeatsMain === true
      return labelsOf(lane).slice(0, isRepeated ? -1 : undefined)
    })
    for (const labels of found) expect(new Set(labels).size, labels.join(' ')).toBe(1)
    const plain = [...expected.values()].filter(call => !call.repeatsMain).flatMap(call => call.lane ?? [])
    expect(
      found
        .map(([label]) => label)
        .filter(label => plain.includes(label ?? ''))
        .sort(),
    ).toEqual([...new Set(plain)].sort())
    for (const lane of lanes.lanes) {
      const first = lane.steps[0]?.call
      const call = expected.get(first?.call.id ?? '')
      const kinds = { main: 'root', subagent: 'subagent', side: lane.kind === 'fork' ? 'fork' : 'side' }
      expect(lane.kind, call?.name).toBe(kinds[call?.kind ?? 'main'])
      if (call?.kind !== 'subagent') continue
      const parent = expected.get(tree.calls[first?.link.parent ?? -1]?.call.id ?? '')
      expect([parent?.kind, parent?.turn], `whom ${call.name} works for`).toEqual(['main', call.turn])
    }
  })

  it('exports every answer once under every policy', async () => {
    const { tree, lanes, expected } = await readSession(name)
    const answers = [...expected].filter(([, call]) => call.lane !== null).map(([id]) => id)
    expect(answers.length).toBeGreaterThan(3)
    for (const policy of policies) {
      const exported = [...policy.build(tree, lanes)].flatMap(({ steps }) => steps.flatMap(step => step.generation?.callId ?? []))
      expect(exported.sort(), policy.id).toEqual(answers.sort())
    }
  })

  it('links as it always has', async () => {
    expect(present).toContain(`${name}.txt`)
    await expect(describeSession(await readSession(name))).toMatchFileSnapshot(join(folder, `${name}.txt`))
  })
})
