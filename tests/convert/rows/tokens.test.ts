// Token ids as vLLM and SGLang send them, through the protocol's own reader: whole, streamed, cut, and short of some.
import { describe, expect, it } from 'vitest'
import { readTokens } from '../../../convert/rows/tokens.ts'
import type { Answer, Json, JsonObject } from '../../../core/types.ts'
import openaiChat from '../../../protocols/openai-chat.ts'
import { timesMoreOfFour } from '../../growth.ts'

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const message = { role: 'assistant', content: 'Hi' }
const logprobs = {
  content: [
    { token: 'H', logprob: -0.5, bytes: null, top_logprobs: [] },
    { token: 'i', logprob: -0.25, bytes: null, top_logprobs: [] },
  ],
}

function whole(choice: JsonObject, body: JsonObject = {}, used: JsonObject = usage): Answer {
  const first = { index: 0, message, finish_reason: 'stop', ...choice }
  return openaiChat.readResponse({ id: 'c', object: 'chat.completion', model: 'm', choices: [first], usage: used, ...body })
}

function stream(chunks: readonly Json[], isDone = true): Answer {
  const events = chunks.map(chunk => ({ event: '', data: JSON.stringify(chunk) }))
  return openaiChat.foldEvents(isDone ? [...events, { event: '', data: '[DONE]' }] : events)
}

const head = { id: 'c', object: 'chat.completion.chunk', model: 'm' }
const expected = { prompt: [1, 2, 3], answer: [7, 8], logprobs: [-0.5, -0.25] }

describe('a whole answer', () => {
  it.each<[string, Answer]>([
    ['vLLM, return_token_ids', whole({ token_ids: [7, 8], logprobs }, { prompt_token_ids: [1, 2, 3] })],
    [
      'vLLM, return_tokens_as_token_ids',
      whole(
        { logprobs: { content: [7, 8].map((id, at) => ({ ...logprobs.content[at], token: `token_id:${id}` })) } },
        { prompt_token_ids: [1, 2, 3] },
      ),
    ],
    ['SGLang, return_token_ids', whole({ token_ids: [7, 8], prompt_token_ids: [1, 2, 3], logprobs })],
    [
      'SGLang, return_meta_info',
      whole({
        prompt_token_ids: [1, 2, 3],
        meta_info: {
          output_token_logprobs: [
            [-0.5, 7, 'H'],
            [-0.25, 8, null],
          ],
        },
      }),
    ],
    ['SGLang, sglext', whole({ logprobs }, { sglext: { input_ids: [1, 2, 3], output_ids: [[7, 8]] } })],
  ])('gives its ids: %s', (_, answer) => {
    expect(readTokens(answer)).toEqual(expected)
  })

  it('has no log probabilities unless there is one for every id', () => {
    const one = { content: logprobs.content.slice(0, 1) }
    expect(readTokens(whole({ token_ids: [7, 8], logprobs: one }, { prompt_token_ids: [1, 2, 3] }))).toEqual({
      ...expected,
      logprobs: null,
    })
  })

  it.each<[string, Answer]>([
    ['no ids', whole({})],
    ['no prompt', whole({ token_ids: [7, 8] })],
    ['an empty prompt', whole({ token_ids: [7, 8] }, { prompt_token_ids: [] })],
    ['no ids of the answer', whole({ logprobs }, { prompt_token_ids: [1, 2, 3] })],
    ['fewer ids than the server counted', whole({ token_ids: [7] }, { prompt_token_ids: [1, 2, 3] })],
    ['something else than ids', whole({ token_ids: [7, 'x'] }, { prompt_token_ids: [1, 2, 3] })],
    ['a negative id', whole({ token_ids: [7, -1] }, { prompt_token_ids: [1, 2, 3] })],
    ['half an id', whole({ token_ids: [7, 1.5] }, { prompt_token_ids: [1, 2, 3] })],
  ])('gives none with %s', (_, answer) => {
    expect(readTokens(answer)).toBeNull()
  })

  it('is not measured by a count that spans several choices', () => {
    const choices: JsonObject[] = [0, 1].map(index => ({ index, message, finish_reason: 'stop', token_ids: [7, 8] }))
    const answer = openaiChat.readResponse({
      ...head,
      choices,
      usage: { ...usage, completion_tokens: 4 },
      prompt_token_ids: [1, 2, 3],
    })
    expect(readTokens(answer)?.answer).toEqual([7, 8])
  })
})

describe('a streamed answer', () => {
  const vllm: readonly Json[] = [
    {
      ...head,
      prompt_token_ids: [1, 2, 3],
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, token_ids: null, logprobs: null }],
    },
    {
      ...head,
      prompt_token_ids: null,
      choices: [{ index: 0, delta: { content: 'H' }, token_ids: [7], logprobs: { content: logprobs.content.slice(0, 1) } }],
    },
    {
      ...head,
      choices: [{ index: 0, delta: { content: 'i' }, token_ids: [8], logprobs: { content: logprobs.content.slice(1) } }],
    },
    { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop', token_ids: [], logprobs: null }] },
    { ...head, choices: [], usage },
  ]

  it('gives the ids of all its pieces', () => {
    expect(readTokens(stream(vllm))).toEqual(expected)
  })

  it('keeps what came before it was cut', () => {
    expect(readTokens(stream(vllm.slice(0, 2), false))).toEqual({ prompt: [1, 2, 3], answer: [7], logprobs: [-0.5] })
  })

  it('gives none when a piece came without its ids', () => {
    expect(readTokens(stream(vllm.filter((_, index) => index !== 1)))).toBeNull()
  })

  it('gives the ids of a chunk that holds nothing else, whatever other extension follows', () => {
    const answer = stream([
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi' }, logprobs }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...head, choices: [], sglext: { input_ids: [1, 2, 3], output_ids: [[7, 8]] } },
      { ...head, choices: [], sglext: { cached_tokens_details: { device: 1 } } },
      { ...head, choices: [], usage },
    ])
    expect(readTokens(answer)).toEqual(expected)
  })

  it('takes time in proportion to its pieces', async () => {
    const read = (length: number): void => {
      const pieces = Array.from({ length }, (_, id) => ({
        ...head,
        choices: [{ index: 0, delta: { content: 'x' }, token_ids: [id], logprobs: { content: [{ token: 'x', logprob: -1 }] } }],
      }))
      const answer = stream([{ ...head, prompt_token_ids: [1], choices: [] }, ...pieces])
      expect(readTokens(answer)?.answer).toHaveLength(length)
    }
    expect(await timesMoreOfFour(read, 2_000, 3)).toBeLessThan(10)
  })
})
