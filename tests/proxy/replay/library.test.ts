import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Trial } from '../../../core/types.ts'
import { openLibrary } from '../../../proxy/replay/library.ts'
import { handshakeMethod, parseBody, withoutCredentials } from '../../../proxy/replay/shelf.ts'
import type { ExchangeBegin, Store } from '../../../store/_adapter.ts'
import { openStore } from '../../../store/open.ts'
import { makeRun, makeTrial } from '../../rows.ts'
import { describeBegin, describeEnd } from '../../store/_conversation.ts'
import { answerText, messagesBody } from './_rig.ts'

let directory: string
let store: Store
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-test-'))
  store = await openStore(directory)
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

let count = 0
async function record(
  fields: Partial<ExchangeBegin> & { readonly answer?: string | null; readonly status?: number } = {},
): Promise<string> {
  const { answer = answerText('hi'), status = 200, ...begin } = fields
  const id = `01EXCHANGE${String(++count).padStart(16, '0')}`
  const scope = { kind: 'session', id: 'session1' } as const
  await store.recorder.begin(
    describeBegin(messagesBody({ first: 'Hello' }), { id, scope, requestHeaders: [], startedAt: 1000 + count, ...begin }),
  )
  if (answer === null) return id
  store.recorder.append(id, Buffer.from(answer), 1100)
  await store.recorder.end(id, describeEnd({ status, responseHeaders: [], firstByteAt: 1100, endedAt: 1200 }))
  return id
}

const session = { id: 'session1', name: 'first', source: 'path', agentSession: null, startedAt: 1 } as const

async function recordRun(id: string, names: readonly string[], simulated = false): Promise<Trial[]> {
  await store.put('runs', [makeRun({ id, name: id, config: null, turnpikeVersion: 't', simulated, plannedTurns: 1 })])
  const trials = names.map(
    (name): Trial => makeTrial({ id: `${id}.${name}`, runId: id, name, taskId: 't', agent: 'a', turn: 1, attempt: 1 }),
  )
  await store.put('trials', trials)
  return trials
}

const open = (ref: string) => openLibrary({ store, ref, live: store })

describe('what a recording holds', () => {
  it('is a session, a run, a trial or a single exchange', async () => {
    await store.put('sessions', [session])
    const first = await record()
    await record()
    await recordRun('runA', ['x', 'y'])
    await record({ scope: { kind: 'trial', id: 'runA.x' } })
    await record({ scope: { kind: 'trial', id: 'runA.y' } })
    await record({ scope: { kind: 'trial', id: 'runA.y' } })
    const sizes = await Promise.all(['first', 'runA', 'runA.y', first].map(async ref => (await open(ref)).size))
    expect(sizes).toEqual([2, 3, 2, 1])
  })

  it('is nothing that is unknown, empty or still running', async () => {
    await store.put('sessions', [session])
    await record({ answer: null })
    await expect(open('first')).rejects.toMatchObject({ code: 'E_USAGE' })
    await expect(open('second')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  })

  it('is simulated when its run is, or when its answers say so', async () => {
    await store.put('sessions', [session])
    await record()
    expect((await open('first')).simulated).toBe(false)
    await record({ route: 'simulated' })
    expect((await open('first')).simulated).toBe(true)
    await recordRun('runS', ['x'], true)
    const single = await record({ scope: { kind: 'trial', id: 'runS.x' } })
    expect([(await open('runS')).simulated, (await open('runS.x')).simulated]).toEqual([true, true])
    expect((await open(single)).simulated).toBe(false)
  })
})

describe('who is answered from what', () => {
  it('a trial from the recorded one of its name, everyone else from the whole, each with a count of its own', async () => {
    await recordRun('old', ['task.mini.1', 'task.mini.2'])
    await recordRun('new', ['task.mini.2', 'task.mini.3'])
    for (const trial of ['old.task.mini.1', 'old.task.mini.2', 'old.task.mini.2'])
      await record({ scope: { kind: 'trial', id: trial } })
    const library = await open('old')
    const sizeFor = async (kind: 'trial' | 'session', id: string) => (await library.viewFor({ kind, id })).shelf.size
    expect(await sizeFor('trial', 'new.task.mini.2')).toBe(2)
    expect(await sizeFor('trial', 'new.task.mini.3')).toBe(3)
    expect(await sizeFor('session', 'any')).toBe(3)
    const [one, again, other] = await Promise.all(['a', 'a', 'b'].map(id => library.viewFor({ kind: 'session', id })))
    expect(again?.used).toBe(one?.used)
    expect(other?.used).not.toBe(one?.used)
    expect(other?.shelf).toBe(one?.shelf)
  })
})

describe('a shelf', () => {
  it('finds exchanges by method and path, in recorded order, and reads what they asked on demand', async () => {
    await store.put('sessions', [session])
    const zipped = gzipSync(messagesBody({ first: 'Hello' }))
    const ids = [
      await record(),
      await record({ requestBody: zipped, requestHeaders: [['Content-Encoding', 'gzip']] }),
      await record({ requestBody: Buffer.from('not json') }),
    ]
    await record({ path: '/v1/other', protocol: null })
    const { shelf } = await (await open('first')).viewFor({ kind: 'session', id: 'x' })
    const entries = shelf.entries('POST', '/v1/messages')
    expect(entries.map(({ id }) => id)).toEqual(ids)
    expect([...shelf.addresses()]).toEqual([
      ['POST /v1/messages', 3],
      ['POST /v1/other', 1],
    ])
    expect(entries.map(shelf.printOf)).toEqual([null, null, null])
    await shelf.readPrints('POST', '/v1/messages')
    const [plain, unzipped, unreadable] = entries.map(shelf.printOf)
    expect(unzipped).toEqual(plain)
    expect([plain?.place?.steps, unreadable]).toEqual([0, null])
    expect(unzipped?.place?.system).toBe(plain?.place?.system)
  })

  it('keeps handshakes apart from other GETs, and words of a provider that nobody asked for out', async () => {
    await store.put('sessions', [session])
    const handshake = await record({
      method: 'GET',
      path: '/v1/responses',
      protocol: null,
      requestBody: Buffer.alloc(0),
      status: 101,
    })
    const message = await record({ method: 'WS', path: '/v1/responses', requestBody: Buffer.from('{}') })
    await record({ method: 'WS', path: '/v1/responses', protocol: null, requestBody: Buffer.alloc(0) })
    const { shelf } = await (await open('first')).viewFor({ kind: 'session', id: 'x' })
    const idsAt = (method: string) => shelf.entries(method, '/v1/responses').map(({ id }) => id)
    expect([idsAt('GET'), idsAt(handshakeMethod), idsAt('WS')]).toEqual([[], [handshake], [message]])
  })

  it('compares queries without credentials and in any order', () => {
    expect(withoutCredentials('key=AIza&b=2&alt=sse')).toBe('alt=sse&b=2')
    expect(withoutCredentials('monkey=1&api_key=***')).toBe('monkey=1')
    expect(withoutCredentials('')).toBe('')
  })

  it('takes for no JSON what it cannot undo', () => {
    expect(parseBody(Buffer.from('{"a":1}'), 'identity')).toEqual({ a: 1 })
    expect(parseBody(Buffer.from('{"a":1}'), 'gzip')).toBeUndefined()
    expect(parseBody(Buffer.from('{"a":1}'), 'unheard-of')).toBeUndefined()
  })
})
