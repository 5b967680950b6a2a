// The official SDKs as oracle: what they make of a stream is what we make of it, and they accept what we write.
import Anthropic from '@anthropic-ai/sdk'
import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream'
import { Stream as AnthropicStream } from '@anthropic-ai/sdk/streaming'
import OpenAI from 'openai'
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { ResponseStream } from 'openai/lib/responses/ResponseStream'
import { Stream as OpenAIStream } from 'openai/streaming'
import { describe, expect, it } from 'vitest'
import type { Answer, Json, JsonObject } from '../../core/types.ts'
import { readSse, writeSse } from '../../protocols/_sse.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import chat from '../../protocols/openai-chat.ts'
import responses from '../../protocols/openai-responses.ts'
import { readFixtures } from './fixtures.ts'

const threes = (text: string): string[] => text.match(/[\s\S]{1,3}/gu) ?? []
const restream = (events: Iterable<{ event: string; data: string }>): string => [...events].map(writeSse).join('')
const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json

async function readMessage(bytes: string): Promise<Json> {
  const stream = AnthropicStream.fromSSEResponse(new Response(bytes), new AbortController())
  return plain(await MessageStream.fromReadableStream(stream.toReadableStream()).finalMessage())
}

async function readCompletion(bytes: string): Promise<Json> {
  const stream = OpenAIStream.fromSSEResponse(new Response(bytes), new AbortController())
  return plain(await ChatCompletionStream.fromReadableStream(stream.toReadableStream()).finalChatCompletion())
}

async function readResponseStream(bytes: string): Promise<Json> {
  const stream = OpenAIStream.fromSSEResponse(new Response(bytes), new AbortController())
  const gathered = ResponseStream.fromReadableStream(stream.toReadableStream())
  return plain(await gathered.finalResponse())
}

/** The SDK's own gathering of deltas, without the terminal event that would replace it. */
async function gatherItems(bytes: string): Promise<Json> {
  const events = readSse(Buffer.from(bytes)).filter(event => !responses.isTerminal(event))
  const final = await readResponseStream(restream(events))
  return (final as { output: Json }).output
}

const streamsOf = (protocol: string, left: readonly string[]) =>
  readFixtures(protocol).flatMap(({ name, stream }) =>
    stream && !left.includes(name) ? [{ name, text: stream.toString('utf8') }] : [],
  )

const openaiFailures = [
  [400, OpenAI.BadRequestError],
  [401, OpenAI.AuthenticationError],
  [403, OpenAI.PermissionDeniedError],
  [404, OpenAI.NotFoundError],
  [429, OpenAI.RateLimitError],
  [503, OpenAI.InternalServerError],
] as const

const openaiAnswering = (status: number, body: JsonObject): OpenAI =>
  new OpenAI({
    apiKey: 'k',
    maxRetries: 0,
    fetch: async () => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }),
  })

function expectFailure(failure: unknown, kind: (typeof openaiFailures)[number][1]): void {
  expect(failure).toBeInstanceOf(kind)
  expect(failure).toMatchObject({ code: 'E_RECORD_FAILED' })
  expect(String(failure)).toContain('E_RECORD_FAILED: disk is full')
}

describe('Anthropic Messages', () => {
  // Left out: streams the SDK refuses (errors, cuts, no usage to add to), and one whose malformed event makes it throw.
  const streams = streamsOf('anthropic-messages', ['error.1', 'cut.1', 'unknown.1', 'relay.1', 'max-tokens.1'])

  it.each(streams)('$name: the SDK folds the stream to the answer that we fold', async ({ text }) => {
    const ours = anthropic.writeResponse(anthropic.foldEvents(readSse(Buffer.from(text))))
    const { context_management: _, ...comparable } = ours as { [key: string]: Json }
    expect(await readMessage(text)).toMatchObject(comparable)
  })

  it.each(streams)('$name: the SDK folds the stream that we write to the same answer as the original', async ({ text }) => {
    const events = anthropic.writeEvents(anthropic.foldEvents(readSse(Buffer.from(text))), threes)
    expect(await readMessage(restream(events))).toEqual(await readMessage(text))
  })

  it('a tool call cut by max_tokens reaches the SDK as a message', async () => {
    const text =
      readFixtures('anthropic-messages')
        .find(({ name }) => name === 'max-tokens.1')
        ?.stream?.toString('utf8') ?? ''
    const message = await readMessage(restream(anthropic.writeEvents(anthropic.foldEvents(readSse(Buffer.from(text))))))
    expect(message).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'tool_use', id: 'toolu_cut' }] })
  })

  it.each([
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
    [503, Anthropic.InternalServerError],
  ])('our own failure with status %i is the SDK error a caller expects', async (status, kind) => {
    const body = JSON.stringify(anthropic.writeError(status, 'E_RECORD_FAILED', 'disk is full'))
    const client = new Anthropic({
      apiKey: 'k',
      maxRetries: 0,
      fetch: async () => new Response(body, { status, headers: { 'content-type': 'application/json' } }),
    })
    const failure = await client.messages.create({ model: 'm', max_tokens: 1, messages: [] }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(kind)
    expect(String(failure)).toContain('E_RECORD_FAILED: disk is full')
  })

  it('our own failure in the middle of a stream is an SDK error', async () => {
    const head = restream(
      anthropic.writeEvents({
        ...anthropic.readResponse({ id: 'a', model: 'm', content: [], usage: { input_tokens: 1, output_tokens: 1 } }),
        complete: false,
      }),
    )
    await expect(readMessage(head + writeSse(anthropic.writeErrorEvent(500, 'E_UPSTREAM_CUT', 'gone')))).rejects.toThrow(
      'E_UPSTREAM_CUT: gone',
    )
  })
})

describe('Chat Completions', () => {
  // Left out: streams the SDK refuses (errors, cuts, missing roles or ids, malformed events) and the pieces of reasoning_details and
  // thinking, of which it keeps only the last.
  const streams = streamsOf('openai-chat', [
    'error.1',
    'cut.1',
    'unknown.1',
    'compatible.1',
    'compatible.2',
    'compatible.3',
    'extras.1',
    'legacy.1',
  ])

  it.each(streams)('$name: the SDK folds the stream to the answer that we fold', async ({ text }) => {
    const ours = chat.writeResponse(chat.foldEvents(readSse(Buffer.from(text)))) as {
      choices: Array<{ message: { [key: string]: Json } }>
    }
    for (const choice of ours.choices) delete choice.message['reasoning_content']
    expect(await readCompletion(text)).toMatchObject(ours)
  })

  it.each(streams)('$name: the SDK folds the stream that we write to the same answer as the original', async ({ text }) => {
    const events = chat.writeEvents(chat.foldEvents(readSse(Buffer.from(text))), threes)
    const comparable = (completion: Json) =>
      JSON.parse(
        JSON.stringify(completion, (key, value: Json) =>
          key === 'reasoning_content' || key === 'obfuscation' ? undefined : value,
        ),
      ) as Json
    expect(comparable(await readCompletion(restream(events)))).toEqual(comparable(await readCompletion(text)))
  })

  it.each(openaiFailures)('our own failure with status %i is the SDK error a caller expects', async (status, kind) => {
    const client = openaiAnswering(status, chat.writeError(status, 'E_RECORD_FAILED', 'disk is full'))
    expectFailure(await client.chat.completions.create({ model: 'm', messages: [] }).catch((error: unknown) => error), kind)
  })

  it('our own failure in the middle of a stream is an SDK error', async () => {
    const answer: Answer = {
      ...chat.readResponse({
        id: 'a',
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: null }],
      }),
      complete: false,
    }
    await expect(
      readCompletion(restream(chat.writeEvents(answer)) + writeSse(chat.writeErrorEvent(500, 'E_UPSTREAM_CUT', 'gone'))),
    ).rejects.toThrow('E_UPSTREAM_CUT: gone')
  })
})

describe('Responses', () => {
  // Left out: streams the SDK refuses (errors, unknown or missing events, malformed ones, reasoning that was never opened).
  const streams = streamsOf('openai-responses', ['cut.1', 'error.1', 'error.4', 'relay.1', 'unknown.1'])
  /** The SDK adds a summary of the texts, and what it parsed them to. */
  const comparable = (value: Json) =>
    JSON.parse(
      JSON.stringify(value, (key, inner: Json) =>
        /^(?:output_text|output_parsed|parsed|parsed_arguments)$/.test(key) ? undefined : inner,
      ),
    ) as Json

  it.each(streams)('$name: the SDK gathers the items that we gather', async ({ text }) => {
    const events = readSse(Buffer.from(text)).filter(event => !responses.isTerminal(event))
    const ours = responses.writeResponse(responses.foldEvents(events))
    expect(comparable(await gatherItems(text))).toEqual(ours['output'])
  })

  it.each(streams)('$name: without whole items, the SDK gathers from deltas what we gather', async ({ text }) => {
    const events = readSse(Buffer.from(text)).filter(
      ({ event, data }) => !responses.isTerminal({ event, data }) && !/\.done$/.test(event),
    )
    const ours = responses.writeResponse(responses.foldEvents(events))
    const final = await readResponseStream(restream(events))
    expect((comparable(final) as JsonObject)['output']).toEqual(ours['output'])
  })

  it.each(streams)('$name: the SDK folds the stream that we write to the same answer as the original', async ({ text }) => {
    const events = [...responses.writeEvents(responses.foldEvents(readSse(Buffer.from(text))), threes)]
    expect(await readResponseStream(restream(events))).toEqual(await readResponseStream(text))
    expect(comparable(await gatherItems(restream(events)))).toEqual(comparable(await gatherItems(text)))
  })

  it.each(openaiFailures)('our own failure with status %i is the SDK error a caller expects', async (status, kind) => {
    const client = openaiAnswering(status, responses.writeError(status, 'E_RECORD_FAILED', 'disk is full'))
    expectFailure(await client.responses.create({ model: 'm', input: '' }).catch((error: unknown) => error), kind)
  })

  it('our own failure in the middle of a stream is an SDK error', async () => {
    const head = restream(responses.writeEvents({ ...responses.readResponse({ id: 'a', status: 'in_progress', output: [] }) }))
    await expect(readResponseStream(head + writeSse(responses.writeErrorEvent(500, 'E_UPSTREAM_CUT', 'gone')))).rejects.toThrow(
      'E_UPSTREAM_CUT: gone',
    )
  })
})
