// What every protocol must hold, run over the list of all of them and over each one's fixtures.
import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isTurnpikeError } from '../../core/errors.ts'
import type { Answer, Conversation } from '../../core/types.ts'
import { findProtocol, protocolById, protocols } from '../../protocols/_all.ts'
import { framingOf, readCut, readFixtures, readStream, seeded, splitCut, summarise, writeStream } from '../protocols/fixtures.ts'
import { makeUsage } from '../rows.ts'

const sevens = (text: string): string[] => text.match(/[\s\S]{1,7}/gu) ?? []

it('the list of protocols is the directory', () => {
  const files = readdirSync(new URL('../../protocols/', import.meta.url)).filter(file => !file.startsWith('_'))
  expect(protocols.map(protocol => `${protocol.id}.ts`).sort()).toEqual(files.sort())
  for (const protocol of protocols) expect(protocolById(protocol.id)).toBe(protocol)
  expect(protocolById('no-such')).toBeNull()
})

it.each([
  ['POST', '/v1/messages', 'anthropic-messages'],
  ['POST', '/v1/messages?beta=true', 'anthropic-messages'],
  ['POST', '/messages', 'anthropic-messages'],
  ['POST', '/api/anthropic/v1/messages', 'anthropic-messages'],
  ['POST', '/v1/messages/count_tokens', 'anthropic-messages'],
  ['POST', '/v1/messages/batches', null],
  ['POST', '/v1/threads/thread_1/messages', null],
  ['GET', '/v1/messages', null],
  ['POST', '/v1/chat/completions', 'openai-chat'],
  ['POST', '/api/v1/chat/completions?x=/messages', 'openai-chat'],
  ['POST', '/chat/completions', 'openai-chat'],
  ['POST', '/v1/completions', null],
  ['POST', '/v1/responses', 'openai-responses'],
  ['WS', '/v1/responses', 'openai-responses'],
  ['POST', '/backend-api/codex/responses?x=1', 'openai-responses'],
  ['POST', '/responses/compact', 'openai-responses'],
  ['POST', '/v1/responses/input_tokens', 'openai-responses'],
  ['POST', '/v1/responses/resp_1/cancel', null],
  ['GET', '/v1/responses/resp_1', null],
  ['POST', '/v1beta/models/gemini-2.5-pro:generateContent', 'gemini'],
  ['POST', '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse', 'gemini'],
  ['POST', '/v1/projects/p/locations/l/publishers/google/models/gemini-x@001:streamGenerateContent', 'gemini'],
  ['POST', '/v1internal:streamGenerateContent', 'gemini'],
  ['POST', '/v1beta/models/gemini-2.5-pro:countTokens', 'gemini'],
  ['GET', '/v1beta/models', 'gemini'],
  ['GET', '/v1beta/models/gemini-2.5-pro', 'gemini'],
  ['POST', '/v1beta/models/gemini-2.5-pro:embedContent', null],
  ['POST', '/v1internal:loadCodeAssist', null],
  ['POST', '/v1beta/openai/chat/completions', 'openai-chat'],
  ['POST', '/model/us.anthropic.claude-x-v1%3A0/converse', 'bedrock-converse'],
  ['POST', '/model/arn:aws:bedrock:us-east-1:1:inference-profile/a.b-v1:0/converse-stream', 'bedrock-converse'],
  ['POST', '/model/a/count-tokens', 'bedrock-converse'],
  ['POST', '/model/a:0/invoke', 'bedrock-invoke'],
  ['POST', '/model/a/invoke-with-response-stream', 'bedrock-invoke'],
  ['POST', '/model/a/async-invoke', null],
])('%s %s is claimed by %s', (method, path, id) => {
  expect(findProtocol(method, path)?.id ?? null).toBe(id)
})

describe.each(protocols)('$id', protocol => {
  const fixtures = readFixtures(protocol.id)
  const read = (bytes: Uint8Array) => readStream(protocol, bytes)
  const restream = (events: Iterable<{ event: string; data: string }>): Buffer => writeStream(protocol, events)
  const streams = fixtures.flatMap(({ name, stream, expected }) => (stream ? [{ name, stream, expected }] : []))
  const responses = fixtures.flatMap(({ name, response, expected }) =>
    response === undefined ? [] : [{ name, response, expected }],
  )
  const requests = fixtures.flatMap(({ name, request }) => (request === undefined ? [] : [{ name, request }]))

  it('has fixtures for each direction', () => {
    for (const feature of ['text.1', 'tools.1', 'error.1', 'error.2', 'cut.1', 'unknown.1'])
      expect(fixtures.map(({ name }) => name)).toContain(feature)
    expect(requests.length).toBeGreaterThan(1)
  })

  it.each(requests)('request $name is written again exactly as it was read', ({ request }) => {
    expect(protocol.writeRequest(protocol.readRequest(request))).toEqual(request)
  })

  it.each(streams)('stream $name folds to what was written by hand beside it', ({ stream, expected }) => {
    expect(summarise(protocol.foldEvents(read(stream)))).toEqual(expected)
  })

  it.each(responses)('answer $name reads as what was written by hand beside it', ({ response, expected }) => {
    expect(summarise(protocol.readResponse(response))).toEqual(expected)
  })

  it.each(responses)('answer $name is written again exactly as it was read', ({ response }) => {
    expect(protocol.writeResponse(protocol.readResponse(response))).toEqual(response)
  })

  it.each(fixtures.filter(({ stream, response }) => stream && response !== undefined))(
    'stream and answer $name are the same answer',
    ({ stream, response }) => {
      expect(protocol.foldEvents(read(stream ?? Buffer.alloc(0)))).toEqual(protocol.readResponse(response ?? null))
    },
  )

  it.each([...streams, ...responses].filter(({ name }) => !name.startsWith('error')))(
    '$name survives being written as a stream, whole or in pieces',
    fixture => {
      const answer = 'stream' in fixture ? protocol.foldEvents(read(fixture.stream)) : protocol.readResponse(fixture.response)
      expect(protocol.foldEvents(read(restream(protocol.writeEvents(answer))))).toEqual(answer)
      expect(protocol.foldEvents(read(restream(protocol.writeEvents(answer, sevens))))).toEqual(answer)
    },
  )

  it('an error in the middle of a stream survives being written', () => {
    const stream = streams.find(({ name }) => name === 'error.1')
    const answer = protocol.foldEvents(read(stream?.stream ?? Buffer.alloc(0)))
    const again = protocol.foldEvents(protocol.writeEvents(answer))
    expect(again.error).toEqual(answer.error)
    expect(again.message).toEqual(answer.message)
    expect(again.complete).toBe(false)
  })

  it.each(streams)('stream $name decodes the same at every split point, byte by byte and in random pieces', ({ stream }) => {
    const whole = read(stream)
    const framing = framingOf(protocol)
    const frames = splitCut(framing, stream, [])
    expect(readCut(framing, stream, [])).toEqual(whole)
    const expectSame = (cuts: readonly number[]): void => {
      const parts = splitCut(framing, stream, cuts)
      // What a frame says is a matter of its bytes alone: reading all of them again at each of thousands of places took most of the time.
      if (parts.length === frames.length && parts.every((part, at) => frames[at]?.equals(part))) return
      expect(readCut(framing, stream, cuts), `cut at ${cuts}`).toEqual(whole)
    }
    for (let cut = 0; cut <= stream.length; cut++) expectSame([cut])
    expect(readCut(framing, stream, [...stream.keys()])).toEqual(whole)
    const random = seeded(stream.length)
    for (let round = 0; round < 20; round++) expectSame([...stream.keys()].filter(() => random() < 0.05))
  })

  it.each(streams)('stream $name cut at any byte is a partial answer that only grows', ({ stream }) => {
    const whole = protocol.foldEvents(read(stream))
    const wholeCalls = whole.message.blocks.flatMap(block => (block.kind === 'tool-call' ? [block] : []))
    const terminalAt = Math.max(...protocol.terminalMarks.map(mark => stream.indexOf(mark)))
    // The matcher takes most of the time of this test, at thousands of places: it is asked only to say what differs.
    const expectAt = (cut: number, what: string, holds: boolean, found: unknown): void => {
      if (!holds) expect.fail(`cut at ${cut}: ${what}, but it is ${JSON.stringify(found)}`)
    }
    let text = ''
    let before: unknown = null
    for (let cut = 0; cut < stream.length; cut++) {
      const events = read(stream.subarray(0, cut))
      // Most bytes end no event: the same events fold to the same answer, and that was looked at.
      const known = isDeepStrictEqual(events, before)
      before = events
      if (known) continue
      const partial = protocol.foldEvents(events)
      const { blocks } = partial.message
      const partialText = blocks.map(block => (block.kind === 'text' ? block.text : '')).join('')
      expectAt(cut, `the text begins with ${JSON.stringify(text)}`, partialText.startsWith(text), partialText)
      text = partialText
      expectAt(cut, 'it is not complete', !partial.complete || (terminalAt >= 0 && cut > terminalAt), partial.complete)
      // A call that was cut is never mistaken for one with other, or without, arguments.
      const calls = blocks.flatMap(block => (block.kind === 'tool-call' ? [block] : []))
      for (const [at, call] of calls.entries())
        expectAt(
          cut,
          'a call has the arguments of the whole or none',
          call.input === null || isDeepStrictEqual(call.input, wholeCalls[at]?.input),
          call.input,
        )
      for (const key of ['input', 'cachedRead'] as const)
        expectAt(cut, `no more ${key} than in all`, (partial.usage?.[key] ?? 0) <= (whole.usage?.[key] ?? 0), partial.usage)
    }
  })

  it.each(streams)('the terminal marks of $name occur once, at the terminal event', ({ stream }) => {
    const whole = protocol.foldEvents(read(stream))
    const places = protocol.terminalMarks.filter(mark => stream.indexOf(mark) >= 0)
    // An answer that failed may end with an event that has a mark; one that was cut off has none.
    if (whole.error === null) expect(places.length > 0).toBe(whole.complete)
    for (const mark of places) expect(stream.indexOf(mark)).toBe(stream.lastIndexOf(mark))
  })

  it('a model that talks about the terminal event does not end the stream', () => {
    const text = [
      'data: [DONE]',
      '\ndata: [DONE]\n',
      'event: message_stop',
      '\nevent: message_stop\n',
      '{"type":"message_stop"}',
      '\nevent: response.completed\ndata: {"type":"response.completed"}\n',
    ].join(' ')
    const answer: Answer = { ...handmade, message: { role: 'assistant', blocks: [{ kind: 'text', text }] } }
    const stream = restream(protocol.writeEvents(answer))
    for (const mark of protocol.terminalMarks) expect(stream.indexOf(mark)).toBe(stream.lastIndexOf(mark))
    const cut = protocol.foldEvents(read(restream(protocol.writeEvents({ ...answer, complete: false, stopReason: null }))))
    expect(cut.complete).toBe(false)
    expect(protocol.foldEvents(read(stream)).message.blocks).toMatchObject([{ kind: 'text', text }])
  })

  it('an answer made by hand is complete in this dialect', () => {
    const again = protocol.foldEvents(protocol.writeEvents(handmade, sevens))
    expect(again.message.blocks).toMatchObject(handmade.message.blocks)
    expect(again).toMatchObject({ complete: true, error: null })
    expect(again.usage).toMatchObject({ input: 7, cachedRead: 3, output: 11, source: 'wire', inconsistent: false })
    expect(protocol.readResponse(protocol.writeResponse(handmade)).message.blocks).toMatchObject(handmade.message.blocks)
    expect(again.stopReason).toMatch(/^(?:tool_(?:use|calls)|STOP|completed)$/)
  })

  it('a conversation made by hand is written and read', () => {
    const again = protocol.readRequest(protocol.writeRequest(conversation), protocol.addressOf(conversation))
    expect(again.messages.flatMap(message => message.blocks)).toMatchObject(
      conversation.messages.flatMap(message => message.blocks),
    )
    expect(again).toMatchObject({ model: 'm', stream: true, maxTokens: 100, system: [{ kind: 'text', text: 'Filler.' }] })
    expect(again.tools).toMatchObject([{ name: 'run', description: 'Runs.', schema: { type: 'object' } }])
  })

  it.each([400, 401, 402, 403, 404, 413, 429, 500, 503, 504, 529])(
    'our own failure with status %i is an error in this dialect',
    status => {
      const body = protocol.writeError(status, 'E_RECORD_FAILED', 'disk is full')
      expect(protocol.readResponse(body).error).toEqual({ type: expect.any(String), message: 'E_RECORD_FAILED: disk is full' })
      expect(JSON.stringify(protocol.writeError(status, 'E_X', 'E_X: said'))).not.toContain('E_X: E_X')
      const answer = protocol.foldEvents([protocol.writeErrorEvent(status, 'E_RECORD_FAILED', 'disk is full')])
      expect(answer).toMatchObject({ complete: false, error: { message: 'E_RECORD_FAILED: disk is full' } })
    },
  )

  it.each([null, 1, 'text', [], [1], {}, { messages: 7 }, { messages: null, model: 'x' }])(
    'a request that is %j is refused with a coded error',
    body => {
      let thrown: unknown
      try {
        protocol.readRequest(body)
      } catch (error) {
        thrown = error
      }
      expect(isTurnpikeError(thrown) && thrown.code).toBe('E_BAD_REQUEST')
    },
  )

  it.each([null, 1, 'text', [], [{ a: 1 }], {}, { choices: [] }, { content: 3 }])('an answer that is %j is kept whole', body => {
    const answer = protocol.readResponse(body)
    expect(answer).toMatchObject({ error: null, usage: null, message: { blocks: [{ kind: 'opaque', type: 'body', raw: body }] } })
  })

  it('headers that carry credentials are lower case and cover what writeKey sends', () => {
    for (const name of [...protocol.secretHeaders, ...protocol.requestIdHeaders]) expect(name).toBe(name.toLowerCase())
    for (const key of ['sk-ant-oat01-x', 'sk-other'])
      for (const [name, value] of protocol.writeKey(key)) {
        expect(protocol.secretHeaders).toContain(name)
        expect(value).toContain(key)
      }
  })
})

const handmade: Answer = {
  id: 'answer_1',
  model: 'm',
  message: {
    role: 'assistant',
    blocks: [
      { kind: 'text', text: 'Grüße 🚂, I will look.' },
      { kind: 'tool-call', id: 'call_1', name: 'run', input: { cmd: 'ls' }, inputText: '{"cmd":"ls"}' },
      { kind: 'tool-call', id: 'call_2', name: 'run', input: {}, inputText: '{}' },
    ],
  },
  stopReason: null,
  usage: makeUsage({ input: 7, cachedRead: 3, cachedWrite5m: null, cachedWrite1h: null, output: 11, mapping: 'simulated/1' }),
  complete: true,
  error: null,
}

const conversation: Conversation = {
  model: 'm',
  stream: true,
  system: [{ kind: 'text', text: 'Filler.' }],
  messages: [
    { role: 'user', blocks: [{ kind: 'text', text: 'Go.' }] },
    {
      role: 'assistant',
      blocks: [
        { kind: 'text', text: 'Looking.' },
        { kind: 'tool-call', id: 'c1', name: 'run', input: { a: 1 }, inputText: '{"a":1}' },
      ],
    },
    { role: 'user', blocks: [{ kind: 'tool-result', callId: 'c1', content: [{ kind: 'text', text: 'done' }], isError: false }] },
  ],
  tools: [{ name: 'run', description: 'Runs.', schema: { type: 'object', properties: {} }, raw: null }],
  maxTokens: 100,
  temperature: null,
  extra: {},
}
