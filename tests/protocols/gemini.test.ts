// What is Gemini's alone: addresses, results paired by place, parts laid out again, arrays of chunks, envelopes, translation. The rest is
// held by the conformance and property suites.
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../core/types.ts'
import { readEvents } from '../../protocols/_framing.ts'
import { findFraming } from '../../protocols/_framings.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import gemini from '../../protocols/gemini.ts'
import chat from '../../protocols/openai-chat.ts'

const ask = (contents: Json): JsonObject => ({ contents })
const said = (...parts: Json[]): JsonObject => ({
  candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }],
})
const readBody = (type: string, text: string) => {
  const framing = findFraming(type, Buffer.from(text))
  return framing === null
    ? gemini.readResponse(JSON.parse(text) as Json)
    : gemini.foldEvents(readEvents(framing, Buffer.from(text)))
}

describe('addresses', () => {
  it.each([
    ['/v1beta/models/gemini-2.5-pro:generateContent', 'gemini-2.5-pro', false],
    ['/v1beta/models/gemini-2.5-pro:streamGenerateContent', 'gemini-2.5-pro', true],
    ['/v1/projects/p/locations/us/publishers/google/models/g@001:streamGenerateContent', 'g@001', true],
    ['/v1/projects/p/locations/us/endpoints/12345:generateContent', '12345', false],
    ['/v1beta/tunedModels/a%2Fb:generateContent', 'a/b', false],
  ])('%s names %s', (path, model, stream) => {
    expect(gemini.readRequest(ask([]), { path, query: '' })).toMatchObject({ model, stream })
  })
  it('are written where the conversation is asked', () => {
    const conversation = gemini.readRequest(ask([]), { path: '/v1beta/models/a b@1:streamGenerateContent', query: '' })
    expect(gemini.addressOf(conversation)).toEqual({
      path: '/v1beta/models/a%20b@1:streamGenerateContent',
      query: 'alt=sse',
    })
    expect(gemini.addressOf({ ...conversation, stream: false })).toEqual({
      path: '/v1beta/models/a%20b@1:generateContent',
      query: '',
    })
  })
  it('an envelope goes to the Code Assist endpoint and names the model', () => {
    const conversation = gemini.readRequest(
      { model: 'm', project: 'p', request: ask([{ role: 'user', parts: [{ text: 'x' }] }]) },
      { path: '/v1internal:streamGenerateContent', query: 'alt=sse' },
    )
    expect(conversation).toMatchObject({ model: 'm', stream: true, messages: [{ blocks: [{ text: 'x' }] }] })
    expect(gemini.addressOf(conversation)).toEqual({ path: '/v1internal:streamGenerateContent', query: 'alt=sse' })
  })
})

it.each([{ contents: 7 }, { contents: null }, { request: { contents: {} } }])('%j is refused with a coded error', body => {
  expect(() => gemini.readRequest(body)).toThrowError(/contents/)
})

describe('calls without ids', () => {
  const contents = [
    { role: 'model', parts: [{ functionCall: { name: 'a', args: { n: 1 } } }, { functionCall: { name: 'b', args: {} } }] },
    {
      role: 'user',
      parts: [
        { functionResponse: { name: 'b', response: { output: 'of b' } } },
        { functionResponse: { name: 'a', response: { output: 'of a' } } },
      ],
    },
    { role: 'model', parts: [{ functionCall: { name: 'a', args: { n: 2 } } }] },
    { role: 'user', parts: [{ functionResponse: { name: 'a', response: { error: 'no' } } }] },
  ]
  it('are named by their place, and results by the call they answer', () => {
    const blocks = gemini.readRequest(ask(contents)).messages.flatMap(message => message.blocks)
    expect(blocks).toMatchObject([
      { id: 'a_0', wire: { id: 'absent' } },
      { id: 'b_1' },
      { callId: 'b_1', content: [{ text: 'of b' }] },
      { callId: 'a_0', content: [{ text: 'of a' }] },
      { id: 'a_0', input: { n: 2 } },
      { callId: 'a_0', isError: true, content: [{ text: 'no' }] },
    ])
  })
  it('have the same name in the answer as in the request that repeats it', () => {
    const answer = gemini.readResponse(said(...(contents[0]?.parts ?? [])))
    const [repeated] = gemini.readRequest(ask(contents)).messages
    expect(answer.message.blocks).toEqual(repeated?.blocks)
  })
})

describe('parts', () => {
  const parts: Json[] = [
    { text: 'a', thought: true },
    { text: 'b', thought: true, thoughtSignature: 'c2ln' },
    { text: '' },
    { text: 'c' },
    { text: 'd' },
    { text: 'e', thoughtSignature: 'c2lnMg==' },
    { text: 'f' },
    { functionCall: { name: 'g', args: {} }, thoughtSignature: 'c2lnMw==' },
    { text: '' },
    { text: '', thoughtSignature: 'c2lnNA==' },
  ]
  it('of one kind are one block, up to its signature, and are laid out again as they came', () => {
    const answer = gemini.readResponse(said(...parts))
    expect(answer.message.blocks).toMatchObject([
      { kind: 'thinking', text: 'ab', signature: 'c2ln' },
      { kind: 'text', text: 'cde', extra: { thoughtSignature: 'c2lnMg==' } },
      { kind: 'text', text: 'f' },
      { kind: 'tool-call', name: 'g', extra: { thoughtSignature: 'c2lnMw==' } },
      { kind: 'text', text: '', extra: { thoughtSignature: 'c2lnNA==' } },
    ])
    expect(gemini.writeResponse(answer)).toEqual(said(...parts))
    const changed = { ...answer, message: { ...answer.message, blocks: answer.message.blocks.slice(1) } }
    expect(gemini.readResponse(gemini.writeResponse(changed)).message.blocks).toEqual(changed.message.blocks)
  })
  it('one a chunk are the same answer', () => {
    const chunks = parts.map((part, at) => ({
      candidates: [
        {
          content: { parts: [part], role: 'model' },
          index: 0,
          ...(at === parts.length - 1 ? { finishReason: 'STOP' } : {}),
        },
      ],
    }))
    const folded = gemini.foldEvents(chunks.map(data => ({ event: '', data: JSON.stringify(data) })))
    expect(folded.message.blocks).toEqual(gemini.readResponse(said(...parts)).message.blocks)
    expect(folded.complete).toBe(true)
  })
  it('of further candidates are kept beside', () => {
    const body: JsonObject = {
      candidates: [
        { content: { parts: [{ text: 'second' }], role: 'model' }, finishReason: 'STOP', index: 1 },
        { content: { parts: [{ text: 'first' }], role: 'model' }, finishReason: 'STOP', index: 0 },
      ],
    }
    const answer = gemini.readResponse(body)
    expect(answer.message.blocks).toEqual([{ kind: 'text', text: 'first' }])
    expect(answer.extra?.['candidates']).toHaveLength(1)
    const again = gemini.foldEvents(gemini.writeEvents(answer))
    expect(again.message.blocks).toEqual(answer.message.blocks)
    expect(again.extra).toEqual(answer.extra)
  })
})

describe('streams without alt=sse', () => {
  const chunks = [
    { candidates: [{ content: { parts: [{ text: 'He' }], role: 'model' }, index: 0 }] },
    { candidates: [{ content: { parts: [{ text: 'y' }], role: 'model' }, finishReason: 'STOP', index: 0 }] },
  ]
  it('are arrays of the same chunks', () => {
    const answer = readBody(
      'application/json; charset=UTF-8',
      `[${chunks.map(chunk => JSON.stringify(chunk, null, 2)).join('\n,\r\n')}\n]`,
    )
    expect(answer).toMatchObject({ complete: true, stopReason: 'STOP', message: { blocks: [{ text: 'Hey' }] } })
  })
  it('cut anywhere are partial', () => {
    const text = `[${chunks.map(chunk => JSON.stringify(chunk)).join(',')}]`
    for (let cut = 1; cut < text.length - 1; cut++) expect(readBody('application/json', text.slice(0, cut)).complete).toBe(false)
    expect(readBody('application/json', text.slice(0, -1)).complete).toBe(true)
  })
  it('that fail are an array of one error', () => {
    const answer = readBody('application/json', '[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]')
    expect(answer).toMatchObject({ complete: false, error: { type: 'RESOURCE_EXHAUSTED', message: 'slow down' } })
  })
})

describe('translation', () => {
  const request: JsonObject = {
    model: 'x',
    max_tokens: 100,
    system: 'Filler.',
    tools: [{ name: 'run', description: 'Runs.', input_schema: { type: 'object' } }],
    tool_choice: { type: 'tool', name: 'run' },
    stop_sequences: ['END'],
    stream: true,
    messages: [
      { role: 'user', content: 'Go.' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'private', signature: 'of another' },
          { type: 'tool_use', id: 'toolu_1', name: 'run', input: { a: 1 } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'failed', is_error: true }] },
      { role: 'user', content: 'Again.' },
    ],
  }
  it('from Anthropic: results name their tool, foreign thinking is left out', () => {
    const written = gemini.writeRequest(anthropic.readRequest(request))
    expect(written).toEqual({
      contents: [
        { role: 'user', parts: [{ text: 'Go.' }] },
        { role: 'model', parts: [{ functionCall: { id: 'toolu_1', name: 'run', args: { a: 1 } } }] },
        {
          role: 'user',
          parts: [{ functionResponse: { id: 'toolu_1', name: 'run', response: { error: 'failed' } } }, { text: 'Again.' }],
        },
      ],
      systemInstruction: { parts: [{ text: 'Filler.' }] },
      generationConfig: { maxOutputTokens: 100, stopSequences: ['END'] },
      tools: [{ functionDeclarations: [{ name: 'run', description: 'Runs.', parametersJsonSchema: { type: 'object' } }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['run'] } },
    })
    expect(JSON.stringify(written)).not.toContain('of another')
  })
  it('to Anthropic and Chat: STOP beside calls means tools, usage stays whole', () => {
    const answer = gemini.readResponse({
      ...said({ text: 'think', thought: true }, { text: 'ok' }, { functionCall: { name: 'run', args: { a: 1 } } }),
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 60,
        candidatesTokenCount: 10,
        thoughtsTokenCount: 5,
        totalTokenCount: 115,
      },
    })
    expect(anthropic.writeResponse(answer)).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'thinking' }, { type: 'text', text: 'ok' }, { type: 'tool_use', id: 'run_0' }],
      usage: { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 15 },
    })
    expect(chat.writeResponse(answer)).toMatchObject({
      choices: [{ finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 100, completion_tokens: 15, completion_tokens_details: { reasoning_tokens: 5 } },
    })
  })
  it('settings are read back', () => {
    const conversation = gemini.readRequest({
      contents: [],
      generationConfig: {
        topP: 0.5,
        stopSequences: ['X'],
        thinkingConfig: { thinkingBudget: 20_000 },
        responseJsonSchema: { type: 'object' },
      },
      toolConfig: { functionCallingConfig: { mode: 'NONE' } },
    })
    expect(chat.writeRequest(conversation)).toMatchObject({
      top_p: 0.5,
      stop: ['X'],
      reasoning_effort: 'high',
      tool_choice: 'none',
      response_format: { json_schema: { schema: { type: 'object' } } },
    })
  })
})

it('a proof that is no text keeps its part whole in a stream', () => {
  const parts = [{ text: 'in pieces', thoughtSignature: [] }]
  const body = { candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }] }
  const answer = gemini.readResponse(body)
  expect(gemini.foldEvents(gemini.writeEvents(answer, text => [...text])).message).toEqual(answer.message)
})
