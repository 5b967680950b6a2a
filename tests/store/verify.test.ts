import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import type { VerifyReport } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { recordExchange, writeConversation, writeFiller } from './_conversation.ts'
import { makeDirectory } from './_store.ts'

const secret = 'sk-secret-0123456789abcdef'

async function makeStore(): Promise<{ directory: string; ids: string[]; bytesRaw: number }> {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  const ids: string[] = []
  let bytesRaw = 0
  for (const [at, body] of writeConversation(20).entries()) {
    const answer = `answer ${writeFiller(at, 500)}`
    ids.push(await recordExchange(store, body, answer, { secrets: [secret] }))
    bytesRaw += body.length + answer.length
  }
  const masked = `{"note":"${secret}"}`
  ids.push(await recordExchange(store, masked, '', { secrets: [secret], scope: { kind: 'session', id: 'S2' } }))
  await store.close()
  return { directory, ids, bytesRaw: bytesRaw + masked.length }
}

async function verify(directory: string): Promise<VerifyReport> {
  const store = await openStore(directory, { readOnly: true })
  const report = await store.verify()
  await store.close()
  return report
}

function change(directory: string, sql: string, ...values: unknown[]): void {
  const database = new Database(join(directory, 'turnpike.db'))
  expect(database.prepare(sql).run(...values).changes).toBeGreaterThan(0)
  database.close()
}

it('a sound store has nothing to report, and its figures are right', async () => {
  const { directory, bytesRaw } = await makeStore()
  const progress: Array<[number, number]> = []
  const store = await openStore(directory, { readOnly: true })
  const report = await store.verify(undefined, (done, total) => progress.push([done, total]))
  expect(report).toMatchObject({ exchanges: 21, bytesRaw, bad: [] })
  expect(report.pieces).toBeGreaterThan(40)
  expect(report.bytesStored).toBe((await readFile(join(directory, 'turnpike.db'))).length)
  expect(progress.at(-1)).toEqual([21, 21])
  const session = await store.verify({ kind: 'session', id: 'S2', name: 'S2' })
  expect(session).toMatchObject({ exchanges: 1, bad: [] })
  expect(session.pieces).toBeLessThan(report.pieces)
  await store.close()
})

it('a flipped byte is found wherever in a pack it lies', async () => {
  const { directory } = await makeStore()
  const database = new Database(join(directory, 'turnpike.db'))
  const [pack] = database.prepare('SELECT id, data FROM packs').all() as Array<{ id: number; data: Buffer }>
  const step = Math.ceil(pack!.data.length / 25)
  for (let at = 0; at < pack!.data.length; at += step) {
    const damaged = Buffer.from(pack!.data)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    database.prepare('UPDATE packs SET data = ? WHERE id = ?').run(damaged, pack!.id)
    expect((await verify(directory)).bad, `byte ${at}`).not.toEqual([])
  }
  database.close()
})

it('a missing piece is found, and every exchange that needs it is named', async () => {
  const { directory, ids } = await makeStore()
  change(directory, 'DELETE FROM pieces WHERE id = (SELECT min(id) + 3 FROM pieces)')
  const { bad } = await verify(directory)
  expect(bad.map(({ exchange }) => exchange)).toContain(ids[0])
  expect(bad.map(({ what }) => what).join()).toContain('missing')
})

it.each([
  ['recipe', 'UPDATE exchanges SET recipe = (SELECT recipe FROM exchanges WHERE seq = 3) WHERE seq = 7', 7],
  ['base', 'UPDATE exchanges SET base = 2 WHERE seq = 7', 7],
  ['base in a circle', 'UPDATE exchanges SET base = 9 WHERE seq = 7', 7],
  ['length', 'UPDATE exchanges SET bytes_sent = bytes_sent + 1 WHERE seq = 7', 7],
  ['hash as sent', "UPDATE exchanges SET sent_sha256 = x'00' WHERE seq = 7", 7],
  ['hash as stored of a masked body', "UPDATE exchanges SET stored_sha256 = x'00' WHERE seq = 21", 21],
  ['masks taken away', 'UPDATE exchanges SET masked = NULL WHERE seq = 21', 21],
  ['answer', 'UPDATE answers SET recipe = (SELECT recipe FROM answers WHERE seq = 3) WHERE seq = 7', 7],
  ['answer taken away', 'UPDATE answers SET recipe = NULL WHERE seq = 7', 7],
  ['headers', 'UPDATE exchanges SET headers_piece = 99999 WHERE seq = 7', 7],
])('an altered row is found: %s', async (_, sql, seq) => {
  const { directory, ids } = await makeStore()
  change(directory, sql)
  const { bad } = await verify(directory)
  expect(bad.map(({ exchange }) => exchange)).toContain(ids[seq - 1])
})

it('reading a damaged body is an error with a name, not wrong bytes', async () => {
  const { directory, ids } = await makeStore()
  change(directory, "UPDATE packs SET data = x'0011' WHERE id = 1")
  const store = await openStore(directory, { readOnly: true })
  await expect(store.readBody(ids[0]!, 'request')).rejects.toMatchObject({ code: 'E_STORE_CORRUPT' })
  await store.close()
})
