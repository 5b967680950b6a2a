// Request bodies as the parts they are stored in.
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { recordExchange, writeConversation } from './_conversation.ts'
import { openTemporary } from './_store.ts'

it('joined, the pieces are the body; what two bodies share has the same ids, packed or not', async () => {
  const store = await openTemporary()
  const bodies = writeConversation(12)
  const ids: string[] = []
  for (const body of bodies) ids.push(await recordExchange(store, body, 'answer'))
  const lists: number[][] = []
  for (const [at, id] of ids.entries()) {
    const { ids: pieces, decodedFrom } = await store.readRequestPieces(id)
    const bytes: Buffer[] = []
    for (const piece of pieces) bytes.push(await store.readPiece(piece))
    expect(Buffer.concat(bytes).equals(bodies[at] ?? Buffer.alloc(0))).toBe(true)
    expect(decodedFrom).toBeNull()
    lists.push([...pieces])
  }
  const [before = [], last = []] = lists.slice(-2)
  expect(last.length).toBe(before.length + 2)
  // All but the two new messages.
  expect(last.filter(piece => !before.includes(piece))).toHaveLength(2)
})

it('a body that is stored decoded says so', async () => {
  const store = await openTemporary()
  const body = gzipSync(`{"key":"sk-secret-0001-abcdef","more":"${'x'.repeat(3000)}"}`)
  const encoded = { requestHeaders: [['content-encoding', 'gzip']] as const, secrets: ['sk-secret-0001-abcdef'] }
  const id = await recordExchange(store, body, '', encoded)
  expect((await store.readRequestPieces(id)).decodedFrom).toBe('gzip')
})

it('the pieces of an unknown exchange, and unknown pieces, are errors', async () => {
  const store = await openTemporary()
  await expect(store.readRequestPieces('01ARZ3NDEKTSV4RRFFQ69G5FAV')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  await expect(store.readPiece(4711)).rejects.toMatchObject({ code: 'E_STORE_CORRUPT' })
})
