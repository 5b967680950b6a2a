import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { Exchange } from '../../core/types.ts'
import { createRequestSearch, type RequestStore } from '../../runner/request-search.ts'
import { openStore } from '../../store/open.ts'
import { createUlid } from '../../store/ulid.ts'
import { makeDirectory } from './_sandbox.ts'

/** The same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A record of requests as lists of pieces; counts the bytes that are read. */
function createRecord() {
  const pieces: Buffer[] = []
  const requests = new Map<string, number[]>()
  const record = { readBytes: 0 }
  const store: RequestStore = {
    readRequestPieces: async id => ({ ids: Uint32Array.from(requests.get(id) ?? []), decodedFrom: null }),
    readPiece: async id => {
      const piece = pieces[id] ?? Buffer.alloc(0)
      record.readBytes += piece.length
      return piece
    },
  }
  const send = (ids: readonly number[]): Exchange => {
    const id = `exchange ${requests.size}`
    requests.set(id, [...ids])
    return { id, requestHeaders: [] } as unknown as Exchange
  }
  return {
    record,
    store,
    send,
    addPiece: (text: string) => pieces.push(Buffer.from(text)) - 1,
    textOf: (ids: readonly number[]) => ids.map(id => pieces[id]).join(''),
  }
}

const texts = [
  'the first of the lines that are looked for',
  'and a second one, which is a little bit longer',
  `${'ab'.repeat(20)}`,
]

it('says of every request what a search of its whole body would, however it is cut and changed', async () => {
  const random = createRandom(11)
  for (let round = 0; round < 40; round++) {
    const { store, send, addPiece, textOf } = createRecord()
    const search = createRequestSearch()
    search.add(texts)
    // Pieces of a few bytes, so that texts stand across several.
    const whole = Array.from({ length: 20 }, () =>
      random(2) === 0 ? texts[random(texts.length)] : 'filling '.repeat(random(6)),
    ).join('')
    const ids: number[] = []
    for (let at = 0; at < whole.length; ) {
      const end = at + 1 + random(30)
      ids.push(addPiece(whole.slice(at, end)))
      at = end
    }
    let now = ids.slice(0, random(ids.length))
    for (let request = 0; request < 25; request++) {
      const from = random(now.length + 1)
      const taken = random(3) === 0 ? random(6) : 0
      now = [...now.slice(0, from), ...ids.slice(random(ids.length)).slice(0, random(8)), ...now.slice(from + taken)]
      const body = textOf(now)
      expect([...(await search.search(store, send(now)))].sort()).toEqual(texts.filter(text => body.includes(text)).sort())
    }
  }
})

it('reads again only what is new in a request, until other texts are looked for', async () => {
  const { record, store, send, addPiece } = createRecord()
  const search = createRequestSearch()
  search.add(texts)
  const history = Array.from({ length: 200 }, (_, at) => addPiece(`message ${at} ${'of some length '.repeat(60)}`))
  const tail = addPiece('"tools": and settings that end every request')
  await search.search(store, send([...history, tail]))
  expect(record.readBytes).toBeGreaterThan(180_000)
  record.readBytes = 0
  const next = addPiece(`news: ${texts[0]}`)
  expect([...(await search.search(store, send([...history, next, tail])))]).toEqual([texts[0]])
  expect(record.readBytes).toBeLessThan(3_000)
  // Another conversation in between.
  await search.search(store, send([next]))
  record.readBytes = 0
  expect([...(await search.search(store, send([...history, next, addPiece('more'), tail])))]).toEqual([texts[0]])
  expect(record.readBytes).toBeLessThan(3_000)
  record.readBytes = 0
  search.add(['message 17 of some length of some length'])
  expect((await search.search(store, send([...history, tail]))).size).toBe(1)
  expect(record.readBytes).toBeGreaterThan(180_000)
})

it('reads what a store has recorded, compressed or not', async () => {
  const store = await openStore(makeDirectory())
  const search = createRequestSearch()
  search.add(texts)
  const record = async (body: Buffer, encoding: string | null): Promise<Exchange> => {
    const id = createUlid()
    const requestHeaders = encoding === null ? [] : [['content-encoding', encoding] as const]
    const place = { scope: { kind: 'trial', id: 'trial' }, turn: 1, attempt: 1, protocol: null, route: null } as const
    const request = { method: 'POST', path: '/', query: '', requestHeaders, requestBody: body, startedAt: 1, secrets: [] }
    await store.recorder.begin({ id, ...place, ...request })
    const [exchange] = await store.exchanges({ id })
    if (exchange === undefined) throw new Error('nothing was recorded')
    return exchange
  }
  const messages = Array.from({ length: 300 }, (_, at) => ({ role: 'user', content: `message ${at} ${'word '.repeat(40)}` }))
  const write = (last: string): Buffer =>
    Buffer.from(JSON.stringify({ messages: [...messages, { role: 'user', content: last }] }))
  expect((await search.search(store, await record(write('nothing'), null))).size).toBe(0)
  expect([...(await search.search(store, await record(write(`look: ${texts[1]}`), null)))]).toEqual([texts[1]])
  expect([...(await search.search(store, await record(gzipSync(write(`${texts[0]}`)), 'gzip')))]).toEqual([texts[0]])
  expect((await search.search(store, await record(write('nothing again'), null))).size).toBe(0)
  await store.close()
})
