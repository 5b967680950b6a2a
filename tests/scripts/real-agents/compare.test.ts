import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeExchanges } from '../../../convert/decode.ts'
import { startProxy } from '../../../proxy/server.ts'
import { singleUpstream } from '../../../proxy/single-upstream.ts'
import { startSimulated } from '../../../scenarios/simulated/server.ts'
import { compareCopies, type Places } from '../../../scripts/real-agents/compare.ts'
import { startWitness, type Witness, type Witnessed } from '../../../scripts/real-agents/witness.ts'
import type { Store } from '../../../store/_adapter.ts'
import { openStore } from '../../../store/open.ts'

/** One recorded call with both copies, then one thing in one copy changed at a time. */
const directory = mkdtempSync(join(tmpdir(), 'turnpike-compare-test-'))
const variant = { protocol: 'openai-chat', id: 'chat', env: () => ({}), drive: { kind: 'acp', args: () => [] } } as const
let store: Store
let front: Witness
let back: Witness
const closing: Array<() => unknown> = []

beforeAll(async () => {
  store = await openStore(directory)
  const simulated = await startSimulated({ seed: 1 })
  back = await startWitness(simulated.url)
  const options = { host: '127.0.0.1', port: 0, onRecordFailure: 'refuse', version: 'test' } as const
  const proxy = await startProxy({ store, ...options, routes: singleUpstream(back.url) })
  front = await startWitness(proxy.url)
  closing.push(front.close, back.close, simulated.close, () => store.close())
  const body = JSON.stringify({
    model: 'm',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Hello?' }],
  })
  await (await fetch(`${front.url}/s/one/v1/chat/completions`, { method: 'POST', body })).text()
  await proxy.drain(1000)
  await decodeExchanges(store, {})
})
afterAll(async () => {
  for (const close of closing) await close()
  rmSync(directory, { recursive: true, force: true })
})

const changed = (witness: Witness, change: (note: Witnessed) => Witnessed): Witness => ({
  ...witness,
  seen: witness.seen.map(change),
})
const compare = async (places: Partial<Places>): Promise<readonly string[]> =>
  (await compareCopies({ store, front, back, ...places }, variant)).wrong

describe('three copies', () => {
  it('that agree are found to agree', async () => {
    expect(await compare({})).toEqual([])
  })
  it('are told apart by one byte of a request', async () => {
    const front2 = changed(front, note => ({ ...note, request: Buffer.from(`${note.request} `) }))
    expect(await compare({ front: front2 })).toEqual([
      'POST /v1/chat/completions 200: the request differs from the copy of the agent',
      'POST /s/one/v1/chat/completions of the agent is not in the record',
    ])
  })
  it('are told apart by one byte of an answer', async () => {
    const back2 = changed(back, note => ({
      ...note,
      answer: () => Buffer.from(note.answer().toString().replace('data', 'Data')),
    }))
    expect((await compare({ back: back2 }))[0]).toBe(
      'POST /v1/chat/completions 200: the answer differs from the copy of the provider',
    )
  })
  it('are told apart by a status', async () => {
    expect(await compare({ back: changed(back, note => ({ ...note, status: () => 201 })) })).toHaveLength(2)
  })
  it('may lack the end of an answer whose reader left, but nothing else', async () => {
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 8)
    const left = changed(front, note => ({ ...note, answer: () => cut(note.answer()), whole: () => false }))
    expect(await compare({ front: left })).toEqual([])
    const whole = changed(front, note => ({ ...note, answer: () => cut(note.answer()) }))
    expect(await compare({ front: whole })).toHaveLength(2)
  })
  it('show what was not recorded, and what was recorded twice', async () => {
    expect(await compare({ front: { ...front, seen: front.seen.flatMap(note => [note, { ...note }]) } })).toEqual([
      'POST /s/one/v1/chat/completions of the agent is not in the record',
    ])
    expect(await compare({ back: { ...back, seen: [] } })).toHaveLength(1)
  })
  it('do not make up for a call of another protocol than expected', async () => {
    const { wrong } = await compareCopies({ store, front, back }, { ...variant, protocol: 'gemini' })
    expect(wrong).toEqual(['POST /v1/chat/completions 200 is openai-chat, expected gemini'])
  })
})
