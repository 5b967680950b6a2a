// What reading in parts saves: each piece is read and parsed once, what does not change is the same object, however long a session is.
import { describe, expect, it } from 'vitest'
import { createPieceRequests } from '../../convert/piece-requests.ts'
import type { Json } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'
import { protocolById } from '../../protocols/_all.ts'
import { cutBody } from '../../store/cut.ts'
import { writeFiller } from '../store/_conversation.ts'

const address = { path: '/v1/messages', query: '' }

function openReader(protocolId = 'anthropic-messages') {
  const protocol = protocolById(protocolId) as ProtocolAdapter
  const ids = new Map<string, number>()
  const stored: Buffer[] = []
  const reads = new Map<number, number>()
  const requests = createPieceRequests(async id => {
    reads.set(id, (reads.get(id) ?? 0) + 1)
    return stored[id] ?? Buffer.alloc(0)
  })
  let calls = 0
  const send = async (body: Json, changes: { readonly protocol?: string } = {}) => {
    const bytes = Buffer.from(JSON.stringify(body))
    let start = 0
    const pieces = cutBody(bytes, { from: 0, to: bytes.length, insideArray: false }).map(end => {
      const piece = bytes.subarray(start, end)
      start = end
      const name = piece.toString('latin1')
      const id = ids.get(name) ?? ids.size
      ids.set(name, id)
      stored[id] = piece
      return id
    })
    calls += 1
    const spoken = changes.protocol === undefined ? protocol : (protocolById(changes.protocol) as ProtocolAdapter)
    return requests.read({ id: `c${calls}`, protocol: spoken, address, pieces: Uint32Array.from(pieces) })
  }
  return { send, reads, stored }
}

const user = (seed: number, chars = 600) => ({ role: 'user', content: writeFiller(seed, chars) })
const assistant = (seed: number, chars = 600) => ({
  role: 'assistant',
  content: [{ type: 'text', text: writeFiller(seed, chars) }],
})
const tools = ['read', 'write', 'list'].map((name, at) => ({ name, description: writeFiller(at, 700), input_schema: {} }))
const system = [{ type: 'text', text: writeFiller(7, 1000) }]
const most = (reads: ReadonlyMap<number, number>): number => Math.max(...reads.values())

describe('a growing conversation', () => {
  it.each(['history first', 'history last'])('is read piece by piece, each once, with the %s', async order => {
    const { send, reads, stored } = openReader()
    const history: Json[] = [user(1)]
    const heads: unknown[] = []
    for (let at = 0; at < 60; at += 1) {
      const body =
        order === 'history first'
          ? { model: 'm', messages: history, system, tools }
          : { model: 'm', system, tools, messages: history, stream: true }
      const read = await send(body)
      heads.push(read?.conversation.system, read?.conversation.tools)
      expect(read?.continues).toEqual(at === 0 ? null : { callId: `c${at}`, messages: at * 2 - 1 })
      expect(read?.conversation.messages).toHaveLength(at === 0 ? 1 : 2)
      history.push(assistant(at * 2 + 100), user(at * 2 + 101))
    }
    // A piece that is the end of a body only while it is the last is read again as one that is not.
    expect(most(reads)).toBeLessThanOrEqual(2)
    expect([...reads.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(stored.length + 2)
    expect(new Set(heads).size).toBe(2)
  })

  it('whose small messages share pieces is continued all the same, and its tools stay the same objects', async () => {
    const { send } = openReader()
    const history: Json[] = [user(1, 2000)]
    const heads = new Set<unknown>()
    let repeated = 0
    for (let at = 0; at < 40; at += 1) {
      const read = await send({ model: 'm', messages: history, tools, system, temperature: at })
      heads.add(read?.conversation.tools).add(read?.conversation.system)
      expect(read?.conversation.temperature).toBe(at)
      expect(at > 0 && read?.continues === null).toBe(false)
      repeated += (read?.continues?.messages ?? 0) + (read?.conversation.messages.length ?? 0) === history.length ? 0 : 1
      history.push(assistant(at, 20), user(at, 3))
    }
    expect(repeated).toBe(0)
    expect(heads.size).toBe(2)
  })
})

describe('what an earlier request had', () => {
  it('is found in any of the conversations that take turns, and where one goes back', async () => {
    const { send, reads } = openReader()
    const histories = Array.from({ length: 20 }, (_, at) => [user(at), assistant(at + 50)] as Json[])
    let fresh = 0
    for (let round = 0; round < 5; round += 1)
      for (const [at, history] of histories.entries()) {
        const read = await send({ model: 'm', messages: history, tools })
        if (read?.continues === null) fresh += 1
        history.push(user(round * 100 + at + 1000), assistant(round * 100 + at + 5000))
      }
    expect(fresh).toBe(20)
    expect(most(reads)).toBe(1)
    const back = await send({ model: 'm', messages: [...(histories[3] ?? []).slice(0, 5), user(99_999)], tools })
    expect(back?.continues?.messages).toBe(5)
    expect(back?.conversation.messages).toHaveLength(1)
    // What the other tip still has is known from it, not from the shorter one.
    const again = await send({ model: 'm', messages: histories[3] ?? [], tools })
    expect(again?.continues?.messages).toBeGreaterThanOrEqual(5)
    expect((again?.continues?.messages ?? 0) + (again?.conversation.messages.length ?? 0)).toBe(histories[3]?.length)
  })

  it('is nothing where the request was another protocol’s', async () => {
    const { send } = openReader()
    const body = { model: 'm', messages: [user(1), assistant(2), user(3)], tools }
    await send(body)
    expect((await send(body, { protocol: 'openai-chat' }))?.continues).toBeNull()
    expect((await send(body))?.continues).toEqual({ callId: 'c1', messages: 3 })
  })
})

describe('a body that cannot be read in parts', () => {
  it.each<[string, Json]>([
    ['without a history', { model: 'm', system, tools }],
    ['whose history is a text', { model: 'm', messages: writeFiller(1, 3000), tools }],
    ['that its protocol refuses', [user(1), user(2), user(3), user(4)]],
  ])('%s is left to the caller, and does not harm the next', async (_what, body) => {
    const { send } = openReader()
    const good = { model: 'm', messages: [user(1), assistant(2), user(3)], tools }
    await send(good)
    expect(await send(body)).toBeNull()
    expect((await send(good))?.continues).toEqual({ callId: 'c1', messages: 3 })
  })
})
