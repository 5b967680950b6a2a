import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { describeBegin, describeEnd, readText, recordExchange, writeFiller } from './_conversation.ts'
import { makeDirectory, openTemporary } from './_store.ts'

const secret = 'sk-secret-0123456789abcdef'
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('an exchange', () => {
  it('reads back as it was recorded, with every field', async () => {
    const store = await openTemporary()
    const begin = describeBegin('{"model":"m"}', { turn: 3, attempt: 2, scope: { kind: 'trial', id: 'T1' }, query: 'beta=true' })
    await store.recorder.begin(begin)
    store.recorder.append(begin.id, Buffer.from('event: a\n\n'), begin.startedAt + 1.5)
    store.recorder.append(begin.id, Buffer.from('event: b\n\n'), begin.startedAt + 2.25)
    const end = describeEnd({ outcome: 'upstream-cut', failure: { code: 'E_UPSTREAM_CUT', message: 'cut' }, retries: 1 })
    await store.recorder.end(begin.id, end)
    const { requestBody: _, secrets: __, ...described } = begin
    const { responseHeaders, status, outcome, failure, providerRequestId, retries, firstByteAt, endedAt } = end
    expect(await store.exchanges({})).toEqual([
      {
        ...described,
        requestBytes: 13,
        requestSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        responseBytes: 20,
        responseSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        ...{ responseHeaders, status, outcome, failure, providerRequestId, retries, firstByteAt, endedAt },
      },
    ])
    expect(await readText(store, begin.id, 'request')).toBe('{"model":"m"}')
    expect(await readText(store, begin.id, 'response')).toBe('event: a\n\nevent: b\n\n')
    expect(await store.readArrivals(begin.id)).toEqual([
      { at: begin.startedAt + 1.5, bytes: 10 },
      { at: begin.startedAt + 2.25, bytes: 10 },
    ])
  })

  it('may have an empty body and no answer at all', async () => {
    const store = await openTemporary()
    const id = await recordExchange(
      store,
      '',
      '',
      {},
      { status: null, responseHeaders: null, outcome: 'upstream-refused', firstByteAt: null },
    )
    const [exchange] = await store.exchanges({ id })
    expect(exchange).toMatchObject({
      requestBytes: 0,
      responseBytes: 0,
      status: null,
      responseHeaders: null,
      outcome: 'upstream-refused',
    })
    expect(await readText(store, id, 'request')).toBe('')
    expect((await store.readBody(id, 'response'))?.bytes.length).toBe(0)
    expect((await store.verify()).bad).toEqual([])
  })

  it('is in flight until it ends, and what has arrived can be read meanwhile', async () => {
    const store = await openTemporary()
    const begin = describeBegin('{}')
    await store.recorder.begin(begin)
    expect(await store.exchanges({})).toMatchObject([{ outcome: 'in-flight', status: null, responseBytes: null, endedAt: null }])
    expect(await store.readBody(begin.id, 'response')).toBeNull()
    store.recorder.head(begin.id, describeEnd())
    store.recorder.append(begin.id, Buffer.from('partial'), begin.startedAt + 5)
    await pause(300)
    expect(await readText(store, begin.id, 'response')).toBe('partial')
    expect(await store.exchanges({})).toMatchObject([{ outcome: 'in-flight', status: 200 }])
    store.recorder.append(begin.id, Buffer.from(' and the rest'), begin.startedAt + 9)
    await store.recorder.end(begin.id, describeEnd())
    expect(await readText(store, begin.id, 'response')).toBe('partial and the rest')
    expect(await store.readArrivals(begin.id)).toEqual([
      { at: begin.startedAt + 5, bytes: 7 },
      { at: begin.startedAt + 9, bytes: 13 },
    ])
  })

  it('keeps header names, their case, order and duplicates, also where only values differ from the call before', async () => {
    const store = await openTemporary()
    const lists = [0, 1, 2, 3].map(call => [
      ['X-One', 'same'],
      ['Content-Length', String(call)],
      ['x-one', call === 2 ? 'other' : 'same'],
      ...(call === 3 ? ([['X-New', 'one']] as const) : []),
    ]) as ReadonlyArray<ReadonlyArray<readonly [string, string]>>
    for (const list of lists) await recordExchange(store, '{}', 'ok', { requestHeaders: list }, { responseHeaders: list })
    const found = await store.exchanges({})
    expect(found.map(exchange => exchange.requestHeaders)).toEqual(lists)
    expect(found.map(exchange => exchange.responseHeaders)).toEqual(lists)
  })

  it('that the caller ends without waiting for its beginning is recorded too', async () => {
    const store = await openTemporary()
    const begins = Array.from({ length: 50 }, (_, at) => describeBegin(`{"call":${at}}`))
    await Promise.all(
      begins.flatMap((begin, at) => {
        const begun = store.recorder.begin(begin)
        store.recorder.append(begin.id, Buffer.from(`answer ${at}`), begin.startedAt)
        return [begun, store.recorder.checkpoint(begin.id, describeEnd()), store.recorder.end(begin.id, describeEnd())]
      }),
    )
    for (const [at, begin] of begins.entries()) expect(await readText(store, begin.id, 'response')).toBe(`answer ${at}`)
    expect((await store.verify()).bad).toEqual([])
  })

  it('that was never begun, or has ended, cannot be ended', async () => {
    const store = await openTemporary()
    await expect(store.recorder.end('nobody', describeEnd())).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
    const id = await recordExchange(store, '{}', 'ok')
    await expect(store.recorder.end(id, describeEnd({ status: 500 }))).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
    expect(await store.exchanges({})).toMatchObject([{ id, status: 200 }])
  })

  it('with an id that is taken is refused and does not disturb others of the same commit', async () => {
    const store = await openTemporary()
    const first = describeBegin('{"n":1}')
    await store.recorder.begin(first)
    const others = [describeBegin('{"n":2}'), describeBegin('{"n":3}')]
    const settled = await Promise.allSettled([others[0]!, { ...first }, others[1]!].map(begin => store.recorder.begin(begin)))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await store.exchanges({})).map(({ id }) => id).toSorted()).toEqual(
      [first.id, ...others.map(({ id }) => id)].toSorted(),
    )
  })
})

describe('a checkpoint', () => {
  it('reads complete at once, and what comes after it is added', async () => {
    const store = await openTemporary()
    const begin = describeBegin('{}')
    await store.recorder.begin(begin)
    store.recorder.append(begin.id, Buffer.from('all of it'), begin.startedAt)
    await store.recorder.checkpoint(begin.id, describeEnd())
    expect(await store.exchanges({})).toMatchObject([{ outcome: 'complete', responseBytes: 9 }])
    store.recorder.append(begin.id, Buffer.from(', late'), begin.startedAt + 1)
    await pause(200)
    expect(await readText(store, begin.id, 'response')).toBe('all of it, late')
    store.recorder.append(begin.id, Buffer.from(', last'), begin.startedAt + 2)
    await store.recorder.end(begin.id, describeEnd({ outcome: 'client-aborted' }))
    expect(await readText(store, begin.id, 'response')).toBe('all of it, late, last')
    expect(await store.exchanges({})).toMatchObject([{ outcome: 'client-aborted', responseBytes: 21 }])
    expect((await store.readArrivals(begin.id)).map(({ bytes }) => bytes)).toEqual([9, 6, 6])
    expect((await store.verify()).bad).toEqual([])
  })

  it('of an answer too large for memory loses nothing of it', async () => {
    const store = await openTemporary()
    const begin = describeBegin('{}')
    await store.recorder.begin(begin)
    const chunks = Array.from({ length: 40 }, (_, at) => Buffer.from(writeFiller(at, 100_000)))
    for (const [at, chunk] of chunks.entries()) {
      store.recorder.append(begin.id, chunk, begin.startedAt + at)
      if (at % 10 === 9) await pause(120)
      if (at === 29) await store.recorder.checkpoint(begin.id, describeEnd())
    }
    await store.recorder.end(begin.id, describeEnd())
    expect((await store.readBody(begin.id, 'response'))?.bytes.equals(Buffer.concat(chunks))).toBe(true)
    expect((await store.verify()).bad).toEqual([])
  })
})

describe('a secret', () => {
  const findOnDisk = async (directory: string, needle: string): Promise<boolean> => {
    const { readdir, readFile } = await import('node:fs/promises')
    for (const name of await readdir(directory, { recursive: true })) {
      const bytes = await readFile(join(directory, name)).catch(() => Buffer.alloc(0))
      if (bytes.includes(needle)) return true
    }
    return false
  }

  it('is on disk neither in a request, nor in an answer that splits it, nor in the spool', async () => {
    const directory = await makeDirectory()
    const store = await openStore(directory)
    const body = `{"messages":[{"role":"user","content":"${writeFiller(1, 3000)} ${secret} ${writeFiller(2, 3000)}"}]}`
    const begin = describeBegin(body, { secrets: [secret] })
    await store.recorder.begin(begin)
    store.recorder.append(begin.id, Buffer.from(`key is ${secret.slice(0, 10)}`), begin.startedAt)
    await pause(200)
    expect(await readText(store, begin.id, 'response')).toBe('key is ')
    store.recorder.append(begin.id, Buffer.from(`${secret.slice(10)}, ${secret}!`), begin.startedAt)
    await pause(200)
    expect(await findOnDisk(directory, secret)).toBe(false)
    expect(await readText(store, begin.id, 'response')).toBe(`key is ${'*'.repeat(26)}, ${'*'.repeat(26)}!`)
    await store.recorder.end(begin.id, describeEnd())
    const answer = await store.readBody(begin.id, 'response')
    expect(answer?.bytes.toString()).toBe(`key is ${'*'.repeat(26)}, ${'*'.repeat(26)}!`)
    expect(answer?.masked).toEqual([
      [7, 26],
      [35, 26],
    ])
    expect(answer?.sentSha256).not.toBe(answer?.storedSha256)
    expect((await store.exchanges({}))[0]?.responseSha256).toBe(answer?.sentSha256)
    const request = await store.readBody(begin.id, 'request')
    expect(request?.bytes.toString()).toBe(body.replace(secret, '*'.repeat(26)))
    expect(await findOnDisk(directory, secret)).toBe(false)
    expect((await store.verify()).bad).toEqual([])
    await store.close()
    expect(await findOnDisk(directory, secret)).toBe(false)
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('under %s makes the decoded, masked bytes the record, and keeps the hash as sent', async (encoding, encode) => {
    const store = await openTemporary()
    const headers = [['Content-Encoding', encoding]] as const
    const sent = encode(Buffer.from(`data: ${secret}\n\n`))
    const begin = describeBegin(sent, { secrets: [secret], requestHeaders: headers })
    await store.recorder.begin(begin)
    store.recorder.head(begin.id, describeEnd({ responseHeaders: headers }))
    store.recorder.append(begin.id, sent, begin.startedAt)
    await pause(200)
    // It decodes to a secret, so it must not be in the spool.
    expect(await store.readBody(begin.id, 'response')).toBeNull()
    await store.recorder.end(begin.id, describeEnd({ responseHeaders: headers }))
    for (const side of ['request', 'response'] as const) {
      const body = await store.readBody(begin.id, side)
      expect(body).toMatchObject({ decodedFrom: encoding, masked: [[6, 26]] })
      expect(body?.bytes.toString()).toBe(`data: ${'*'.repeat(26)}\n\n`)
    }
    expect(await store.exchanges({})).toMatchObject([{ requestBytes: sent.length, responseBytes: sent.length }])
    expect((await store.verify()).bad).toEqual([])
  })

  it('that is not in a compressed answer leaves it as it was sent, and lets it be saved while it runs', async () => {
    const store = await openTemporary()
    const headers = [['content-encoding', 'gzip']] as const
    const sent = gzipSync(Buffer.from(writeFiller(5, 20_000)))
    const begin = describeBegin('{}', { secrets: [secret] })
    await store.recorder.begin(begin)
    store.recorder.head(begin.id, describeEnd({ responseHeaders: headers }))
    store.recorder.append(begin.id, sent.subarray(0, 4000), begin.startedAt)
    await pause(200)
    expect((await store.readBody(begin.id, 'response'))?.bytes.equals(sent.subarray(0, 4000))).toBe(true)
    store.recorder.append(begin.id, sent.subarray(4000), begin.startedAt)
    await store.recorder.end(begin.id, describeEnd({ responseHeaders: headers }))
    expect((await store.readBody(begin.id, 'response'))?.bytes.equals(sent)).toBe(true)
  })
})

describe('a store that goes away', () => {
  it('is noticed although SQLite would go on writing into the deleted file', async () => {
    const directory = await makeDirectory()
    const store = await openStore(join(directory, 'store'))
    await recordExchange(store, '{}', 'ok')
    await rm(join(directory, 'store'), { recursive: true })
    await expect(store.recorder.begin(describeBegin('{}'))).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
    await store.close().catch(() => undefined)
  })

  it('and comes back is written again, and an end that failed meanwhile can be repeated', async () => {
    const directory = await makeDirectory()
    const path = join(directory, 'store')
    const store = await openStore(path)
    const begin = describeBegin('{}')
    await store.recorder.begin(begin)
    store.recorder.append(begin.id, Buffer.from('kept'), begin.startedAt)
    await rename(path, `${path}.away`)
    await expect(store.recorder.end(begin.id, describeEnd())).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
    await rename(`${path}.away`, path)
    await store.recorder.end(begin.id, describeEnd())
    expect(await readText(store, begin.id, 'response')).toBe('kept')
    expect(await store.exchanges({})).toMatchObject([{ outcome: 'complete' }])
    await store.close()
  })
})

it('bytes keep their order when the commit that brought them fails', async () => {
  const directory = await makeDirectory()
  const path = join(directory, 'store')
  const store = await openStore(path)
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  const chunks = ['a', 'b', 'c'].map(letter => Buffer.alloc(300_000, letter))
  await rename(path, `${path}.away`)
  for (const chunk of chunks) store.recorder.append(begin.id, chunk, begin.startedAt)
  store.recorder.append(begin.id, Buffer.from('end'), begin.startedAt)
  await expect(store.recorder.end(begin.id, describeEnd())).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
  await rename(`${path}.away`, path)
  await store.recorder.end(begin.id, describeEnd())
  expect((await store.readBody(begin.id, 'response'))?.bytes.equals(Buffer.concat([...chunks, Buffer.from('end')]))).toBe(true)
  await store.close()
})

it('closing a store cuts off what is still open, and says so', async () => {
  const directory = await makeDirectory()
  const store = await openStore(directory)
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  store.recorder.append(begin.id, Buffer.from('half'), begin.startedAt)
  await store.close()
  await store.close()
  await expect(store.recorder.begin(describeBegin('{}'))).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
  const again = await openStore(directory, { readOnly: true })
  expect(await again.exchanges({})).toMatchObject([{ outcome: 'proxy-killed', failure: { code: 'E_INTERRUPTED' } }])
  expect(await readText(again, begin.id, 'response')).toBe('half')
  await again.close()
})
