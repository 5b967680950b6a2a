import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLiveTrees } from '../../cli/live-trees.ts'
import { type ReadTree, readTree } from '../../cli/read-trees.ts'
import { writeTrees } from '../../cli/tree-json.ts'
import { listStoreScopes } from '../../convert/sources/store-scopes.ts'
import type { Message, Trial } from '../../core/types.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { assistant, record, text, user } from '../convert/script.ts'
import { makeTrial } from '../rows.ts'

let directory: string
let store: Store
let readBodies: string[] = []
const { signal } = new AbortController()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-live-trees-'))
  const opened = await openStore(join(directory, 'store'), {})
  const noting = async <T>(id: string, work: Promise<T>): Promise<T> => {
    readBodies.push(id)
    return work
  }
  store = { ...opened, readBody: (id, side) => noting(id, opened.readBody(id, side)) }
})
afterAll(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

const ref = (kind: Ref['kind'], id: string): Ref => ({ kind, id, name: id })

async function readWhole(of: Ref): Promise<ReadTree[]> {
  const scopes = await listStoreScopes(store, [of])
  return Promise.all(scopes.map(scope => readTree(store, scope, signal)))
}

it('is after each call the tree that is read at once, and reads no call again', async () => {
  const scope = { kind: 'session', id: 's1' } as const
  await store.put('sessions', [{ id: 's1', name: 's1', source: 'path', agentSession: null, startedAt: 1 }])
  const trees = openLiveTrees(store, ref('session', 's1'))
  expect(writeTrees((await trees.next(signal)) ?? []).calls).toEqual([])
  expect(await trees.next(signal)).toBeNull()
  let messages: Message[] = [user('begin')]
  const opening = messages
  for (let call = 0; call < 12; call += 1) {
    // In between it goes back to its beginning, and one call turns up that was begun before the others.
    if (call === 6) messages = [...opening, assistant(text('answer 0')), user('another way')]
    const at = call === 9 ? 1002.5 : 1000 + call
    const answer = assistant(text(`answer ${call}`))
    await record(store, { id: `c${String(call).padStart(2, '0')}`, at, messages, answer }, scope)
    messages = [...messages, answer, user(`next ${call}`)]
    readBodies = []
    const grown = (await trees.next(signal)) ?? []
    expect(new Set(readBodies)).toEqual(new Set([`c${String(call).padStart(2, '0')}`]))
    expect(writeTrees(grown)).toEqual(writeTrees(await readWhole(ref('session', 's1'))))
  }
  expect(await trees.next(signal)).toBeNull()
})

it('follows a run into the trials that begin later, and leaves the others alone', async () => {
  const trial = (id: string): Trial =>
    makeTrial({ id, runId: 'r1', name: `${id}.mini.1`, taskId: id, state: 'running', turn: 1, attempt: 1, endedAt: null })
  await store.put('trials', [trial('ta')])
  const call = (id: string) => ({ id, at: 5, messages: [user(`go ${id}`)], answer: assistant(text('gone')) })
  await record(store, call('a1'), { kind: 'trial', id: 'ta' })
  const trees = openLiveTrees(store, ref('run', 'r1'))
  const before = (await trees.next(signal)) ?? []
  await store.put('trials', [trial('tb')])
  await record(store, call('b1'), { kind: 'trial', id: 'tb' })
  const after = (await trees.next(signal)) ?? []
  expect(after.map(({ scope, tree }) => [scope.name, tree.calls.length])).toEqual([
    ['ta.mini.1', 1],
    ['tb.mini.1', 1],
  ])
  expect(after[0]).toBe(before[0])
})
