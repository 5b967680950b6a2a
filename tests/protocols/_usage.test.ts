// Every way in which providers count tokens, each as a case with figures worked out by hand.
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/types.ts'
import { mergeSnapshots } from '../../protocols/_usage.ts'
import anthropic from '../../protocols/anthropic-messages.ts'
import gemini from '../../protocols/gemini.ts'
import chat from '../../protocols/openai-chat.ts'
import responses from '../../protocols/openai-responses.ts'

const nothing = {
  input: null,
  cachedRead: null,
  cachedWrite5m: null,
  cachedWrite1h: null,
  cachedWriteOther: null,
  output: null,
  reasoning: null,
}

describe('Anthropic Messages', () => {
  it.each<[string, Json, object]>([
    [
      'input excludes the cache',
      { input_tokens: 14_000, cache_read_input_tokens: 155_000, cache_creation_input_tokens: 3_000, output_tokens: 9 },
      { input: 14_000, cachedRead: 155_000, cachedWriteOther: 3_000, output: 9 },
    ],
    [
      'writes by lifetime',
      {
        input_tokens: 1,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
        output_tokens: 2,
      },
      { input: 1, cachedWrite5m: 10, cachedWrite1h: 20, cachedWriteOther: 0, output: 2 },
    ],
    [
      'a lifetime we do not know',
      { input_tokens: 1, cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10 }, output_tokens: 2 },
      { input: 1, cachedWrite5m: 10, cachedWriteOther: 20, output: 2 },
    ],
    [
      'writes that are only split',
      { input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 0 }, output_tokens: 2 },
      { input: 1, cachedWrite5m: 10, cachedWrite1h: 0, output: 2 },
    ],
    [
      'null is not zero',
      {
        input_tokens: 1,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        cache_creation: null,
        server_tool_use: null,
        service_tier: null,
        output_tokens: 2,
      },
      { input: 1, output: 2 },
    ],
    [
      'zero is not null',
      { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
      { input: 0, cachedRead: 0, cachedWriteOther: 0, output: 0 },
    ],
    [
      'thinking is part of the output',
      { input_tokens: 1, output_tokens: 50, output_tokens_details: { thinking_tokens: 30 } },
      { input: 1, output: 50, reasoning: 30 },
    ],
    [
      'server tools and tier',
      {
        input_tokens: 1,
        output_tokens: 2,
        server_tool_use: { web_search_requests: 3, web_fetch_requests: 0 },
        service_tier: 'priority',
      },
      { input: 1, output: 2, serverTools: { web_search_requests: 3, web_fetch_requests: 0 }, serviceTier: 'priority' },
    ],
    ['figures of another type are unknown', { input_tokens: '7', output_tokens: 2 }, { output: 2 }],
    ['nothing', {}, {}],
    [
      'a split above its total is kept and marked',
      { input_tokens: 1, cache_creation_input_tokens: 5, cache_creation: { ephemeral_5m_input_tokens: 10 }, output_tokens: 2 },
      { input: 1, cachedWrite5m: 10, cachedWriteOther: -5, output: 2, inconsistent: true },
    ],
    [
      'a negative figure is kept and marked',
      { input_tokens: -4, output_tokens: 2 },
      { input: -4, output: 2, inconsistent: true },
    ],
  ])('%s', (_, usage, expected) => {
    const read = anthropic.readUsage({ usage })
    expect(read).toEqual({
      ...nothing,
      serverTools: {},
      serviceTier: null,
      source: 'wire',
      inconsistent: false,
      mapping: 'anthropic-messages/1',
      raw: usage,
      ...expected,
    })
  })

  const start = (usage?: Json) => ({
    type: 'message_start',
    message: { id: 'm', content: [], ...(usage === undefined ? {} : { usage }) },
  })
  const delta = (usage: Json | undefined, stop: string | null = 'end_turn') => ({
    type: 'message_delta',
    delta: { stop_reason: stop },
    ...(usage === undefined ? {} : { usage }),
  })
  const stop = { type: 'message_stop' }
  const fold = (...events: object[]) =>
    anthropic.foldEvents(events.map(data => ({ event: '', data: JSON.stringify(data) }))).usage

  it.each<[string, object[], object | null]>([
    [
      'counts of start and end are one snapshot each, never a sum',
      [
        start({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }),
        delta({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 20 }),
        stop,
      ],
      { input: 10, cachedRead: 5, output: 20, source: 'wire' },
    ],
    [
      'an end that only has the output keeps the input of the start',
      [start({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }), delta({ output_tokens: 20 }), stop],
      { input: 10, cachedRead: 5, output: 20, source: 'wire' },
    ],
    [
      'an end that repeats the input as zero takes nothing back',
      [start({ input_tokens: 10, output_tokens: 1 }), delta({ input_tokens: 0, output_tokens: 20 }), stop],
      { input: 10, output: 20, source: 'wire' },
    ],
    [
      'a relay that only counts at the end',
      [start({ input_tokens: 0, output_tokens: 0 }), delta({ input_tokens: 10, output_tokens: 20 }), stop],
      { input: 10, output: 20, source: 'wire' },
    ],
    [
      'a relay without usage in the start',
      [start(), delta({ input_tokens: 10, output_tokens: 20 }), stop],
      { input: 10, output: 20, source: 'wire' },
    ],
    [
      'several cumulative deltas',
      [start({ input_tokens: 10, output_tokens: 1 }), delta({ output_tokens: 8 }, null), delta({ output_tokens: 20 }), stop],
      { input: 10, output: 20, source: 'wire' },
    ],
    ['cut after the start', [start({ input_tokens: 10, output_tokens: 1 })], { input: 10, output: 1, source: 'wire-partial' }],
    [
      'cut after a delta that is not the last',
      [start({ input_tokens: 10, output_tokens: 1 }), delta({ output_tokens: 8 }, null)],
      { input: 10, output: 8, source: 'wire-partial' },
    ],
    [
      'cut after the last delta: the figures are final',
      [start({ input_tokens: 10, output_tokens: 1 }), delta({ output_tokens: 20 })],
      { input: 10, output: 20, source: 'wire' },
    ],
    [
      'usage only in the start says nothing final about the output',
      [start({ input_tokens: 10, output_tokens: 1 }), delta(undefined), stop],
      { input: 10, output: 1, source: 'wire-partial' },
    ],
    ['none at all', [start(), delta(undefined), stop], null],
    [
      'nested counters merge by field too',
      [
        start({ input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 7 }, server_tool_use: { web_search_requests: 0 } }),
        delta({ output_tokens: 2, server_tool_use: { web_search_requests: 2 } }),
        stop,
      ],
      { cachedWrite5m: 7, serverTools: { web_search_requests: 2 } },
    ],
  ])('stream: %s', (_, events, expected) => {
    if (expected === null) expect(fold(...events)).toBeNull()
    else expect(fold(...events)).toMatchObject(expected)
  })
})

describe('Chat Completions', () => {
  it.each<[string, Json, object]>([
    [
      'input includes the cache and is reduced by it',
      { prompt_tokens: 20_212, completion_tokens: 931, total_tokens: 21_143, prompt_tokens_details: { cached_tokens: 16_298 } },
      { input: 3_914, cachedRead: 16_298, output: 931 },
    ],
    [
      'cache writes are taken out too',
      { prompt_tokens: 2_000, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 500, cache_write_tokens: 300 } },
      { input: 1_200, cachedRead: 500, cachedWriteOther: 300, output: 1 },
    ],
    [
      'DeepSeek',
      { prompt_tokens: 30, completion_tokens: 8, total_tokens: 38, prompt_cache_hit_tokens: 20, prompt_cache_miss_tokens: 10 },
      { input: 10, cachedRead: 20, output: 8 },
    ],
    [
      'Moonshot',
      { prompt_tokens: 30, completion_tokens: 8, total_tokens: 38, cached_tokens: 20 },
      { input: 10, cachedRead: 20, output: 8 },
    ],
    [
      'reasoning is part of the output',
      { prompt_tokens: 3, completion_tokens: 50, total_tokens: 53, completion_tokens_details: { reasoning_tokens: 30 } },
      { input: 3, output: 50, reasoning: 30 },
    ],
    [
      'xAI counts reasoning beside the output, and its total says so',
      { prompt_tokens: 32, completion_tokens: 9, total_tokens: 135, completion_tokens_details: { reasoning_tokens: 94 } },
      { input: 32, output: 103, reasoning: 94 },
    ],
    [
      'a total that nothing explains is marked',
      { prompt_tokens: 32, completion_tokens: 9, total_tokens: 135 },
      { input: 32, output: 9, inconsistent: true },
    ],
    ['a cache not mentioned is unknown, not zero', { prompt_tokens: 30, completion_tokens: 8 }, { input: 30, output: 8 }],
    [
      'a cache of zero is zero',
      { prompt_tokens: 30, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 0 } },
      { input: 30, cachedRead: 0, output: 8 },
    ],
    [
      'null details',
      { prompt_tokens: 30, completion_tokens: 8, prompt_tokens_details: null, completion_tokens_details: null },
      { input: 30, output: 8 },
    ],
    [
      'a cache above the input is kept and marked',
      { prompt_tokens: 10, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 15 } },
      { input: -5, cachedRead: 15, output: 8, inconsistent: true },
    ],
    [
      'reasoning above the output is marked',
      { prompt_tokens: 1, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 9 } },
      { input: 1, output: 5, reasoning: 9, inconsistent: true },
    ],
    ['only the output', { completion_tokens: 8 }, { output: 8 }],
  ])('%s', (_, usage, expected) => {
    expect(chat.readUsage({ usage })).toEqual({
      ...nothing,
      serverTools: {},
      serviceTier: null,
      source: 'wire',
      inconsistent: false,
      mapping: 'openai-chat/1',
      raw: usage,
      ...expected,
    })
  })

  it('the tier stands beside the usage', () => {
    expect(chat.readUsage({ usage: { prompt_tokens: 1, completion_tokens: 1 }, service_tier: 'flex' })?.serviceTier).toBe('flex')
  })

  const chunk = (fields: object, finish: string | null = null) => ({
    id: 'x',
    choices: [{ index: 0, delta: {}, finish_reason: finish }],
    ...fields,
  })
  const fold = (events: readonly object[], done = true) => {
    const list = events.map(data => ({ event: '', data: JSON.stringify(data) }))
    return chat.foldEvents(done ? [...list, { event: '', data: '[DONE]' }] : list).usage
  }
  const some = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }

  it('usage behind the reason for stopping is final, even when the stream is cut before its end', () => {
    expect(fold([chunk({}, 'stop'), { choices: [], usage: some }], false)).toMatchObject({ input: 5, output: 2, source: 'wire' })
  })
  it('cumulative usage with every chunk is not added up', () => {
    const growing = [
      chunk({ usage: { ...some, completion_tokens: 1, total_tokens: 6 } }),
      chunk({ usage: some }),
      chunk({ usage: { ...some, completion_tokens: 3, total_tokens: 8 } }, 'stop'),
    ]
    expect(fold(growing)).toMatchObject({ input: 5, output: 3, source: 'wire' })
    expect(fold(growing.slice(0, 2), false)).toMatchObject({ input: 5, output: 2, source: 'wire-partial' })
  })
  it('usage inside the choice or under x_groq is found', () => {
    expect(fold([{ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: some }] }])).toMatchObject({
      input: 5,
      output: 2,
    })
    expect(fold([chunk({ x_groq: { id: 'r', usage: some } }, 'stop')])).toMatchObject({ input: 5, output: 2 })
  })
  it('a stream whose caller did not ask for usage has none', () => {
    expect(fold([chunk({ usage: null }, 'stop')])).toBeNull()
  })
})

describe('Responses', () => {
  it.each<[string, Json, object]>([
    [
      'input includes the cache, read and written',
      {
        input_tokens: 120,
        input_tokens_details: { cached_tokens: 64, cache_write_tokens: 40 },
        output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 4 },
        total_tokens: 129,
      },
      { input: 16, cachedRead: 64, cachedWriteOther: 40, output: 9, reasoning: 4 },
    ],
    ['a cache not mentioned is unknown, not zero', { input_tokens: 30, output_tokens: 8 }, { input: 30, output: 8 }],
    [
      'a cache of zero is zero',
      { input_tokens: 30, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, output_tokens: 8 },
      { input: 30, cachedRead: 0, cachedWriteOther: 0, output: 8 },
    ],
    [
      'null details',
      { input_tokens: 30, input_tokens_details: null, output_tokens: 8, output_tokens_details: null },
      { input: 30, output: 8 },
    ],
    [
      'a cache above the input is kept and marked',
      { input_tokens: 10, input_tokens_details: { cached_tokens: 15 }, output_tokens: 8 },
      { input: -5, cachedRead: 15, output: 8, inconsistent: true },
    ],
    [
      'reasoning above the output is marked',
      { input_tokens: 1, output_tokens: 5, output_tokens_details: { reasoning_tokens: 9 } },
      { input: 1, output: 5, reasoning: 9, inconsistent: true },
    ],
    [
      'reasoning beside the output, where the total says so',
      { input_tokens: 32, output_tokens: 9, output_tokens_details: { reasoning_tokens: 94 }, total_tokens: 135 },
      { input: 32, output: 103, reasoning: 94 },
    ],
    [
      'a total that nothing explains is marked',
      { input_tokens: 32, output_tokens: 9, total_tokens: 135 },
      { input: 32, output: 9, inconsistent: true },
    ],
    ['figures of another type are unknown', { input_tokens: '7', output_tokens: 2 }, { output: 2 }],
    ['nothing', {}, {}],
  ])('%s', (_, usage, expected) => {
    const read = {
      ...nothing,
      serverTools: {},
      serviceTier: 'flex',
      source: 'wire',
      inconsistent: false,
      mapping: 'openai-responses/1',
      raw: usage,
      ...expected,
    }
    expect(responses.readUsage({ usage, service_tier: 'flex' })).toEqual(read)
    expect(responses.readUsage({ type: 'response.completed', response: { usage, service_tier: 'flex' } })).toEqual(read)
  })

  it('no usage is no usage, whole or in a cut stream', () => {
    expect(responses.readUsage({ usage: null })).toBeNull()
    const created = { type: 'response.created', response: { id: 'r', status: 'in_progress', usage: null } }
    expect(responses.foldEvents([{ event: '', data: JSON.stringify(created) }]).usage).toBeNull()
  })
  it('figures before the end are a lower bound', () => {
    const some = { type: 'response.in_progress', response: { usage: { input_tokens: 5, output_tokens: 1 } } }
    const last = { type: 'response.completed', response: { usage: { input_tokens: 5, output_tokens: 3 } } }
    const fold = (...events: object[]) =>
      responses.foldEvents(events.map(data => ({ event: '', data: JSON.stringify(data) }))).usage
    expect(fold(some)).toMatchObject({ input: 5, output: 1, source: 'wire-partial' })
    expect(fold(some, last)).toMatchObject({ input: 5, output: 3, source: 'wire' })
  })
})

describe('snapshots', () => {
  it('merge by the maximum of each field, in any nesting', () => {
    expect(mergeSnapshots({ a: 1, b: { c: 9, d: null }, t: 'x' }, { a: 3, b: { c: 2, d: 4 }, e: 5, t: null })).toEqual({
      a: 3,
      b: { c: 9, d: 4 },
      e: 5,
      t: 'x',
    })
  })
  it('a key named __proto__ is a key', () => {
    const merged = mergeSnapshots(JSON.parse('{"__proto__":{"a":1}}') as Json, JSON.parse('{"__proto__":{"a":2}}') as Json)
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"a":2}}')
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
  })
})

describe('Gemini', () => {
  it.each<[string, Json, object]>([
    [
      'the prompt includes the cache, thoughts are beside the candidates, prompts of tools are input',
      {
        promptTokenCount: 1_000,
        cachedContentTokenCount: 800,
        toolUsePromptTokenCount: 30,
        candidatesTokenCount: 50,
        thoughtsTokenCount: 70,
        totalTokenCount: 1_150,
      },
      { input: 230, cachedRead: 800, output: 120, reasoning: 70 },
    ],
    [
      'a total without the prompts of tools is sound too',
      { promptTokenCount: 10, toolUsePromptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 15 },
      { input: 13, output: 5 },
    ],
    [
      'thoughts that a relay counts among the candidates are not counted twice',
      { promptTokenCount: 10, candidatesTokenCount: 50, thoughtsTokenCount: 20, totalTokenCount: 60 },
      { input: 10, output: 50, reasoning: 20 },
    ],
    [
      'only thoughts',
      { promptTokenCount: 10, thoughtsTokenCount: 20, totalTokenCount: 30 },
      { input: 10, output: 20, reasoning: 20 },
    ],
    ['no output, as the total says', { promptTokenCount: 10, totalTokenCount: 10 }, { input: 10, output: 0 }],
    ['nothing said of the output', { promptTokenCount: 10 }, { input: 10 }],
    ['nothing', {}, {}],
    [
      'a total that nothing explains is marked',
      { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 99 },
      { input: 10, output: 5, inconsistent: true },
    ],
    [
      'more cached than sent is kept and marked',
      { promptTokenCount: 10, cachedContentTokenCount: 12, candidatesTokenCount: 1, totalTokenCount: 11 },
      { input: -2, cachedRead: 12, output: 1, inconsistent: true },
    ],
  ])('%s', (_, usageMetadata, expected) => {
    const read = gemini.readUsage({ usageMetadata })
    expect(read).toEqual({
      ...nothing,
      serverTools: {},
      serviceTier: null,
      source: 'wire',
      inconsistent: false,
      mapping: 'gemini/1',
      raw: usageMetadata,
      ...expected,
    })
    expect(gemini.readUsage({ response: { usageMetadata } })).toEqual(read)
  })

  it('counters of a stream are cumulative: the maximum of each, final with the reason for stopping', () => {
    const chunk = (usageMetadata: object, finish?: string) => ({
      event: '',
      data: JSON.stringify({ candidates: [{ index: 0, ...(finish ? { finishReason: finish } : {}) }], usageMetadata }),
    })
    const first = chunk({ promptTokenCount: 10, cachedContentTokenCount: 4, totalTokenCount: 10 })
    const second = chunk({ promptTokenCount: 10, candidatesTokenCount: 8, totalTokenCount: 18 })
    const last = chunk({ promptTokenCount: 10, candidatesTokenCount: 20, totalTokenCount: 30 }, 'STOP')
    expect(gemini.foldEvents([first, second, last]).usage).toMatchObject({ input: 6, cachedRead: 4, output: 20, source: 'wire' })
    expect(gemini.foldEvents([first, second]).usage).toMatchObject({ output: 8, source: 'wire-partial' })
  })
})
