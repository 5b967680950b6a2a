import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { recordExchange, writeConversation } from './_conversation.ts'
import { makeDirectory, openTemporary } from './_store.ts'

interface Sizes {
  readonly pieceBytes: number
  readonly recipeBytes: number
  readonly depthMax: number
}

/** What a closed store holds for its requests. */
function measure(directory: string): Sizes {
  const database = new Database(join(directory, 'turnpike.db'), { readonly: true })
  const pieceBytes = Number(database.prepare('SELECT sum(bytes) FROM pieces').pluck().get())
  const [recipeBytes, depthMax] = database.prepare('SELECT sum(length(recipe)), max(depth) FROM exchanges').raw().get() as [
    number,
    number,
  ]
  database.close()
  return { pieceBytes, recipeBytes, depthMax }
}

it.each([
  ['tools last', true],
  ['tools first', false],
])('a conversation is stored once, however often it is sent (%s)', async (_, toolsLast) => {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  const bodies = writeConversation(300, { toolsLast })
  const ids: string[] = []
  for (const body of bodies) ids.push(await recordExchange(store, body, ''))
  for (const [at, id] of ids.entries()) expect((await store.readBody(id, 'request'))?.bytes.equals(bodies[at]!)).toBe(true)
  await store.close()
  const { pieceBytes, recipeBytes, depthMax } = measure(directory)
  const lastBody = bodies.at(-1)!.length
  // Everything that was ever new, and next to nothing beside it: 300 bodies hold 150 times as much.
  expect(pieceBytes).toBeLessThan(lastBody * 1.05 + 10_000)
  expect(recipeBytes / bodies.length).toBeLessThan(40)
  expect(depthMax).toBe(127)
})

it('a restart does not store a conversation again', async () => {
  const directory = await makeDirectory()
  const bodies = writeConversation(60)
  for (const half of [bodies.slice(0, 30), bodies.slice(30)]) {
    const store = await openStore(directory)
    for (const body of half) await recordExchange(store, body, '')
    await store.close()
  }
  expect(measure(directory).pieceBytes).toBeLessThan(bodies.at(-1)!.length * 1.05 + 10_000)
  const store = await openStore(directory, { readOnly: true })
  const read = await Promise.all((await store.exchanges({})).map(({ id }) => store.readBody(id, 'request')))
  expect(read.map(body => body?.bytes.toString())).toEqual(bodies.map(String))
  await store.close()
})

it('an agent that takes its last message back, and goes on from there, is recorded as it spoke', async () => {
  const store = await openTemporary()
  const bodies = writeConversation(30)
  const order = bodies.flatMap((_, at) => [at, at + 1, at, at, Math.max(0, at - 3), at]).filter(at => at < bodies.length)
  const ids: string[] = []
  for (const at of order) ids.push(await recordExchange(store, bodies[at]!, ''))
  for (const [call, id] of ids.entries()) {
    const body = await store.readBody(id, 'request')
    expect(body?.bytes.equals(bodies[order[call]!]!), `call ${call}`).toBe(true)
    expect(body?.sentSha256).toBe(createHash('sha256').update(bodies[order[call]!]!).digest('hex'))
  }
  expect((await store.verify()).bad).toEqual([])
})

it('conversations side by side in one scope do not push each other out', async () => {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  const main = writeConversation(40, { messageChars: 900 })
  const helpers = [500, 610, 720].map(messageChars => writeConversation(40, { messageChars, toolsLast: false }))
  for (let call = 0; call < 40; call++) for (const lane of [main, ...helpers]) await recordExchange(store, lane[call]!, '')
  await store.close()
  const everNew = [main, ...helpers].reduce((sum, lane) => sum + lane.at(-1)!.length, 0)
  expect(measure(directory).pieceBytes).toBeLessThan(everNew * 1.05 + 10_000)
})

it('an edit in the middle of the history costs the edited message, not the rest', async () => {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  const body = writeConversation(50).at(-1)!.toString()
  await recordExchange(store, body, '')
  const edited = body.replace(/"quoted" \\+/, 'edited')
  const at = body.length >> 1
  await recordExchange(store, `${edited.slice(0, at)}${edited.slice(at).replace('quoted', 'again ')}`, '')
  await store.close()
  expect(measure(directory).pieceBytes).toBeLessThan(body.length + 4 * 1200)
})
