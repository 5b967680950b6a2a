// Importing as a whole: sessions, what is skipped, what stops it, and what the exchanges of unusual records look like.
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../store/_adapter.ts'
import { createUlid } from '../../store/ulid.ts'
import {
  captureRecord,
  type Folder,
  files,
  har,
  harEntry,
  importInto,
  key,
  openFolder,
  startedAt,
  stream,
  traceRecord,
  velaRecord,
  writeLines,
} from './import-files.ts'
import { withStore } from './temporary-store.ts'

let folder: Folder
beforeEach(() => {
  folder = openFolder()
})
afterEach(() => folder.remove())

const importText = (store: Store, text: string | Buffer, more = {}, name = 'file.jsonl') =>
  importInto(store, folder, [folder.write(name, text)], more)

describe('sessions', () => {
  it('take the name of a file that holds one, and the ids of the agent where it holds several', () =>
    withStore(async store => {
      folder.write('deep/one.jsonl.gz', gzipSync(files['capture']?.text ?? ''))
      const nobody = { request_headers: { host: 'x' } }
      folder.write('two.jsonl', writeLines([captureRecord(0), captureRecord(1, 'session-b'), captureRecord(0, 's', nobody)]))
      const report = await importInto(store, folder, ['deep/one.jsonl.gz', 'two.jsonl'])
      expect(report.sessions.map(({ name, exchanges }) => [name, exchanges])).toEqual([
        ['one', 2],
        ['session-a', 1],
        ['session-b', 1],
        ['two', 1],
      ])
      const sessions = await store.list('sessions')
      expect(sessions.map(session => session.agentSession)).toEqual(['session-a', 'session-a', 'session-b', null])
      expect(sessions[0]?.startedAt).toBe(startedAt)
    }))

  it('that the proxy recorded are not added to', () =>
    withStore(async store => {
      await store.put('sessions', [{ id: createUlid(), name: 'file', source: 'path', agentSession: null, startedAt: 1 }])
      await expect(importText(store, files['capture']?.text ?? '')).rejects.toMatchObject({
        code: 'E_USAGE',
        hint: expect.stringContaining('--name'),
      })
      expect(await store.exchanges({})).toEqual([])
    }))
})

describe('bad records', () => {
  const text = `${writeLines([captureRecord(0)])}\n{"broken": \n${writeLines([captureRecord(1)])}`

  it('stop the import before anything is written, with file and line', () =>
    withStore(async store => {
      await expect(importText(store, text)).rejects.toMatchObject({
        code: 'E_IMPORT_INVALID',
        message: 'file.jsonl, line 3: is not JSON',
      })
      expect([await store.exchanges({}), await store.list('sessions')]).toEqual([[], []])
    }))

  it('are left out and named with skipBad', () =>
    withStore(async store => {
      const report = await importText(store, text, { skipBad: true })
      expect(report).toMatchObject({ exchanges: 2, skipped: [{ file: 'file.jsonl', line: 3, isBad: true }] })
    }))

  it('at the torn end of a log are skipped and told', () =>
    withStore(async store => {
      const torn = writeLines([captureRecord(0), captureRecord(1)]).slice(0, -40)
      const report = await importText(store, torn)
      expect(report).toMatchObject({
        exchanges: 1,
        skipped: [{ line: 2, isBad: true, reason: expect.stringContaining('ends in the middle') }],
      })
      const cut = har([harEntry(0), harEntry(1)])
      const second = await importText(store, cut.slice(0, cut.lastIndexOf('"timings"')), {}, 'cut.har')
      expect(second).toMatchObject({ exchanges: 1, skipped: [{ line: 2, isBad: true }] })
    }))

  it.each([
    ['status', { status: 'ok' }, '"status" must be a number, got "ok"'],
    ['headers', { request_headers: [['a']] }, '"request_headers" must be a list of header fields'],
    ['a header of several lines', { request_headers: { 'a\nb': 'c' } }, '"request_headers" must be'],
    ['time', { t_request_ms: -5 }, '"t_request_ms" must be a time'],
  ])('name the key: %s', (_, change, message) =>
    withStore(async store => {
      await expect(importText(store, writeLines([captureRecord(0, 's', change)]))).rejects.toMatchObject({
        message: expect.stringContaining(message),
      })
    }),
  )

  it('of no known format are told with what was seen and what there is', () =>
    withStore(async store => {
      await expect(importText(store, '{"meta": {}, "messages": []}\n')).rejects.toMatchObject({
        code: 'E_FORMAT_UNKNOWN',
        message: expect.stringContaining('its first fields are meta, messages'),
        hint: expect.stringContaining('raw, har, capture, mini-vela, claude-trace'),
      })
      await expect(importText(store, 'hello')).rejects.toMatchObject({
        message: expect.stringContaining('does not begin with a JSON object'),
      })
      await expect(importInto(store, folder, ['nowhere.har'])).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
      const half = gzipSync(files['capture']?.text ?? '').subarray(0, 300)
      await expect(importText(store, half, { format: 'capture' })).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
    }))
})

describe('an interruption', () => {
  it('leaves what was imported, and the same import goes on from there', () =>
    withStore(async store => {
      const stop = new AbortController()
      const options = { signal: stop.signal, onProgress: () => stop.abort() }
      await expect(importText(store, files['capture']?.text ?? '', options)).rejects.toMatchObject({ code: 'E_INTERRUPTED' })
      expect(await store.exchanges({})).toHaveLength(1)
      expect(await importText(store, files['capture']?.text ?? '')).toMatchObject({ exchanges: 1, known: 1 })
    }))
})

describe('a capture', () => {
  it('has its token cut from the path and masked everywhere', () =>
    withStore(async store => {
      await importText(
        store,
        writeLines([captureRecord(0, 's', { request_body: '{"a":"tok-secret-0001"}', response_body: key })]),
      )
      const [exchange] = await store.exchanges({})
      expect(exchange).toMatchObject({ path: '/v1/messages', query: 'beta=true' })
      expect((await store.readBody(exchange?.id ?? '', 'request'))?.bytes.toString()).toBe(`{"a":"${'*'.repeat(15)}"}`)
      expect((await store.readBody(exchange?.id ?? '', 'response'))?.bytes.toString()).toBe('*'.repeat(key.length))
    }))

  it('closed early is aborted only when the answer had not ended', () =>
    withStore(async store => {
      const note = 'turn1.0 client-closed-early'
      const cut = stream.slice(0, stream.indexOf('event: message_delta'))
      await importText(store, writeLines([captureRecord(1, 's', { note }), captureRecord(1, 's', { note, response_body: cut })]))
      expect((await store.exchanges({})).map(exchange => exchange.outcome)).toEqual(['complete', 'client-aborted'])
    }))

  it('of a WebSocket becomes the upgrade and one exchange a message, in canonical frames', () =>
    withStore(async store => {
      const socket = { path: '/t/tok-secret-0001/v1/responses', response_headers: {}, status: 101 }
      const long = `"${'x'.repeat(300)}"`
      await importText(
        store,
        writeLines([
          captureRecord(0, 's', { ...socket, method: 'GET(upgrade)', request_body: '', response_body: '' }),
          captureRecord(1, 's', {
            ...socket,
            method: 'WS',
            request_body: '{"type":"response.create"}',
            response_body: `{"a":1}\n${long}`,
          }),
        ]),
      )
      const [upgrade, message] = await store.exchanges({})
      expect([upgrade?.method, upgrade?.status, message?.method, message?.status]).toEqual(['GET', 101, 'WS', 200])
      expect(message?.responseHeaders).toEqual([['content-type', 'application/vnd.turnpike.websocket']])
      const frames = (await store.readBody(message?.id ?? '', 'response'))?.bytes
      expect(frames).toEqual(
        Buffer.concat([Buffer.from([0x81, 7]), Buffer.from('{"a":1}'), Buffer.from([0x81, 126, 1, 46]), Buffer.from(long)]),
      )
    }))
})

describe('a HAR', () => {
  it('of Chrome: a socket becomes the upgrade and one exchange for each message of the client', () =>
    withStore(async store => {
      const at = startedAt / 1000
      const messages = [
        { type: 'receive', time: at, opcode: 1, data: 'hello' },
        { type: 'send', time: at + 1, opcode: 1, data: 'one' },
        { type: 'receive', time: at + 2, opcode: 1, data: 'a' },
        { type: 'receive', time: at + 3, opcode: 2, data: 'AAE=' },
        { type: 'send', time: at + 4, opcode: 1, data: 'two' },
      ]
      await importText(store, har([harEntry(0, { _webSocketMessages: messages })]), {}, 'x.har')
      const exchanges = await store.exchanges({})
      const bodies = async (side: 'request' | 'response') =>
        Promise.all(exchanges.slice(1).map(async ({ id }) => (await store.readBody(id, side))?.bytes.toString('latin1') ?? ''))
      expect(exchanges.map(({ method }) => method)).toEqual(['POST', 'WS', 'WS', 'WS'])
      expect(await bodies('request')).toEqual(['', 'one', 'two'])
      expect(await bodies('response')).toEqual(['\x81\x05hello', '\x81\x01a\x82\x02\x00\x01', ''])
      expect(exchanges.map(({ status }) => status)).toEqual([200, 200, 200, null])
      expect(await store.readArrivals(exchanges[2]?.id ?? '')).toEqual([
        { at: startedAt + 2000, bytes: 3 },
        { at: startedAt + 3000, bytes: 4 },
      ])
    }))

  it('without an answer, and without the body of one, says so', () =>
    withStore(async store => {
      const response = { status: 0, headers: [], content: { size: 0 }, _error: 'net::ERR_TIMED_OUT' }
      const bodiless = { status: 200, headers: [], content: { size: 900 } }
      await importText(store, har([harEntry(0, { response }), harEntry(1, { response: bodiless })]), {}, 'x.har')
      expect((await store.exchanges({})).map(({ status, outcome, failure }) => [status, outcome, failure?.code])).toEqual([
        [null, 'timed-out', 'import'],
        [200, 'complete', 'body-missing'],
      ])
    }))

  it('keeps its times: the first byte after all phases before it', () =>
    withStore(async store => {
      await importText(store, files['har']?.text ?? '', {}, 'x.har')
      const [exchange] = await store.exchanges({})
      expect([exchange?.firstByteAt, exchange?.endedAt]).toEqual([startedAt + 100, startedAt + 500])
      expect(exchange?.responseHeaders?.map(([name]) => name)).toEqual(['content-type', 'request-id'])
      expect(exchange?.providerRequestId).toBe('req_1')
    }))
})

describe('other logs', () => {
  it('claude-trace: a request that was never answered is an aborted one', () =>
    withStore(async store => {
      await importText(store, writeLines([traceRecord(0, { response: null, note: 'ORPHANED_REQUEST' })]))
      expect(await store.exchanges({})).toMatchObject([
        { status: null, outcome: 'client-aborted', failure: { code: 'no-answer' } },
      ])
    }))

  it('mini-vela: calls logged twice count once; the same call later counts again; chat requests get chat answers', () =>
    withStore(async store => {
      const chat = {
        model: 'm',
        messages: [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'U' },
        ],
      }
      const records = [
        velaRecord(0),
        velaRecord(0, { request_time: startedAt + 4 }),
        velaRecord(0, { request_time: startedAt + 60_000 }),
        velaRecord(1, {
          request_body: chat,
          response_body: { content: [{ type: 'tool_use', id: 't', name: 'run', input: { a: 1 } }] },
        }),
      ]
      const report = await importText(store, writeLines(records))
      expect(report).toMatchObject({
        exchanges: 3,
        skipped: [{ line: 2, isBad: false, reason: expect.stringContaining('line 1') }],
      })
      const exchanges = await store.exchanges({})
      expect(exchanges.map(exchange => exchange.protocol)).toEqual(['anthropic-messages', 'anthropic-messages', 'openai-chat'])
      const answer = JSON.parse((await store.readBody(exchanges[2]?.id ?? '', 'response'))?.bytes.toString() ?? '')
      expect(answer.choices[0].message.tool_calls[0].function).toEqual({ name: 'run', arguments: '{"a":1}' })
    }))

  it('mini-vela: system messages beside a system text are Claude Code; ids and models of answers are not made up', () =>
    withStore(async store => {
      const messages = [
        { role: 'user', content: 'U' },
        { role: 'system', content: 'S' },
      ]
      const native = { model: 'm', system: [{ type: 'text', text: 'Top' }], messages }
      const toolsOnly = { model: 'm', system: [], messages, tools: [{ name: 'run', input_schema: { type: 'object' } }] }
      const records = [native, toolsOnly, { model: 'm', system: [], messages }, { model: 'm', system: '', messages }]
      await importText(store, writeLines(records.map((request_body, index) => velaRecord(index, { request_body }))))
      const exchanges = await store.exchanges({})
      expect(exchanges.map(exchange => exchange.protocol)).toEqual([
        'anthropic-messages',
        'anthropic-messages',
        'openai-chat',
        'anthropic-messages',
      ])
      const answer = JSON.parse((await store.readBody(exchanges[2]?.id ?? '', 'response'))?.bytes.toString() ?? '')
      expect(Object.keys(answer)).toEqual(['object', 'choices'])
    }))
})
