// Makes the store that tests keep of the current schema: tests/fixtures/stores/v<schema>.db.gz. Run once when a schema is released;
// a fixture of a released schema is never made again.

import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ExchangeEnd, Nouns } from '../store/_adapter.ts'
import { migrations } from '../store/migrations.ts'
import { openStore } from '../store/open.ts'
import { describeBegin, describeEnd, recordExchange, writeConversation } from '../tests/store/_conversation.ts'
import { sampleRows } from '../tests/store/_rows.ts'

const fixture = new URL(`../tests/fixtures/stores/v${migrations.length}.db.gz`, import.meta.url)
if (existsSync(fixture)) {
  console.error(`${fixture.pathname} exists; a released fixture is kept as it is`)
  process.exit(1)
}
const directory = await mkdtemp(join(tmpdir(), 'turnpike-fixture-'))
const secret = 'sk-secret-0123456789abcdef'
const store = await openStore(directory)
for (const noun of Object.keys(sampleRows) as Array<keyof Nouns>) await store.put(noun, sampleRows[noun].slice(0, 2))
await store.put('sessions', [{ ...sampleRows.sessions[0], id: 'S1', name: 'fixture' }])
await store.mintToken('T1')
const ends: Array<Partial<ExchangeEnd> | null> = [
  {},
  {},
  { status: 500 },
  { outcome: 'upstream-cut', failure: { code: 'E_UPSTREAM_CUT', message: 'cut' } },
  null,
  {},
]
for (const [at, body] of writeConversation(6, { messageChars: 400 }).entries()) {
  const begin = describeBegin(body, { id: `01FIXTURE${at}`, scope: { kind: 'session', id: 'S1' }, secrets: [secret] })
  await store.recorder.begin(begin)
  store.recorder.append(begin.id, Buffer.from(at === 5 ? `the key is ${secret}` : `answer ${at}`), begin.startedAt + 10)
  const end = ends[at]
  // The open one is cut off when the store closes.
  if (end) await store.recorder.end(begin.id, describeEnd(end))
}
await recordExchange(store, '{"model":"m"}', 'busy', {
  id: '01FIXTUREPART',
  scope: { kind: 'session', id: 'S1' },
  partOf: { id: '01FIXTURE0', part: 'upstream-attempt' },
})
await store.close()
await mkdir(new URL('.', fixture), { recursive: true })
await writeFile(fixture, gzipSync(await readFile(join(directory, 'turnpike.db')), { level: 9 }))
await rm(directory, { recursive: true })
