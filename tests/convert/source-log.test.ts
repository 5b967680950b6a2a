// Raw logs read line by line mean what the importer reads in them, whatever a session does and in whatever order its lines stand.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../convert/decode.ts'
import { openImportFile, readRecords } from '../../convert/import-records.ts'
import type { SourceCall, SourceScope } from '../../convert/source.ts'
import { openFileScopes } from '../../convert/source-file.ts'
import type { Block, Json, JsonObject } from '../../core/types.ts'
import { findProtocol } from '../../protocols/_all.ts'
import { readWhole } from './read-whole.ts'
import { dialects, type SessionShape, sessionShapes, writeSession } from './wire-sessions.ts'

const runs = Number(process.env['TURNPIKE_FUZZ_RUNS'] ?? 40)
const identify = (url: string) => ({ path: url, query: '', session: null, agentSession: null, secrets: [] })

async function withFile<T>(
  bytes: Buffer | string,
  use: (file: string, directory: string) => Promise<T>,
  name = 'log.jsonl',
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-log-'))
  try {
    await writeFile(join(directory, name), bytes)
    return await use(name, directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** As Python prints it. */
const print = (value: Json): string => JSON.stringify(value).replaceAll(/(["}\]0-9el])([:,])(["{[0-9tfn])/g, '$1$2 $3')

interface LineShape {
  readonly session: string
  readonly at: number
  readonly request: JsonObject
  readonly response?: Json
}

function writeLine({ session, at, request, response }: LineShape, spaced = false): string {
  const answer = response ?? {
    content: [
      { type: 'text', text: `answer ${at}` },
      { type: 'tool_use', id: `t${at}`, name: 'ls', input: {} },
    ],
  }
  const record = { session_id: session, biz_id: '', request_time: at, request_body: request, response_body: answer }
  return spaced ? print(record) : JSON.stringify(record)
}

const [messages, chat] = [dialects[0], dialects[3]]
const spoken = fc
  .tuple(sessionShapes, fc.boolean())
  .map(([shape, isChat]): SessionShape => ({ ...shape, dialect: (isChat ? chat : messages) ?? shape.dialect }))

const scopesOf = (file: string, directory: string) => openFileScopes({ file, directory, format: 'auto', identify })

async function readAll(scopes: readonly SourceScope[]) {
  const found = []
  for (const { scope, calls } of scopes) for (const one of await readWhole(calls())) found.push({ session: scope.name, ...one })
  return found
}

async function readUndecodable(scopes: readonly SourceScope[]) {
  const found = []
  for (const { calls } of scopes) for await (const call of calls()) if ('reason' in call) found.push(call)
  return found
}

describe('lines of a raw log', () => {
  it('are the calls that the importer reads, and only what is new of each was read', async () => {
    let continued = 0
    let calls = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(spoken, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.nat(2),
        async (shapes, spaced, layout) => {
          const written = shapes.map(writeSession)
          const lines = written.flatMap((bodies, session) =>
            // Two conversations in one session, the third in its own.
            bodies.map(({ body }, at) => ({
              order: at * 10 + session,
              text: writeLine({ session: `s${session >> 1}`, at: 5000 * (at * 10 + session + 1), request: body }, spaced),
            })),
          )
          lines.sort((a, b) => a.order - b.order)
          const text = lines.map(line => line.text).join(layout === 1 ? '\r\n' : '\n') + (layout === 0 ? '\n\n' : '')
          const isGzip = layout === 2
          await withFile(
            isGzip ? gzipSync(text) : text,
            async (file, directory) => {
              const expected = new Map<string, JsonObject>()
              for await (const { exchanges } of readRecords(await openImportFile(file, directory, 'mini-vela'), {
                skipBad: false,
                onSkip: () => {},
              }))
                for (const one of exchanges) {
                  const protocol = findProtocol('POST', one.url)
                  if (protocol === null) throw new Error(one.url)
                  const conversation = protocol.readRequest(JSON.parse(Buffer.from(one.requestBody).toString()))
                  const answer = readAnswer(protocol, one, Buffer.from(one.responseBody ?? []))
                  expected.set(`${one.session} ${one.startedAt}`, {
                    path: one.url,
                    protocol: protocol.id,
                    conversation,
                    answer,
                  } as unknown as JsonObject)
                }
              const found = await readAll(await scopesOf(file, directory))
              expect(found).toHaveLength(expected.size)
              for (const { session, call, conversation } of found) {
                const { path, protocol, startedAt, scope } = call.exchange
                expect(scope.id).toBe(session)
                expect({ path, protocol, conversation, answer: call.answer }).toEqual(expected.get(`${session} ${startedAt}`))
              }
              expect(new Set(found.map(({ call }) => call.exchange.id)).size).toBe(found.length)
              continued += found.filter(({ call }) => call.continues !== null).length
              calls += found.length
            },
            isGzip ? 'log.jsonl.gz' : 'log.jsonl',
          )
        },
      ),
      { numRuns: runs },
    )
    expect(continued * 3).toBeGreaterThan(calls)
  }, 120_000)

  it('have ids that do not depend on where they stand', async () => {
    await fc.assert(
      fc.asyncProperty(spoken, fc.infiniteStream(fc.nat()), async (shape, random) => {
        const lines = writeSession(shape).map(({ body }, at) => writeLine({ session: 's', at: 1000 + (at >> 1), request: body }))
        const shuffled = lines.map(line => ({ line, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at)
        const idsOf = (some: readonly string[]) =>
          withFile(some.join('\n'), async (file, directory) =>
            (await readAll(await scopesOf(file, directory)))
              .map(({ call, conversation }) => `${call.exchange.id} ${JSON.stringify(conversation.messages)}`)
              .sort(),
          )
        const ids = await idsOf(lines)
        expect(await idsOf(shuffled.map(({ line }) => line))).toEqual(ids)
        expect(new Set(ids.map(id => id.slice(0, 26))).size).toBe(lines.length)
      }),
      { numRuns: runs },
    )
  }, 60_000)

  it('that are too large for one chunk, or begin near its end, are found', async () => {
    const user = (chars: number) => ({ role: 'user', content: 'x'.repeat(chars) })
    const sizes = [4 * 1024 * 1024 - 2000, 3000, 9_000_000, 10, 4 * 1024 * 1024 - 300, 200, 1]
    const lines = sizes.map((chars, at) =>
      writeLine({ session: `s${at % 2}`, at, request: { model: 'm', messages: [user(chars), user(at + 1)] } }),
    )
    await withFile(`${lines.join('\n')}\n`, async (file, directory) => {
      const found = await readAll(await scopesOf(file, directory))
      expect(found.map(({ session, call }) => [session, call.exchange.startedAt])).toEqual(
        [0, 2, 4, 6, 1, 3, 5].map(at => [`s${at % 2}`, at]),
      )
      const lengths = found.map(({ conversation }) => conversation.messages.map(message => lengthOf(message.blocks[0])))
      expect(lengths).toEqual([0, 2, 4, 6, 1, 3, 5].map(at => [sizes[at], at + 1]))
    })
  })
})

const lengthOf = (block: Block | undefined): number => (block?.kind === 'text' ? block.text.length : -1)

const good = (at: number, more: readonly Json[] = []): string =>
  writeLine({
    session: 's',
    at,
    response: { content: [{ type: 'text', text: 'Hello.' }] },
    request: { messages: [{ role: 'user', content: 'hello '.repeat(20) }, ...more], model: 'm', max_tokens: 9 },
  })

describe('a log with a call logged twice', () => {
  it('gives it twice, the second time with nothing to read', async () => {
    await withFile([good(1000), good(1003), good(1003)].join('\n'), async (file, directory) => {
      const [scope] = await scopesOf(file, directory)
      const calls: SourceCall[] = []
      for await (const call of scope?.calls() ?? []) if ('answer' in call) calls.push(call)
      expect(calls.map(({ conversation, continues }) => [conversation.messages.length, continues?.messages ?? null])).toEqual([
        [1, null],
        [0, 1],
        [0, 1],
      ])
      expect(new Set(calls.map(call => call.exchange.id)).size).toBe(3)
      expect(calls[1]?.answer).toEqual(calls[0]?.answer)
      expect(calls[1]?.conversation.tools).toBe(calls[0]?.conversation.tools)
    })
  })
})

describe('a log with broken lines', () => {
  const broken: ReadonlyArray<readonly [what: string, line: string, reason: RegExp]> = [
    ['no JSON', '{"session_id": "s", nonsense', /line 2: is not JSON/],
    ['no object', '[1]', /line 2: is not a JSON object/],
    ['no session', good(5).replace('"session_id":"s"', '"session_id":7'), /line 2: "session_id" must be a string/],
    ['no time', good(5).replace('"request_time":5', '"request_time":"x"'), /line 2: "request_time" must be a number/],
    ['no answer', good(5).replace(/"response_body":.*/, '"response_body":"x"}'), /line 2: "response_body" must be an object/],
    [
      'no request',
      good(5).replace(/"request_body":.*"response/, '"request_body":3,"response'),
      /line 2: "request_body" must be an object/,
    ],
    ['no history', good(5).replace('"messages"', '"massages"'), /key messages of an Anthropic Messages request must be a list/],
    ['a broken history', good(5, [{ role: 'user' }]).replace('},{"role":"user"}', '}{"role":"user"}'), /line 2: is not JSON/],
    ['a doubled comma', good(5, [{ role: 'user' }]).replace('},{"role":"user"}', '},,{"role":"user"}'), /line 2: is not JSON/],
    ['a comma at the end of the history', good(5).replace('"}],"model"', '"},],"model"'), /line 2: is not JSON/],
    ['broken settings', good(5).replace('"max_tokens":9', '"max_tokens"'), /line 2: is not JSON/],
    ['something behind it', `${good(5)} {}`, /line 2: is not JSON/],
  ]
  it.each(broken)('names the line with %s and reads the others', async (_what, line, reason) => {
    await withFile([good(1), line, good(9)].join('\n'), async (file, directory) => {
      const scopes = await scopesOf(file, directory)
      const [bad, ...others] = await readUndecodable(scopes)
      expect(bad?.reason).toMatch(reason)
      expect(bad?.exchangeId).toBe('log.jsonl:2')
      expect(others).toEqual([])
      expect((await readAll(scopes)).map(({ call }) => call.exchange.startedAt)).toEqual([1, 9])
    })
  })

  it.each([
    ['a field that comes twice', good(5).replace('"max_tokens":9', '"max_tokens":9,"max_tokens":8')],
    ['a history that comes twice', good(5).replace('"max_tokens":9', '"max_tokens":9,"messages":[]')],
    [
      'a request that comes twice',
      good(5).replace('"response_body"', '"request_body":{"messages":[],"model":"n"},"response_body"'),
    ],
    [
      'a request spelled otherwise',
      good(5).replace('"response_body"', '"request\\u005fbody":{"messages":[],"model":"n"},"response_body"'),
    ],
    ['a byte order mark', `\ufeff${good(5)}`],
  ])('reads %s as JSON does', async (_what, line) => {
    await withFile([good(1), line].join('\n'), async (file, directory) => {
      const found = (await readAll(await scopesOf(file, directory))).at(-1)
      const record = JSON.parse(line.replace(/^\ufeff/, '')) as { request_body: Json }
      expect(found?.call.exchange.startedAt).toBe(5)
      expect(found?.conversation).toEqual(findProtocol('POST', '/v1/messages')?.readRequest(record.request_body))
    })
  })

  it('says of a last line without its end that it was cut', async () => {
    await withFile(`${good(1)}\n${good(2).slice(0, 200)}`, async (file, directory) => {
      const bad = await readUndecodable(await scopesOf(file, directory))
      expect(bad.map(one => one.reason)).toEqual(['log.jsonl, line 2: the file ends in the middle of this line'])
    })
  })
})
