// A scrubbed exchange: nothing of the text is left, sizes and structure are, and it decodes and links as before. Over the fixtures of every
// protocol in the list, and over what headers, addresses and odd bodies can hold.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ExportedBody, ExportedExchange } from '../../../convert/exports/_adapter.ts'
import { createScrubber } from '../../../convert/scrub/scrub.ts'
import { createFiller, type Filler } from '../../../convert/scrub/scrub-filler.ts'
import { scrubJson } from '../../../convert/scrub/scrub-json.ts'
import type { Answer, Block, Exchange, HeaderList, Json } from '../../../core/types.ts'
import { protocols } from '../../../protocols/_all.ts'
import { type Framing, readEvents } from '../../../protocols/_framing.ts'
import { findFraming } from '../../../protocols/_framings.ts'
import { framingOf, readFixtures } from '../../protocols/fixtures.ts'
import { makeExchange } from '../../rows.ts'

const seed = 'test'

function body(bytes: Buffer): ExportedBody {
  return { bytes, sentSha256: '', masked: [], decodedFrom: null }
}

function exported(more: Partial<Exchange> = {}, request = '', response = ''): ExportedExchange {
  const exchange: Exchange = makeExchange({ id: '01KE2CPKWRJ6WP3MYSXZB9D5Y0', firstByteAt: null, ...more })
  const common = { scopeName: 'name', exchange, arrivals: [], scrubbed: false }
  return { ...common, request: body(Buffer.from(request)), response: body(Buffer.from(response)) }
}

const textOf = (side: ExportedBody | null): string => side?.bytes.toString('utf8') ?? ''
const wordsOf = (text: string): Set<string> => new Set(text.match(/[A-Za-z]{8,}/g))

/** Words of the protocols, written down here by hand: the product's own list must not vouch for itself. */
const structural = new Set(
  (
    'assistant srvtoolu application ephemeral standard completed progress incomplete function ephemeral chatcmpl completion developer transcript unspecified ' +
    'message start delta block content thinking summary output input partial reasoning refusal signature citations encrypted redacted ' +
    'overloaded error invalid request authentication permission rate limit server result tokens exceeded priority detailed STOP MAX ' +
    'completions response responses created annotation logprobs arguments custom computer container generate STRICT OBJECT INTEGER STRING'
  ).split(' '),
)

function keysOf(value: Json, into: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) keysOf(item as Json, into)
  else if (value !== null && typeof value === 'object')
    for (const [key, item] of Object.entries(value)) keysOf(item, into.add(key))
  return into
}

/** Keys of the JSON in a body, also of that within strings. */
function bodyKeys(text: string): Set<string> {
  return new Set([...text.matchAll(/"((?:[^"\\]|\\.)*?)\\?"\s*:/g)].map(match => match[1] ?? ''))
}

/** Names a reader of the recording needs: of tools, models, types and stop reasons. */
function namesOf(text: string): string {
  const keys =
    'type|__type|name|model|modelVersion|role|status|object|stop_reason|finish_reason|finishReason|event|code|service_tier|media_type|mimeType|blockReason|reason|phase|responseMimeType'
  return [...text.matchAll(new RegExp(`(?:^event: ?|"(?:${keys})"\\s*:\\s*")([^"\\n]*)`, 'gm'))].map(match => match[1]).join(' ')
}

/** A stream's events as text; those in base64 opened. */
function readView(framing: Framing, bytes: Buffer): string {
  if (framing.id !== 'aws-event-stream') return bytes.toString('utf8')
  return readEvents(framing, bytes)
    .map(({ event, data }) => {
      const base64 = /^\{"bytes":"([^"]*)"/.exec(data)?.[1]
      return `event: ${event}\n${base64 === undefined ? data : Buffer.from(base64, 'base64').toString('utf8')}`
    })
    .join('\n')
}

function survivors(before: string, after: string): string[] {
  const allowed = wordsOf([...bodyKeys(before), namesOf(before)].join(' '))
  const original = wordsOf(before)
  return [...wordsOf(after)].filter(word => original.has(word) && !allowed.has(word) && !structural.has(word))
}

describe.each(protocols.filter(protocol => existsSync(join(import.meta.dirname, '../fixtures/protocols', protocol.id))))(
  '$id',
  protocol => {
    const fixtures = readFixtures(protocol.id)
    const scrubOne = (response: Buffer, type: string): Buffer => {
      const given = exported({ protocol: protocol.id, responseHeaders: [['content-type', type]] })
      return createScrubber(seed).scrub({ ...given, response: body(response) }).response?.bytes ?? Buffer.alloc(0)
    }

    it.each(fixtures.filter(fixture => fixture.stream !== undefined))(
      '$name, streamed: folds to the scrubbed answer',
      ({ stream }) => {
        const before = stream ?? Buffer.alloc(0)
        const framing = findFraming(null, before) ?? framingOf(protocol)
        const after = scrubOne(before, framing.contentType)
        expect(after).toHaveLength(before.length)
        expect(survivors(readView(framing, before), readView(framing, after))).toEqual([])
        const fold = (bytes: Buffer): Answer => protocol.foldEvents(readEvents(framing, bytes))
        compare(fold(before), fold(after))
      },
    )

    it.each(fixtures.filter(fixture => fixture.response !== undefined))(
      '$name, whole: nothing of the text is left',
      ({ response }) => {
        const before = JSON.stringify(response, null, 1)
        const after = scrubOne(Buffer.from(before), 'application/json').toString('utf8')
        expect(Buffer.byteLength(after)).toBe(Buffer.byteLength(before))
        expect(survivors(before, after)).toEqual([])
        compare(protocol.readResponse(JSON.parse(before) as Json), protocol.readResponse(JSON.parse(after) as Json))
      },
    )

    it.each(fixtures.filter(fixture => fixture.request !== undefined))(
      '$name, request: reads as before but for its texts',
      ({ request }) => {
        const before = JSON.stringify(request)
        const after = textOf(createScrubber(seed).scrub(exported({ protocol: protocol.id }, before)).request)
        expect(Buffer.byteLength(after)).toBe(Buffer.byteLength(before))
        expect(survivors(before, after)).toEqual([])
        const [was, is] = [before, after].map(text => protocol.readRequest(JSON.parse(text) as Json))
        expect(is?.model).toBe(was?.model)
        expect(is?.stream).toBe(was?.stream)
        expect(is?.maxTokens).toBe(was?.maxTokens)
        expect(is?.tools.map(tool => tool.name)).toEqual(was?.tools.map(tool => tool.name))
        expect(is?.messages.map(message => [message.role, message.blocks.map(block => block.kind)])).toEqual(
          was?.messages.map(message => [message.role, message.blocks.map(block => block.kind)]),
        )
      },
    )
  },
)

/** What the answer said, as filler; everything else as it was. */
function compare(before: Answer, after: Answer): void {
  const filler = createFiller(seed)
  expect(after.stopReason).toBe(before.stopReason)
  expect(after.complete).toBe(before.complete)
  expect(after.model).toBe(before.model)
  expect(after.error?.type).toBe(before.error?.type)
  const { raw: rawBefore, ...usageBefore } = before.usage ?? { raw: null }
  const { raw: rawAfter, ...usageAfter } = after.usage ?? { raw: null }
  expect(usageAfter).toEqual(usageBefore)
  expect(rawAfter === null).toBe(rawBefore === null)
  expect(after.message.blocks.map(block => block.kind)).toEqual(before.message.blocks.map(block => block.kind))
  for (const [at, was] of before.message.blocks.entries()) {
    const is = after.message.blocks[at]
    if (was.kind === 'tool-call' && is?.kind === 'tool-call') {
      expect(is.name).toBe(was.name)
      expect(is.input === null).toBe(was.input === null)
      expect([...keysOf(is.input)]).toEqual([...keysOf(was.input)])
      expect(is.inputText).toBe(scrubJson(was.inputText, 'content', filler) ?? filler.text(was.inputText))
    } else if ('text' in was && is !== undefined && 'text' in is && was.text.length > 8)
      expect(is.text).toBe(fillParts(filler, was))
  }
}

/** Several summaries of one reasoning are texts of their own on the wire, and in a history that is sent back; a reader joins them. */
function fillParts(filler: Filler, { text, wire }: Block & { readonly text: string }): string {
  const lengths = wire?.['lengths']
  if (!Array.isArray(lengths)) return filler.text(text)
  let at = 0
  const parts = lengths.map((length: Json) => {
    const part = text.slice(at, at + Number(length))
    at += Number(length) + '\n\n'.length
    return filler.text(part)
  })
  return parts.join('\n\n')
}

describe('everything around a body', () => {
  const scrub = (more: Partial<Exchange>, request = '', response = '') =>
    createScrubber(seed).scrub(exported(more, request, response))

  it('keeps headers that say how, and replaces those that say who or what', () => {
    const headers: HeaderList = [
      ['Content-Type', 'application/json'],
      ['anthropic-version', '2023-06-01'],
      ['retry-after', '17'],
      ['x-claude-code-session-id', 'd9f1b2c3-0000-4abc-8def-001122334455'],
      ['user-agent', 'Internal-Assistant/3.2 (workstation)'],
      ['x-api-key', '******************'],
      ['content-length', '999'],
    ]
    const { exchange } = scrub({ requestHeaders: headers }, '{}')
    const values = Object.fromEntries(exchange.requestHeaders)
    expect(values).toMatchObject({
      'Content-Type': 'application/json',
      'anthropic-version': '2023-06-01',
      'retry-after': '17',
      'x-api-key': '******************',
      'content-length': '2',
    })
    expect(values['x-claude-code-session-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    expect(values['x-claude-code-session-id']).not.toContain('d9f1b2c3')
    expect(values['user-agent']).not.toMatch(/Internal|workstation/)
    expect(values['user-agent']).toHaveLength('Internal-Assistant/3.2 (workstation)'.length)
  })

  it('keeps an address that its protocol claims and replaces what is not part of it', () => {
    const { exchange } = scrub({ path: '/department-name/v1/messages', query: 'beta=true&customer=somebody' })
    expect(exchange.path).toMatch(/^\/[a-z]{10}-[a-z]{4}\/v1\/messages$/)
    expect(exchange.path).not.toContain('department')
    expect(exchange.query).toMatch(/^beta=true&customer=[a-z]{8}$/)
    expect(exchange.query).not.toContain('somebody')
  })

  it('knows no word of traffic that no protocol claims', () => {
    const text =
      '{"type":"confidential","model":"codename-falcon","n":123456,"ok":true,"name":"Somebody Important"}\n{"role":"undercover"}\n'
    const { exchange, request } = scrub({ protocol: null, path: '/internal/customers', method: 'GET' }, text)
    expect(textOf(request)).not.toMatch(/confidential|codename|falcon|123456|Somebody|Important|undercover/)
    expect(textOf(request)).toMatch(/^\{"type":"[a-z]{12}","model":"[a-z]{8}-[a-z]{6}","n":\d{6},"ok":true,"name":"/)
    expect(exchange.path).not.toMatch(/internal|customers/)
  })

  it('decodes compressed bodies, says so no more, and hides what it cannot read', () => {
    const plain = Buffer.from('{"model":"claude-sim","messages":[{"role":"user","content":"Confidential"}]}')
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(plain)],
      ['br', brotliCompressSync(plain)],
    ] as const) {
      const given = { ...exported({ requestHeaders: [['content-encoding', encoding]] }), request: body(bytes) }
      const after = createScrubber(seed).scrub(given)
      expect(after.request?.bytes).toHaveLength(plain.length)
      expect(textOf(after.request)).toContain('{"model":"claude-sim","messages":[{"role":"user","content":"')
      expect(textOf(after.request)).not.toContain('Confidential')
      expect(after.exchange.requestHeaders).toEqual([])
    }
    const binary = createScrubber(seed).scrub({ ...exported(), response: body(Buffer.from([0xff, 0xfe, 0x41, 0x42])) })
    expect(textOf(binary.response)).toBe('****')
  })

  it('replaces names, ids and messages, and keeps what can be counted', () => {
    const given = exported({
      providerRequestId: 'req_AbCd1234',
      failure: { code: 'E_UPSTREAM_CUT', message: 'host interna1.example' },
    })
    const after = createScrubber(seed).scrub(given)
    expect(after.scopeName).not.toBe('name')
    expect(after.exchange.id).not.toBe(given.exchange.id)
    expect(after.exchange.id.slice(0, 10)).toBe(given.exchange.id.slice(0, 10))
    expect(after.exchange.providerRequestId).toMatch(/^req_[A-Z][a-z][A-Z][a-z]\d{4}$/)
    expect(after.exchange.failure?.code).toBe('E_UPSTREAM_CUT')
    expect(after.exchange.failure?.message).not.toContain('interna1')
    expect([after.exchange.startedAt, after.exchange.status, after.exchange.outcome]).toEqual([1, 200, 'complete'])
  })

  it('keeps a history an extension of the one before, and the filler of an export its own', () => {
    const first = [{ role: 'user', content: 'Tell me about lighthouses' }]
    const second = [...first, { role: 'assistant', content: 'They shine.' }]
    const request = (messages: object[]): string => JSON.stringify({ model: 'm', messages })
    const scrubber = createScrubber(null)
    const [one, two] = [first, second].map(messages => textOf(scrubber.scrub(exported({}, request(messages))).request))
    expect(two?.startsWith(one?.slice(0, -2) ?? 'x')).toBe(true)
    const other = textOf(createScrubber(null).scrub(exported({}, request(first))).request)
    expect(other).not.toBe(one)
  })
})
