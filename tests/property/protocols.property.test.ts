// What must hold for any input, not only for the fixtures. Seeds are printed by fast-check when one fails.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTurnpikeError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/types.ts'
import { protocols } from '../../protocols/_all.ts'
import { readSse, writeSse } from '../../protocols/_sse.ts'
import { decodeChunks, readFixtures, readStream } from '../protocols/fixtures.ts'
import { runs } from '../runs.ts'

const often = { numRuns: runs(150) }
const text = fc.string({ unit: 'binary', maxLength: 30 })
/** As JSON.parse would give it: no -0, no undefined, keys such as __proto__ included. */
const anyJson = fc.json({ maxDepth: 3 }).map(source => JSON.parse(source) as Json)
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const known = (fields: Record<string, Json | undefined>): JsonObject => JSON.parse(JSON.stringify(fields)) as JsonObject
/** Mostly the documented type, sometimes anything at all. */
const mostly = (arbitrary: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.oneof({ arbitrary, weight: 9 }, { arbitrary: anyJson, weight: 1 })
const objects = (shape: Record<string, fc.Arbitrary<Json | undefined>>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.record(shape),
      fc.dictionary(fc.constantFrom('cache_control', 'x', '__proto__', 'extra', 'wire'), anyJson, { maxKeys: 1 }),
    )
    .map(([fields, more]) => ({ ...more, ...known(fields) }))
const input = mostly(fc.dictionary(fc.string({ maxLength: 5 }), anyJson, { maxKeys: 3 }))
const lists = (arbitrary: fc.Arbitrary<Json>): fc.Arbitrary<Json> => fc.array(arbitrary, { maxLength: 4 })

const anthropicBlock: fc.Arbitrary<Json> = mostly(
  fc.oneof(
    objects({ type: fc.constant('text'), text: mostly(text), citations: sometimes(anyJson) }),
    objects({ type: fc.constant('thinking'), thinking: mostly(text), signature: sometimes(mostly(text)) }),
    objects({ type: fc.constant('redacted_thinking'), data: mostly(text) }),
    objects({
      type: fc.constantFrom('tool_use', 'server_tool_use'),
      id: mostly(text),
      name: mostly(text),
      input: sometimes(input),
    }),
    objects({
      type: fc.constant('tool_result'),
      tool_use_id: mostly(text),
      is_error: sometimes(mostly(fc.boolean())),
      content: sometimes(mostly(fc.oneof(text, lists(objects({ type: fc.constant('text'), text: mostly(text) }))))),
    }),
    objects({
      type: fc.constant('image'),
      source: mostly(
        fc.oneof(
          objects({ type: fc.constant('base64'), media_type: fc.constantFrom('image/png', 'url'), data: text }),
          objects({ type: fc.constant('url'), url: text }),
        ),
      ),
    }),
    objects({ type: text }),
  ),
)
const converseBlock: fc.Arbitrary<Json> = mostly(
  fc.oneof(
    objects({ text: mostly(text) }),
    fc.record({ text }),
    fc.record({ toolUse: mostly(objects({ toolUseId: mostly(text), name: mostly(text), input: sometimes(input) })) }),
    fc.record({
      toolResult: mostly(
        objects({
          toolUseId: mostly(text),
          status: sometimes(mostly(fc.constantFrom('success', 'error'))),
          content: mostly(lists(mostly(fc.oneof(fc.record({ text }), fc.record({ json: anyJson }))))),
        }),
      ),
    }),
    fc.record({
      reasoningContent: mostly(
        fc.oneof(
          objects({ reasoningText: mostly(objects({ text, signature: sometimes(mostly(text)) })) }),
          fc.record({ redactedContent: text }),
        ),
      ),
    }),
    fc.record({ citationsContent: objects({ content: lists(fc.record({ text })), citations: mostly(lists(anyJson)) }) }),
    fc.record({ image: mostly(objects({ format: fc.constantFrom('png', ''), source: mostly(fc.record({ bytes: text })) })) }),
    fc.record({ document: anyJson }),
  ),
) as fc.Arbitrary<Json>
const geminiPart: fc.Arbitrary<Json> = mostly(
  fc.oneof(
    objects({
      text: mostly(fc.oneof(text, fc.constant(''))),
      thought: sometimes(mostly(fc.constant(true))),
      thoughtSignature: sometimes(mostly(text)),
    }),
    objects({ text, thought: sometimes(fc.constant(true)) }),
    objects({
      functionCall: mostly(objects({ id: sometimes(mostly(text)), name: mostly(text), args: sometimes(input) })),
      thoughtSignature: sometimes(text),
    }),
    objects({
      functionResponse: mostly(
        objects({
          id: sometimes(mostly(text)),
          name: mostly(text),
          response: mostly(fc.dictionary(fc.constantFrom('output', 'error', 'x'), fc.oneof(text, anyJson), { maxKeys: 2 })),
          willContinue: sometimes(fc.boolean()),
        }),
      ),
    }),
    objects({ inlineData: mostly(objects({ mimeType: fc.constantFrom('image/png', 'audio/mp3'), data: text })) }),
    objects({ fileData: mostly(objects({ mimeType: sometimes(fc.constant('image/png')), fileUri: text })) }),
    objects({ executableCode: anyJson }),
  ),
)
const chatPart = mostly(
  fc.oneof(
    objects({ type: fc.constant('text'), text: mostly(text) }),
    objects({ type: fc.constant('refusal'), refusal: text }),
    objects({
      type: fc.constant('image_url'),
      image_url: objects({ url: fc.constantFrom('data:image/png;base64,AAAA', 'data:url;base64,AA', 'https://x/y', 'data:,') }),
    }),
  ),
)
const chatContent = mostly(fc.oneof(text, fc.constant(null), lists(chatPart)))
const holder = objects({
  name: mostly(text),
  arguments: sometimes(
    mostly(
      fc.oneof(
        text,
        input.map(value => JSON.stringify(value)),
      ),
    ),
  ),
})
const chatCall = mostly(
  fc.oneof(
    objects({ id: sometimes(mostly(text)), type: sometimes(fc.constant('function')), function: mostly(holder) }),
    objects({ id: text, type: fc.constant('custom'), custom: objects({ name: text, input: text }) }),
  ),
)
const chatAssistant = {
  role: fc.constant('assistant'),
  content: sometimes(chatContent),
  refusal: sometimes(mostly(text)),
  reasoning_content: sometimes(mostly(text)),
  reasoning: sometimes(mostly(text)),
  tool_calls: sometimes(mostly(lists(chatCall))),
  function_call: sometimes(mostly(holder)),
}
const common = {
  model: sometimes(mostly(text)),
  stream: sometimes(mostly(fc.boolean())),
  temperature: sometimes(mostly(fc.constantFrom(0, 0.5))),
  max_tokens: sometimes(mostly(fc.nat())),
  tools: sometimes(mostly(lists(anyJson))),
}

const responsesPart = mostly(
  fc.oneof(
    objects({ type: fc.constantFrom('input_text', 'output_text', 'text'), text: mostly(text), annotations: sometimes(anyJson) }),
    objects({ type: fc.constant('refusal'), refusal: mostly(text) }),
    objects({
      type: fc.constant('input_image'),
      image_url: mostly(fc.constantFrom('data:image/png;base64,AAAA', 'data:url;base64,AA', 'https://x/y', 'data:,')),
      detail: sometimes(text),
    }),
    objects({ type: text, item: sometimes(anyJson) }),
  ),
)
const texts = (type: string) => lists(mostly(objects({ type: fc.constant(type), text: mostly(text) })))
const responsesSaid = [
  objects({
    type: sometimes(fc.constant('message')),
    role: fc.constant('assistant'),
    content: mostly(fc.oneof(text, lists(responsesPart))),
    id: sometimes(text),
    status: sometimes(mostly(fc.constantFrom('completed', 'in_progress'))),
  }),
  objects({
    type: fc.constant('reasoning'),
    summary: sometimes(mostly(texts('summary_text'))),
    content: sometimes(mostly(texts('reasoning_text'))),
    encrypted_content: sometimes(mostly(text)),
    id: sometimes(text),
  }),
  objects({
    type: fc.constant('function_call'),
    call_id: mostly(text),
    name: mostly(text),
    arguments: mostly(
      fc.oneof(
        text,
        input.map(value => JSON.stringify(value)),
      ),
    ),
    namespace: sometimes(text),
  }),
  objects({ type: fc.constant('custom_tool_call'), call_id: mostly(text), name: mostly(text), input: mostly(text) }),
  objects({
    type: fc.constantFrom('local_shell_call', 'shell_call', 'computer_call', 'web_search_call', 'mcp_call', 'compaction'),
    call_id: sometimes(mostly(text)),
    action: sometimes(mostly(objects({ type: fc.constant('exec') }))),
    arguments: sometimes(mostly(text)),
    status: sometimes(text),
  }),
]
const responsesItem = mostly(
  fc.oneof(
    ...responsesSaid,
    objects({
      type: sometimes(fc.constant('message')),
      role: mostly(fc.constantFrom('user', 'system', 'developer', 'critic')),
      content: mostly(fc.oneof(text, lists(responsesPart))),
      id: sometimes(text),
    }),
    objects({
      type: fc.constantFrom('function_call_output', 'custom_tool_call_output', 'local_shell_call_output', 'shell_call_output'),
      call_id: sometimes(mostly(text)),
      id: sometimes(mostly(text)),
      output: sometimes(mostly(fc.oneof(text, lists(responsesPart)))),
    }),
    objects({ type: fc.constant('additional_tools'), role: sometimes(fc.constant('developer')), tools: lists(anyJson) }),
    objects({ type: text }),
  ),
)
const responsesTool = mostly(
  fc.oneof(
    objects({ type: fc.constantFrom('function', 'custom'), name: mostly(text), parameters: sometimes(anyJson) }),
    objects({ type: fc.constant('namespace'), name: text, tools: mostly(lists(anyJson)) }),
  ),
)

const requests: Record<string, fc.Arbitrary<Json>> = {
  'anthropic-messages': objects({
    ...common,
    system: sometimes(mostly(fc.oneof(text, lists(anthropicBlock)))),
    messages: lists(
      mostly(
        objects({
          role: mostly(fc.constantFrom('user', 'assistant', 'system')),
          content: mostly(fc.oneof(text, lists(anthropicBlock))),
        }),
      ),
    ),
  }),
  'openai-chat': objects({
    ...common,
    max_completion_tokens: sometimes(mostly(fc.nat())),
    messages: lists(
      mostly(
        fc.oneof(
          objects({
            role: fc.constantFrom('user', 'system', 'developer', 'critic'),
            content: sometimes(chatContent),
            name: sometimes(text),
          }),
          objects({
            role: fc.constantFrom('tool', 'function'),
            tool_call_id: sometimes(mostly(text)),
            name: sometimes(text),
            content: sometimes(chatContent),
          }),
          objects(chatAssistant),
        ),
      ),
    ),
  }),
  'openai-responses': objects({
    ...common,
    type: sometimes(fc.constant('response.create')),
    instructions: sometimes(mostly(text)),
    max_output_tokens: sometimes(mostly(fc.nat())),
    tools: sometimes(mostly(lists(responsesTool))),
    input: fc.oneof({ arbitrary: lists(responsesItem), weight: 9 }, { arbitrary: text, weight: 1 }),
  }),
}

const converseRequest = objects({
  messages: lists(mostly(objects({ role: mostly(fc.constantFrom('user', 'assistant')), content: mostly(lists(converseBlock)) }))),
  system: sometimes(mostly(lists(converseBlock))),
  inferenceConfig: sometimes(
    mostly(objects({ maxTokens: sometimes(mostly(fc.nat())), stopSequences: sometimes(mostly(lists(text))) })),
  ),
  toolConfig: sometimes(
    mostly(
      objects({
        tools: sometimes(
          mostly(lists(mostly(objects({ toolSpec: sometimes(mostly(objects({ name: text, inputSchema: anyJson }))) })))),
        ),
        toolChoice: sometimes(anyJson),
      }),
    ),
  ),
  additionalModelRequestFields: sometimes(anyJson),
})
requests['bedrock-converse'] = converseRequest
requests['bedrock-invoke'] = fc.oneof(
  requests['anthropic-messages'] ?? anyJson,
  objects({ prompt: text, max_gen_len: sometimes(fc.nat()) }),
)
requests['gemini'] = objects({
  contents: lists(
    mostly(
      objects({
        role: sometimes(mostly(fc.constantFrom('user', 'model', 'function'))),
        parts: sometimes(mostly(lists(geminiPart))),
      }),
    ),
  ),
  systemInstruction: sometimes(mostly(objects({ parts: mostly(lists(geminiPart)), role: sometimes(text) }))),
  tools: sometimes(
    mostly(
      lists(
        mostly(
          objects({
            functionDeclarations: sometimes(mostly(lists(mostly(objects({ name: text, parameters: sometimes(anyJson) }))))),
            googleSearch: sometimes(fc.constant({})),
          }),
        ),
      ),
    ),
  ),
  generationConfig: sometimes(
    mostly(
      objects({
        maxOutputTokens: sometimes(mostly(fc.nat())),
        temperature: sometimes(mostly(fc.constantFrom(0, 0.5))),
        stopSequences: sometimes(mostly(lists(text))),
        thinkingConfig: sometimes(mostly(objects({ thinkingBudget: sometimes(mostly(fc.nat())) }))),
      }),
    ),
  ),
  toolConfig: sometimes(anyJson),
})

const count = sometimes(mostly(fc.nat(1000)))
const answers: Record<string, fc.Arbitrary<Json>> = {
  'anthropic-messages': objects({
    id: fc.constant('m1'),
    type: fc.constant('message'),
    role: fc.constant('assistant'),
    model: text,
    content: lists(anthropicBlock),
    stop_reason: fc.constantFrom('end_turn', 'tool_use', null),
    stop_sequence: sometimes(fc.constantFrom('x', null)),
    usage: sometimes(
      objects({
        input_tokens: count,
        output_tokens: count,
        cache_read_input_tokens: count,
        server_tool_use: sometimes(mostly(objects({ n: count }))),
      }),
    ),
  }),
  'openai-chat': objects({
    id: fc.constant('c1'),
    object: fc.constant('chat.completion'),
    model: text,
    choices: fc
      .tuple(
        objects({
          index: fc.constant(0),
          message: objects(chatAssistant),
          finish_reason: fc.constantFrom('stop', 'tool_calls', null),
          logprobs: sometimes(anyJson),
        }),
      )
      .map(list => list as Json),
    usage: sometimes(objects({ prompt_tokens: count, completion_tokens: count, total_tokens: count })),
  }),
  'openai-responses': objects({
    id: fc.constant('r1'),
    object: fc.constant('response'),
    model: text,
    status: fc.constantFrom('completed', 'incomplete', 'cancelled'),
    incomplete_details: sometimes(mostly(objects({ reason: mostly(text) }))),
    output: lists(mostly(fc.oneof(...responsesSaid))),
    usage: sometimes(
      objects({
        input_tokens: count,
        input_tokens_details: sometimes(mostly(objects({ cached_tokens: count, cache_write_tokens: count }))),
        output_tokens: count,
        total_tokens: count,
      }),
    ),
  }),
}

answers['bedrock-converse'] = objects({
  output: objects({ message: objects({ role: fc.constant('assistant'), content: lists(converseBlock) }) }),
  stopReason: fc.constantFrom('end_turn', 'tool_use', 'max_tokens'),
  usage: sometimes(mostly(objects({ inputTokens: count, outputTokens: count, totalTokens: count, cacheReadInputTokens: count }))),
  metrics: sometimes(anyJson),
  additionalModelResponseFields: sometimes(anyJson),
})
answers['bedrock-invoke'] = answers['anthropic-messages'] ?? anyJson
answers['gemini'] = objects({
  candidates: fc
    .tuple(
      objects({
        content: sometimes(mostly(objects({ role: mostly(fc.constant('model')), parts: sometimes(mostly(lists(geminiPart))) }))),
        finishReason: fc.constantFrom('STOP', 'MAX_TOKENS', 'SAFETY'),
        index: sometimes(fc.constant(0)),
        avgLogprobs: sometimes(anyJson),
      }),
    )
    .map(list => list as Json),
  usageMetadata: sometimes(
    mostly(objects({ promptTokenCount: count, candidatesTokenCount: count, thoughtsTokenCount: count, totalTokenCount: count })),
  ),
  modelVersion: sometimes(mostly(text)),
  responseId: sometimes(mostly(text)),
})

/** Events that look right often enough to get deep into the decoders. */
const vocabulary = fc.constantFrom(
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
  'chunk',
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
  'error',
  'text_delta',
  'thinking_delta',
  'input_json_delta',
  'signature_delta',
  'citations_delta',
  'text',
  'thinking',
  'tool_use',
  'function',
  'assistant',
  'response.created',
  'response.output_item.added',
  'response.output_item.done',
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.output_text.annotation.added',
  'response.refusal.delta',
  'response.reasoning_summary_part.added',
  'response.reasoning_summary_text.delta',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.custom_tool_call_input.delta',
  'response.web_search_call.searching',
  'response.completed',
  'response.failed',
  'message',
  'reasoning',
  'function_call',
  'custom_tool_call',
  'output_text',
  'summary_text',
  'model',
  'STOP',
  'x',
)
const fragment: fc.Arbitrary<Json> = fc.letrec<{ node: Json; leaf: Json }>(tie => ({
  leaf: fc.oneof(vocabulary, fc.nat(3), fc.constant(null), text, fc.constant('{}')),
  node: fc.oneof(
    { maxDepth: 5 },
    tie('leaf'),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'type',
        'index',
        'delta',
        'content_block',
        'message',
        'usage',
        'text',
        'thinking',
        'partial_json',
        'input',
        'id',
        'name',
        'citation',
        'citations',
        'content',
        'stop_reason',
        'choices',
        'tool_calls',
        'function',
        'arguments',
        'function_call',
        'finish_reason',
        'reasoning_content',
        'reasoning_details',
        'audio',
        'logprobs',
        'error',
        'candidates',
        'contentBlockIndex',
        'start',
        'toolUse',
        'reasoningContent',
        'bytes',
        'parts',
        'role',
        'finishReason',
        'functionCall',
        'args',
        'thought',
        'thoughtSignature',
        'usageMetadata',
        'promptTokenCount',
        'promptFeedback',
        'response',
        'output_tokens',
        'prompt_tokens',
        'item',
        'item_id',
        'output_index',
        'content_index',
        'part',
        'response',
        'output',
        'status',
        'summary',
        'encrypted_content',
        'call_id',
        'role',
        'annotation',
        '__proto__',
      ),
      tie('node'),
      { maxKeys: 6 },
    ),
  ),
})).node
const event = fc.record({
  event: fc.oneof(vocabulary, fc.constant('')),
  data: fc.oneof(
    { arbitrary: fragment.map(value => JSON.stringify(value)), weight: 6 },
    { arbitrary: text, weight: 1 },
    { arbitrary: fc.constant('[DONE]'), weight: 1 },
  ),
})

/** Deep equality of what would be printed, key order aside. */
function same(a: unknown, b: unknown): void {
  const [one, other] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))]
  // Asked thousands of times: the matcher, which is slow, only says what differs.
  if (!isDeepStrictEqual(one, other)) expect(one).toEqual(other)
}

describe('server-sent events', () => {
  it('any bytes in any pieces give the same events', () => {
    const line = fc.oneof(
      fc.constantFrom('data: ', 'event: x', ': c', 'data', '\n', '\r', '\r\n', '\n\n', '\ufeff', 'é', '🚂', 'a'),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 8 }), (parts, places) => {
        const bytes = Buffer.from(parts.join(''))
        const cuts = places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b)
        expect(decodeChunks(bytes, cuts)).toEqual(readSse(bytes))
      }),
      { numRuns: runs(500) },
    )
  })
  it('what is written is read', () => {
    const names = fc.string({ maxLength: 8 }).map(name => name.replaceAll(/[\r\n]/g, ''))
    fc.assert(
      fc.property(
        fc.array(fc.record({ event: names, data: text.map(data => data.replaceAll('\r', '')) }), { maxLength: 5 }),
        events => {
          const written = Buffer.from(events.map(writeSse).join(''))
          expect(readSse(written)).toEqual(
            events.map(({ event: name, data }) => ({ event: name.replace(/^ /, ' '), data: Buffer.from(data).toString() })),
          )
        },
      ),
      often,
    )
  })
})

describe.each(protocols)('$id', protocol => {
  const request = requests[protocol.id] ?? anyJson
  const answer = answers[protocol.id] ?? anyJson

  it('has arbitraries of its own', () => {
    expect(Object.keys(requests)).toContain(protocol.id)
    expect(Object.keys(answers)).toContain(protocol.id)
  })
  it('any request that can be read is written again exactly', () => {
    fc.assert(
      fc.property(request, body => same(protocol.writeRequest(protocol.readRequest(body)), body)),
      often,
    )
  })
  it('any request can be written in every other dialect', () => {
    fc.assert(
      fc.property(request, body => {
        // What throws fails the property.
        for (const other of protocols) other.readRequest(other.writeRequest(protocol.readRequest(body)))
      }),
      often,
    )
  })
  it('any answer that can be read is written again exactly', () => {
    fc.assert(
      fc.property(answer, body => same(protocol.writeResponse(protocol.readResponse(body)), body)),
      often,
    )
  })
  it('any answer survives being written as a stream in any pieces', () => {
    fc.assert(
      fc.property(answer, fc.integer({ min: 1, max: 9 }), (body, size) => {
        const read = protocol.readResponse(body)
        const chunks = (whole: string): string[] =>
          Array.from({ length: Math.ceil(whole.length / size) }, (_, at) => whole.slice(at * size, (at + 1) * size))
        const again = protocol.foldEvents(protocol.writeEvents(read, chunks))
        same(again.message.blocks.map(forCompare), read.message.blocks.map(forCompare))
        expect(again.complete).toBe(true)
        expect(again.stopReason).toBe(read.stopReason)
        same(again.usage && { ...again.usage, source: '' }, read.usage && { ...read.usage, source: '' })
      }),
      often,
    )
  })
  it('any bytes and any events fold to an answer, and that can be written in every dialect', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), events => {
        const folded = protocol.foldEvents(events)
        // What throws fails the property.
        for (const other of protocols) {
          JSON.stringify(other.writeResponse(folded))
          other.foldEvents(other.writeEvents(folded))
        }
      }),
      { numRuns: runs(500) },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(protocol.foldEvents(readStream(protocol, bytes)).complete).toBe(false)
      }),
      often,
    )
  })
  it('only coded errors come out of reading any JSON', () => {
    fc.assert(
      fc.property(fc.oneof(anyJson, fragment), body => {
        expect(() => protocol.readResponse(body)).not.toThrow()
        expect(() => protocol.readUsage(body)).not.toThrow()
        try {
          protocol.readRequest(body)
        } catch (error) {
          expect(isTurnpikeError(error)).toBe(true)
        }
      }),
      often,
    )
  })
  it('nesting of a hundred thousand levels is no crash', () => {
    const levels = 100_000
    const deep = JSON.parse('{"content":['.repeat(levels) + ']}'.repeat(levels)) as Json
    expect(() => protocol.readResponse(deep)).not.toThrow()
    expect(() =>
      protocol.readRequest({
        messages: [
          { role: 'user', content: [deep] },
          { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b', input: deep }] },
        ],
        input: [deep, { role: 'user', content: [deep] }, { type: 'local_shell_call', call_id: 'a', action: deep }],
        tools: [deep],
        contents: [{ role: 'model', parts: [deep, { functionCall: { name: 'b', args: deep } }, { functionResponse: deep }] }],
      }),
    ).not.toThrow()
    expect(() => protocol.readUsage({ usage: { server_tool_use: deep } })).not.toThrow()
    const source = `${'{"usage":'.repeat(levels)}1${'}'.repeat(levels)}`
    expect(() =>
      protocol.foldEvents([
        { event: '', data: source },
        { event: '', data: `{"type":"message_delta","usage":${source}}` },
        { event: '', data: `{"choices":[],"usage":${source}}` },
        { event: '', data: `{"type":"response.completed","response":{"output":[${source}],"usage":${source}}}` },
        { event: '', data: `{"candidates":[{"content":{"parts":[${source}]},"finishReason":"STOP"}],"usageMetadata":${source}}` },
      ]),
    ).not.toThrow()
  })
  it('the canary: a property that does not hold is found out', () => {
    const streams = readFixtures(protocol.id).flatMap(({ stream }) => (stream ? [stream] : []))
    expect(() =>
      fc.assert(
        fc.property(
          fc.constantFrom(...streams),
          fc.nat(),
          (stream, place) =>
            protocol.foldEvents(readStream(protocol, stream.subarray(0, place % stream.length))).message.blocks.length === 0,
        ),
      ),
    ).toThrow()
  })
})

/** A block as it means, without how it was spelled; the text of a whole JSON input is the printed one either way. */
function forCompare(block: object): object {
  const { wire: _, ...rest } = block as { wire?: Json }
  return rest
}
