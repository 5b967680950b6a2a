// Exports of a real store: raw comes back with the same hashes, HAR is valid and comes back with the same calls, curl sends the same
// bytes; nothing is written over unasked, and a scrubbed export links and counts as the recording does.
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { convertScopes } from '../../convert/convert.ts'
import { decodeExchanges } from '../../convert/decode.ts'
import { type ExportOptions, exportExchanges } from '../../convert/export.ts'
import { exportFormats } from '../../convert/exports/_all.ts'
import { compileSchema, type JsonSchema } from '../../core/schema.ts'
import type { Exchange, Json } from '../../core/types.ts'
import type { Store } from '../../store/_adapter.ts'
import { createUlid } from '../../store/ulid.ts'
import {
  type Folder,
  files,
  importInto,
  key,
  openFolder,
  requests,
  startedAt,
  stream,
  whole,
  writeRawBodies,
} from './import-files.ts'
import { withStore } from './temporary-store.ts'

let folder: Folder
beforeEach(() => {
  folder = openFolder()
})
afterEach(() => folder.remove())

const formatOf = (id: string) => {
  const format = exportFormats.find(candidate => candidate.id === id)
  if (format === undefined) throw new Error(id)
  return format
}

/** The two calls of the import fixtures, and one of each thing that is harder: compressed, binary, cut, refused, a socket's. */
async function fill(store: Store): Promise<string> {
  writeRawBodies(folder)
  folder.write('raw/index.jsonl', files['raw']?.text ?? '')
  const { sessions } = await importInto(store, folder, ['raw'], { name: 'harder' })
  const scopeId = sessions[0]?.id ?? ''
  const record = async (more: Partial<Exchange>, request: Buffer, parts: readonly Buffer[]): Promise<void> => {
    const id = createUlid()
    const scope = { kind: 'session', id: scopeId } as const
    const {
      protocol = null,
      method = 'POST',
      path = '/x',
      requestHeaders = [],
      responseHeaders = [],
      outcome = 'complete',
    } = more
    const common = { turn: null, attempt: null, route: null, query: '', startedAt: startedAt + 9000, secrets: [key] }
    await store.recorder.begin({ id, scope, protocol, method, path, requestHeaders, requestBody: request, ...common })
    for (const [at, part] of parts.entries()) store.recorder.append(id, part, startedAt + 9010.125 + at)
    const ended = { failure: more.failure ?? null, providerRequestId: null, retries: 0, endedAt: startedAt + 9100 }
    const status = more.status === undefined ? 200 : more.status
    const named = outcome === 'in-flight' || outcome === 'proxy-killed' ? 'complete' : outcome
    await store.recorder.end(id, { status, responseHeaders, outcome: named, firstByteAt: startedAt + 9010.125, ...ended })
  }
  const gzip = [['content-encoding', 'gzip']] as const
  const json = Buffer.from(JSON.stringify(whole))
  await record(
    { responseHeaders: gzip, protocol: 'anthropic-messages', path: '/v1/messages' },
    Buffer.from(JSON.stringify(requests[1])),
    [gzipSync(json)],
  )
  await record({}, Buffer.from([0, 255, 1, 254]), [Buffer.from([0xc3]), Buffer.from([0x28, 0])])
  await record({ outcome: 'upstream-cut', failure: { code: 'E_UPSTREAM_CUT', message: 'cut' } }, Buffer.from('{}'), [
    Buffer.from('half'),
  ])
  await record({ status: null, outcome: 'upstream-refused', responseHeaders: null, method: 'GET' }, Buffer.alloc(0), [])
  const message = Buffer.concat([Buffer.from([0x81, 11]), Buffer.from('{"type":"x"'.slice(0, 11))])
  await record(
    { method: 'WS', responseHeaders: [['content-type', 'application/vnd.turnpike.websocket']] },
    Buffer.from('{"ask":1}'),
    [message, Buffer.concat([Buffer.from([0x82, 3]), Buffer.from([1, 2, 3])])],
  )
  return scopeId
}

async function exportAs(store: Store, id: string, scopeId: string, more: Partial<ExportOptions> = {}) {
  const out = join(folder.directory, `out-${id}`)
  const scopes = [{ filter: { scopeId }, name: 'harder' }]
  const report = await exportExchanges(store, {
    scopes,
    format: formatOf(id),
    out,
    force: false,
    scrub: null,
    version: '1',
    ...more,
  })
  return { out, report }
}

const facts = (exchange: Exchange) => {
  const { id, turn, attempt, protocol, route, method, path, query, requestHeaders, requestSha256, status, responseHeaders } =
    exchange
  const { responseSha256, responseBytes, outcome, failure, retries, startedAt, firstByteAt, endedAt, providerRequestId } =
    exchange
  const asked = { id, turn, attempt, protocol, route, method, path, query, requestHeaders, requestSha256 }
  const answered = { status, responseHeaders, responseSha256, responseBytes, outcome, failure, providerRequestId }
  return { ...asked, ...answered, retries, startedAt, firstByteAt, endedAt }
}

describe('raw', () => {
  it('comes back into another store with the same ids, hashes, headers, times and arrivals', () =>
    withStore(async first => {
      const scopeId = await fill(first)
      // Without a masked secret the stored bytes are the sent ones.
      const { report } = await exportAs(first, 'raw', scopeId)
      expect(report).toMatchObject({ exchanges: 7, leftOut: 0, inFlight: 0 })
      await withStore(async second => {
        expect(await importInto(second, folder, ['out-raw'])).toMatchObject({ exchanges: 7, sessions: [{ name: 'harder' }] })
        const [before, after] = [await first.exchanges({}), await second.exchanges({})]
        for (const [at, exchange] of before.entries()) {
          const isMasked = ((await first.readBody(exchange.id, 'request'))?.masked.length ?? 0) > 0
          const hash = isMasked ? { requestSha256: after[at]?.requestSha256 } : {}
          expect(facts(after[at] ?? exchange)).toEqual({ ...facts(exchange), route: exchange.route ?? 'import:raw', ...hash })
          const arrivals = await first.readArrivals(exchange.id)
          expect(await second.readArrivals(exchange.id)).toEqual(
            arrivals.map(({ at: when, bytes }) => ({ at: expect.closeTo(when, 3), bytes })),
          )
          for (const side of ['request', 'response'] as const)
            expect((await second.readBody(exchange.id, side))?.bytes).toEqual((await first.readBody(exchange.id, side))?.bytes)
        }
        expect((await second.verify()).bad).toEqual([])
      })
      expect(await importInto(first, folder, ['out-raw'])).toMatchObject({ exchanges: 0, known: 7 })
    }))

  it('is refused by the import when a body is not the one that was exported', () =>
    withStore(async store => {
      const { out } = await exportAs(store, 'raw', await fill(store))
      writeFileSync(join(out, '0002-response.bin'), 'changed')
      await withStore(async second => {
        await expect(importInto(second, folder, ['out-raw'])).rejects.toMatchObject({
          code: 'E_IMPORT_INVALID',
          message: expect.stringContaining('line 2: 0002-response.bin is not the body'),
        })
      })
    }))
})

describe('har', () => {
  const schema = compileSchema<Json>(
    JSON.parse(readFileSync(join(import.meta.dirname, 'exports/har-schema.json'), 'utf8')) as JsonSchema,
  )

  it('is valid HAR 1.2, and invalid when something is missing', () =>
    withStore(async store => {
      const { out } = await exportAs(store, 'har', await fill(store))
      const value = JSON.parse(readFileSync(out, 'utf8')) as { log: { entries: Array<Record<string, Json>> } }
      expect(schema.problems(value as unknown as Json)).toEqual([])
      expect(value.log.entries).toHaveLength(7)
      delete value.log.entries[0]?.['timings']
      expect(schema.problems(value as unknown as Json)).not.toEqual([])
      expect(readdirSync(folder.directory).filter(name => name.endsWith('.partial'))).toEqual([])
    }))

  it('has messages of a socket as Chrome does, and binary bodies in base64', () =>
    withStore(async store => {
      const { out } = await exportAs(store, 'har', await fill(store))
      const { entries } = (JSON.parse(readFileSync(out, 'utf8')) as { log: { entries: Array<Record<string, Json>> } }).log
      expect(entries[6]?.['_webSocketMessages']).toEqual([
        { type: 'send', time: (startedAt + 9000) / 1000, opcode: 1, data: '{"ask":1}' },
        { type: 'receive', time: expect.closeTo((startedAt + 9010.125) / 1000, 5), opcode: 1, data: '{"type":"x"' },
        { type: 'receive', time: expect.closeTo((startedAt + 9011.125) / 1000, 5), opcode: 2, data: 'AQID' },
      ])
      expect(entries[3]).toMatchObject({
        request: { postData: { text: 'AP8B/g==', _encoding: 'base64' } },
        response: { content: { text: 'wygA', encoding: 'base64' } },
      })
      expect(entries[2]).toMatchObject({ response: { content: { text: JSON.stringify(whole) } } })
      expect(JSON.stringify(entries)).not.toContain(key)
    }))

  it('comes back with the same calls and plain bytes', () =>
    withStore(async first => {
      await exportAs(first, 'har', await fill(first), { out: join(folder.directory, 'out.har') })
      await withStore(async second => {
        expect(await importInto(second, folder, ['out.har'])).toMatchObject({ exchanges: 7, sessions: [{ name: 'harder' }] })
        const exchanges = await second.exchanges({})
        const bodies = await Promise.all(exchanges.map(({ id }) => second.readBody(id, 'response')))
        expect(bodies.map(body => body?.bytes.toString('latin1') ?? null)).toEqual([
          JSON.stringify(whole),
          Buffer.from(stream).toString('latin1'),
          JSON.stringify(whole),
          '\xc3\x28\0',
          'half',
          '',
          `\x81\x0b{"type":"x"\x82\x03\x01\x02\x03`,
        ])
        expect(exchanges.map(({ method, status, outcome }) => [method, status, outcome])).toEqual([
          ['POST', 200, 'complete'],
          ['POST', 200, 'complete'],
          ['POST', 200, 'complete'],
          ['POST', 200, 'complete'],
          ['POST', 200, 'upstream-cut'],
          ['GET', null, 'upstream-refused'],
          ['WS', 200, 'complete'],
        ])
        expect(exchanges[0]).toMatchObject({ turn: 2, attempt: 1, route: 'simulated' })
        const { decoded } = await decodeExchanges(second, {})
        expect(decoded).toBe(3)
      })
    }))
})

describe('curl', () => {
  it('writes scripts that send the same request with a key of the environment', () =>
    withStore(async store => {
      const { out, report } = await exportAs(store, 'curl', await fill(store))
      expect(report).toMatchObject({ exchanges: 6, leftOut: 1 })
      const arrived: Array<{ request: IncomingMessage; body: Buffer }> = []
      const server = createServer((request, response) => {
        const parts: Buffer[] = []
        request.on('data', part => parts.push(part))
        request.on('end', () => {
          arrived.push({ request, body: Buffer.concat(parts) })
          response.end('said')
        })
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const run = (name: string) =>
        promisify(execFile)('sh', [join(out, name)], {
          env: { PATH: process.env['PATH'], BASE_URL: url, ANTHROPIC_API_KEY: "it's-mine" },
        })
      try {
        expect((await run('0001.sh')).stdout).toBe('said')
        await run('0004.sh')
        await run('0006.sh')
      } finally {
        server.close()
      }
      expect(arrived.map(({ request }) => [request.method, request.url])).toEqual([
        ['POST', '/v1/messages?beta=true'],
        ['POST', '/x'],
        ['GET', '/x'],
      ])
      expect(arrived[0]?.request.headers['x-api-key']).toBe("it's-mine")
      expect(arrived[0]?.request.headers['content-type']).toBe('application/json')
      expect(arrived[0]?.body.toString()).toBe(JSON.stringify(requests[0]).replace(key, '*'.repeat(key.length)))
      expect(arrived[1]?.body).toEqual(Buffer.from([0, 255, 1, 254]))
      expect(statSync(join(out, '0001.sh')).mode & 0o111).not.toBe(0)
    }))

  it('cannot be made to run what was recorded', () =>
    withStore(async store => {
      const id = createUlid()
      const [scope, nothing] = [{ kind: 'session', id: 's' } as const, { turn: null, attempt: null, route: null, secrets: [] }]
      // Quotes in pairs: an odd one would only make the shell refuse the script.
      const path = "/x'$(touch pwned)'y\n touch pwned"
      const requestHeaders = [['x-y', "a'$(touch pwned)'b"]] as const
      await store.recorder.begin({
        id,
        scope,
        protocol: null,
        method: 'P',
        path,
        query: "q='$(touch pwned)'",
        requestHeaders,
        requestBody: Buffer.alloc(0),
        startedAt: 1,
        ...nothing,
      })
      await store.recorder.end(id, {
        status: 200,
        responseHeaders: [],
        outcome: 'complete',
        failure: null,
        providerRequestId: null,
        retries: 0,
        firstByteAt: 1,
        endedAt: 2,
      })
      const { out } = await exportAs(store, 'curl', 's')
      await promisify(execFile)('sh', [join(out, '0001.sh'), '--max-time', '1'], {
        cwd: out,
        env: { PATH: process.env['PATH'], BASE_URL: 'http://127.0.0.1:1' },
      }).catch(() => {})
      expect(readdirSync(out)).toEqual(['0001.sh'])
    }))
})

describe('every format', () => {
  it.each(exportFormats.map(format => format.id))('%s never writes over what is there unless told to', id =>
    withStore(async store => {
      const scopeId = await fill(store)
      const { out } = await exportAs(store, id, scopeId)
      await expect(exportAs(store, id, scopeId)).rejects.toMatchObject({ code: 'E_OUTPUT_EXISTS' })
      const other = join(folder.directory, 'other')
      if (formatOf(id).writes === 'file') mkdirSync(other)
      else writeFileSync(other, 'mine')
      await expect(exportAs(store, id, scopeId, { out: other, force: true })).rejects.toMatchObject({ code: 'E_OUTPUT_EXISTS' })
      if (formatOf(id).writes === 'directory') writeFileSync(join(out, 'notes.txt'), 'mine')
      const [first] = await store.exchanges({ scopeId })
      await exportAs(store, id, scopeId, { force: true, scopes: [{ filter: { id: first?.id ?? '' }, name: 'one' }] })
      if (formatOf(id).writes === 'directory')
        expect(readdirSync(out).filter(name => !name.startsWith('0001'))).toEqual(
          id === 'raw' ? ['index.jsonl', 'notes.txt'] : ['notes.txt'],
        )
      else expect((JSON.parse(readFileSync(out, 'utf8')) as { log: { entries: unknown[] } }).log.entries).toHaveLength(1)
    }),
  )

  it('scrubbed, holds no text and converts to the same trajectories', () =>
    withStore(async first => {
      const scopeId = await fill(first)
      const { out } = await exportAs(first, 'raw', scopeId, { scrub: { seed: null } })
      const written = readdirSync(out)
        .map(name => readFileSync(join(out, name), 'latin1'))
        .join('\n')
      for (const word of ['First', 'Second', 'Streamed', 'Whole', 'harder', 'session-a', 'req_1"', 'ask":1'])
        expect(written).not.toContain(`${word} `)
      expect(written).not.toMatch(/First|Streamed|Whole|"harder"|session-a/)
      await withStore(async second => {
        await importInto(second, folder, ['out-raw'])
        const summaries = []
        for (const store of [first, second]) {
          await decodeExchanges(store, {})
          const [session] = await store.list('sessions')
          const conversion = convertScopes(store, [await store.resolveRef(session?.id ?? '')], {
            format: 'merged',
            policy: 'readable',
          })
          for await (const _ of conversion.rows);
          summaries.push(conversion.summary())
        }
        expect(summaries[1]).toEqual(summaries[0])
      })
    }))
})
