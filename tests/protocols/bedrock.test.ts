// What is Bedrock's alone: the model in the address, other makers' bodies, Bedrock's own figures, translation. The rest is held by the
// conformance and property suites.
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../core/types.ts'
import type { StreamEvent } from '../../protocols/_adapter.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import converse from '../../protocols/bedrock-converse.ts'
import invoke from '../../protocols/bedrock-invoke.ts'
import chat from '../../protocols/openai-chat.ts'

const chunk = (data: JsonObject): StreamEvent => ({
  event: 'chunk',
  data: JSON.stringify({ bytes: Buffer.from(JSON.stringify(data)).toString('base64') }),
})
const metrics = { inputTokenCount: 7, outputTokenCount: 3, invocationLatency: 9, firstByteLatency: 4 }

describe('addresses', () => {
  it.each([
    [converse, '/model/us.anthropic.claude-x-v1%3A0/converse-stream', 'us.anthropic.claude-x-v1:0', true],
    [converse, '/model/us.anthropic.claude-x-v1:0/converse', 'us.anthropic.claude-x-v1:0', false],
    [invoke, '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ax%2Fy/invoke', 'arn:aws:bedrock:us-east-1:1:x/y', false],
    [invoke, '/model/m/invoke-with-response-stream', 'm', true],
  ])('$id %s', (protocol, path, model, stream) => {
    const conversation = protocol.readRequest({ messages: [] }, { path, query: '' })
    expect(conversation).toMatchObject({ model, stream })
    const again = protocol.readRequest(protocol.writeRequest(conversation), protocol.addressOf(conversation))
    expect(again).toEqual(conversation)
  })
})

describe('InvokeModel', () => {
  it('takes what an Anthropic client says, without model and stream in the body', () => {
    const request = { model: 'claude-x', max_tokens: 5, stream: true, messages: [{ role: 'user', content: 'Hi' }] }
    const conversation = anthropic.readRequest(request)
    expect(invoke.writeRequest(conversation)).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(invoke.addressOf(conversation).path).toBe('/model/claude-x/invoke-with-response-stream')
  })
  it("keeps another maker's stream, and counts it by Bedrock's figures", () => {
    const events = [{ generation: 'He' }, { generation: 'y', stop_reason: 'stop', 'amazon-bedrock-invocationMetrics': metrics }]
    const answer = invoke.foldEvents(events.map(chunk))
    expect(answer).toMatchObject({
      complete: true,
      stopReason: 'stop',
      message: { blocks: [{ kind: 'opaque', type: 'chunks', raw: events }] },
      usage: { input: 7, output: 3, source: 'wire', mapping: 'bedrock-invoke/1' },
    })
    expect(invoke.foldEvents(invoke.writeEvents(answer))).toEqual(answer)
    expect(invoke.foldEvents(events.slice(0, 1).map(chunk))).toMatchObject({ complete: false, usage: null })
    expect(invoke.isTerminal(chunk(events[1] ?? {}))).toBe(true)
    expect(invoke.isTerminal(chunk(events[0] ?? {}))).toBe(false)
  })
  it("keeps another maker's bodies whole", () => {
    const request = { inputText: 'x', textGenerationConfig: {} }
    const conversation = invoke.readRequest(request, { path: '/model/titan/invoke', query: '' })
    expect(conversation).toMatchObject({ model: 'titan', messages: [{ blocks: [{ kind: 'opaque', raw: request }] }] })
    expect(invoke.writeRequest(conversation)).toEqual(request)
    const body = { results: [{ outputText: 'y' }] }
    expect(invoke.writeResponse(invoke.readResponse(body))).toEqual(body)
  })
  it('a model that talks about the terminal event does not end the stream', () => {
    const said = chunk({ type: 'content_block_delta', delta: { type: 'text_delta', text: '{"type":"message_stop"}' } })
    const [mark = ''] = invoke.terminalMarks
    expect(said.data).not.toContain(mark)
    expect(chunk({ type: 'message_stop', more: 1 }).data).toContain(mark)
    expect(invoke.isTerminal(said)).toBe(false)
  })
})

describe('Converse usage', () => {
  it.each<[string, JsonObject, object]>([
    [
      'input excludes the cache; writes by lifetime',
      {
        inputTokens: 10,
        outputTokens: 5,
        totalTokens: 315,
        cacheReadInputTokens: 200,
        cacheWriteInputTokens: 100,
        cacheDetails: [{ ttl: '5m', inputTokens: 60 }],
      },
      {
        input: 10,
        cachedRead: 200,
        cachedWrite5m: 60,
        cachedWrite1h: null,
        cachedWriteOther: 40,
        output: 5,
        inconsistent: false,
      },
    ],
    [
      'a total without the cache is sound',
      { inputTokens: 10, outputTokens: 5, totalTokens: 15, cacheReadInputTokens: 200 },
      { input: 10, cachedRead: 200, cachedWriteOther: null, inconsistent: false },
    ],
    ['a total that nothing explains is marked', { inputTokens: 10, outputTokens: 5, totalTokens: 99 }, { inconsistent: true }],
    ['nothing is not zero', {}, { input: null, output: null, cachedRead: null, inconsistent: false }],
  ])('%s', (_, usage, expected) => {
    expect(converse.readUsage({ usage })).toMatchObject(expected)
  })
})

describe('translation', () => {
  it('from Chat: results first and by their ids, stop words and limits in Bedrock’s words', () => {
    const conversation = chat.readRequest({
      model: 'x',
      max_tokens: 9,
      stop: ['END'],
      tool_choice: 'required',
      messages: [
        { role: 'system', content: 'Filler.' },
        { role: 'user', content: 'Go.' },
        { role: 'assistant', tool_calls: [{ id: 'a.b', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }] },
        { role: 'tool', tool_call_id: 'a.b', content: 'ok' },
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
    })
    expect(converse.writeRequest(conversation)).toEqual({
      system: [{ text: 'Filler.' }],
      messages: [
        { role: 'user', content: [{ text: 'Go.' }] },
        { role: 'assistant', content: [{ toolUse: { toolUseId: 'a_b', name: 'f', input: { x: 1 } } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: 'a_b', content: [{ text: 'ok' }] } }] },
      ],
      inferenceConfig: { maxTokens: 9, stopSequences: ['END'] },
      toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }], toolChoice: { any: {} } },
    })
  })
  it('to Anthropic and Chat', () => {
    const answer = converse.readResponse({
      output: { message: { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'f', input: {} } }] } },
      stopReason: 'tool_use',
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
    })
    expect(anthropic.writeResponse(answer)).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', id: 'a' }] })
    expect(chat.writeResponse(answer)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] })
    expect(chat.writeResponse({ ...answer, stopReason: 'guardrail_intervened' })).toMatchObject({
      choices: [{ finish_reason: 'content_filter' }],
    })
  })
})
