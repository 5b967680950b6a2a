import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import type { Nouns } from '../../store/_adapter.ts'
import { migrations } from '../../store/migrations.ts'
import { columnName, listFields, nounTables } from '../../store/nouns.ts'
import { openStore } from '../../store/open.ts'
import { leastCpuOf } from '../growth.ts'
import { describeBegin, readText, recordExchange, writeConversation } from './_conversation.ts'
import { sampleRows } from './_rows.ts'
import { makeDirectory, openTemporary } from './_store.ts'

it('an empty store is small: most sessions are, and every table and index has its first page', async () => {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  await store.close()
  expect((await stat(join(directory, 'turnpike.db'))).size).toBeLessThan(150_000)
})

it('every field of every noun has a column, and every column a field', async () => {
  const store = await openTemporary()
  const database = new Database(join(store.directory, 'turnpike.db'), { readonly: true })
  for (const noun of Object.keys(nounTables) as Array<keyof Nouns>) {
    const columns = (database.pragma(`table_info(${nounTables[noun].table})`) as Array<{ name: string }>).map(
      ({ name }) => `"${name}"`,
    )
    expect(columns, noun).toEqual(['"seq"', ...listFields(noun).map(([field]) => columnName(field))])
  }
  database.close()
})

it('rows of every noun read back as they were written, in the order of first writing, replaced by key in place', async () => {
  const store = await openTemporary()
  for (const noun of Object.keys(sampleRows) as Array<keyof Nouns>) {
    const [first, second, changed] = sampleRows[noun]
    await store.put(noun, [first, second])
    expect(await store.list(noun)).toEqual([first, second])
    await store.put(noun, [changed])
    expect(await store.list(noun), noun).toEqual([changed, second])
    const [key] = nounTables[noun].key
    expect(await store.list(noun, { [key!]: (second as unknown as Record<string, unknown>)[key!] })).toContainEqual(second)
  }
  expect(await store.list('trials', { model: null })).toHaveLength(1)
  expect(await store.list('trials', { model: 'm', turn: 4 })).toEqual([])
})

it('a row that does not fit its noun is refused before anything is written', async () => {
  const store = await openTemporary()
  const [first] = sampleRows.checks
  await expect(store.put('checks', [first, { ...first, id: 7 as unknown as string }])).rejects.toMatchObject({ code: 'E_BUG' })
  await expect(store.put('turns', [{ ...sampleRows.turns[0], attempts: Number.NaN }])).rejects.toMatchObject({ code: 'E_BUG' })
  expect(await store.list('checks')).toEqual([])
})

it('a token opens its trial where it stands now, until it is revoked, and is not stored', async () => {
  const store = await openTemporary()
  const trial = sampleRows.trials[0]
  const token = await store.mintToken(trial.id)
  expect(token).toMatch(/^tp_[\w-]{24}$/)
  expect(await store.resolveToken(token)).toBeNull()
  await store.put('trials', [trial])
  expect(await store.resolveToken(token)).toEqual({
    trialId: trial.id,
    runId: trial.runId,
    turn: trial.turn,
    attempt: trial.attempt,
  })
  await store.put('trials', [{ ...trial, turn: 9, attempt: 4 }])
  expect(await store.resolveToken(token)).toMatchObject({ turn: 9, attempt: 4 })
  expect(await store.resolveToken(`${token}x`)).toBeNull()
  const database = new Database(join(store.directory, 'turnpike.db'), { readonly: true })
  expect(database.prepare('SELECT hash FROM tokens').pluck().all()).toHaveLength(1)
  expect((database.serialize() as Buffer).includes(token)).toBe(false)
  database.close()
  await store.revokeTokens(trial.id)
  expect(await store.resolveToken(token)).toBeNull()
})

it('resolving a token costs what asking the database once costs: it happens on every call of a trial', async () => {
  const store = await openTemporary()
  await store.put('trials', [sampleRows.trials[0]])
  const token = await store.mintToken(sampleRows.trials[0].id)
  const database = new Database(join(store.directory, 'turnpike.db'), { readonly: true })
  const ask = database.prepare('SELECT * FROM tokens')
  const cost = (work: () => unknown): Promise<number> =>
    leastCpuOf(async () => {
      for (let at = 0; at < 1000; at++) await work()
    }, 4)
  const times = (await cost(() => store.resolveToken(token))) / (await cost(() => ask.get()))
  database.close()
  console.log(`a token: ${times.toFixed(1)} times the question itself`)
  expect(times).toBeLessThan(15)
})

it('a reference is found by id, name or the beginning of an id; several candidates are named', async () => {
  const store = await openTemporary()
  await expect(store.resolveRef('latest')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  const [run, second] = sampleRows.runs
  await store.put('runs', [
    { ...run, id: '01AAAA01', name: 'alpha', startedAt: 5 },
    { ...second, id: '01AAAA02', name: 'beta', startedAt: 3 },
  ])
  await store.put('trials', [
    { ...sampleRows.trials[0], id: '01BBBB01', name: 'task.agent.1' },
    { ...sampleRows.trials[1], id: '01BBBB02', name: 'task.agent.1', runId: '01AAAA02' },
  ])
  await store.put('sessions', [{ ...sampleRows.sessions[0], id: '01CCCC01', name: 'work' }])
  const exchange = await recordExchange(store, '{}', '', { id: '01DDDD01' })
  expect(await store.resolveRef('latest')).toEqual({ kind: 'run', id: '01AAAA01', name: 'alpha' })
  expect(await store.resolveRef('beta')).toEqual({ kind: 'run', id: '01AAAA02', name: 'beta' })
  expect(await store.resolveRef('work')).toEqual({ kind: 'session', id: '01CCCC01', name: 'work' })
  expect(await store.resolveRef('01bbbb01')).toMatchObject({ kind: 'trial', id: '01BBBB01' })
  expect(await store.resolveRef('01CC')).toMatchObject({ kind: 'session', id: '01CCCC01' })
  expect(await store.resolveRef(exchange)).toEqual({ kind: 'exchange', id: exchange, name: exchange })
  await expect(store.resolveRef('01AAAA')).rejects.toMatchObject({
    code: 'E_REF_AMBIGUOUS',
    message: expect.stringContaining('beta'),
  })
  await expect(store.resolveRef('task.agent.1')).rejects.toMatchObject({ code: 'E_REF_AMBIGUOUS' })
  await expect(store.resolveRef('01A')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  await expect(store.resolveRef('%')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
})

it('exchanges are found by scope, by turn and attempt, by run and by what is not decoded yet', async () => {
  const store = await openTemporary()
  const [trial] = sampleRows.trials
  await store.put('trials', [trial])
  const mine = await recordExchange(store, '{"a":1}', '', { scope: { kind: 'trial', id: trial.id } })
  const other = await recordExchange(store, '{"a":2}', '', { turn: 3, attempt: 2 })
  const list = async (filter: Parameters<typeof store.exchanges>[0]) => (await store.exchanges(filter)).map(({ id }) => id)
  expect(await list({})).toEqual([mine, other])
  expect(await list({ scopeId: 'S1' })).toEqual([other])
  expect(await list({ turn: 3 })).toEqual([other])
  expect(await list({ turn: 3, attempt: 1 })).toEqual([])
  expect(await list({ scopeId: 'S1', turn: 3, attempt: 2 })).toEqual([other])
  expect(await list({ scopeId: trial.id, turn: 3 })).toEqual([])
  expect(await list({ runId: trial.runId })).toEqual([mine])
  expect(await list({ runId: 'nothing' })).toEqual([])
  await store.put('calls', [{ ...sampleRows.calls[0], exchangeId: mine, decoder: 2 }])
  expect(await list({ undecodedBy: 2 })).toEqual([other])
  expect(await list({ undecodedBy: 3 })).toEqual([mine, other])
})

it('reading needs a store, makes none, and writes nothing', async () => {
  const directory = await makeDirectory()
  await expect(openStore(join(directory, 'none'), { readOnly: true })).rejects.toMatchObject({ code: 'E_STORE_UNREADABLE' })
  expect(await readdir(directory)).toEqual([])
  await (await openStore(directory)).close()
  const store = await openStore(directory, { readOnly: true })
  for (const write of [
    () => store.recorder.begin(describeBegin('{}')),
    () => store.put('checks', [sampleRows.checks[0]]),
    () => store.mintToken('T'),
  ])
    await expect(write()).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
  await store.close()
})

it('a store made by a newer version is left alone', async () => {
  const directory = await makeDirectory()
  await (await openStore(directory)).close()
  const database = new Database(join(directory, 'turnpike.db'))
  database.pragma(`user_version = ${migrations.length + 1}`)
  database.close()
  for (const readOnly of [true, false])
    await expect(openStore(directory, { readOnly })).rejects.toMatchObject({ code: 'E_STORE_NEWER', exit: 2 })
})

it('something that is no store is named as such', async () => {
  const directory = await makeDirectory()
  await writeFile(join(directory, 'turnpike.db'), 'this is no database, only text that happens to stand here'.repeat(50))
  for (const readOnly of [true, false])
    await expect(openStore(directory, { readOnly })).rejects.toMatchObject({ code: 'E_STORE_UNREADABLE' })
  await mkdir(join(directory, 'file'))
  await writeFile(join(directory, 'plain'), '')
  await expect(openStore(join(directory, 'plain'))).rejects.toMatchObject({ code: 'E_STORE_UNREADABLE' })
  await chmod(directory, 0o700)
})

it.each([1, 2])(
  'a store of schema %i, kept from the version that made it, still opens, reads, verifies and records',
  async schema => {
    const directory = await makeDirectory()
    const kept = await readFile(new URL(`../fixtures/stores/v${schema}.db.gz`, import.meta.url))
    await writeFile(join(directory, 'turnpike.db'), gunzipSync(kept))
    const store = await openStore(directory)
    const bodies = writeConversation(6, { messageChars: 400 })
    const [session] = await store.list('sessions')
    expect(session?.name).toBe('fixture')
    const exchanges = await store.exchanges({ scopeId: session!.id })
    expect(exchanges.map(({ outcome }) => outcome)).toEqual([
      'complete',
      'complete',
      'complete',
      'upstream-cut',
      'proxy-killed',
      'complete',
    ])
    for (const [at, exchange] of exchanges.entries())
      expect(await readText(store, exchange.id, 'request')).toBe(bodies[at]!.toString())
    const parts = await store.exchanges({ partOf: exchanges[0]!.id })
    expect(parts.map(({ partOf }) => partOf)).toEqual(schema < 2 ? [] : [{ id: exchanges[0]!.id, part: 'upstream-attempt' }])
    expect(await readText(store, exchanges[5]!.id, 'response')).toBe('the key is **************************')
    expect((await store.list('runs')).length).toBeGreaterThan(0)
    expect((await store.verify()).bad).toEqual([])
    await recordExchange(store, bodies[5]!, 'again', { scope: { kind: 'session', id: session!.id } })
    expect((await store.verify()).bad).toEqual([])
    await store.close()
  },
)
