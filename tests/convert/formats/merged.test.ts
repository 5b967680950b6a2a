import { describe, expect, it } from 'vitest'
import merged from '../../../convert/formats/merged.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { JsonObject } from '../../../core/types.ts'
import {
  bash,
  call,
  document,
  everything,
  firstRow,
  generation,
  image,
  redacted,
  refusal,
  result,
  say,
  setOf,
  signed,
  step,
  text,
  trajectory,
  webSearch,
} from './_trajectories.ts'

const write = (steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): JsonObject =>
  firstRow(merged, trajectory(steps, { system: [], ...changes }))

const messagesOf = (row: JsonObject): readonly JsonObject[] => row['messages'] as readonly JsonObject[]
const metaOf = (row: JsonObject): JsonObject => row['meta'] as JsonObject

describe('messages', () => {
  it('hold all texts of an answer and all its thinking, glued, and where the texts begin', () => {
    const blocks = [signed, text('First. '), { ...signed, text: 'Second thought.' }, text('Second.'), redacted]
    expect(messagesOf(write([step(say('assistant', ...blocks), generation('c'))]))).toEqual([
      {
        role: 'assistant',
        content: 'First. Second.',
        reasoning_content: 'First thought.\nSecond thought.',
        generation: true,
        splits: [7],
        call_id: 'c',
      },
    ])
  })

  it('keep system text where it stands, and images, errors and documents of results', () => {
    const steps = [
      step(say('assistant', call('t1', 'bash', '{}'), call('t2', 'edit', '{"n":1}')), generation('c')),
      step(say('system', text('Reminder.'))),
      step(say('user', text('before'), result('t2', [text('a'), text('b')], true), result('t1', [text('see'), image, document]))),
    ]
    expect(messagesOf(write(steps)).slice(1)).toEqual([
      { role: 'system', content: 'Reminder.' },
      {
        role: 'tool',
        tool_name: 'bash',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image', media_type: 'image/png', data: 'aGk=' },
          { type: 'opaque', of: 'document', raw: { type: 'document', source: { type: 'text', data: 'page' } } },
        ],
        tool_call_id: 't1',
        is_error: false,
      },
      { role: 'tool', tool_name: 'edit', content: 'ab', splits: [1], tool_call_id: 't2', is_error: true },
      { role: 'user', content: 'before' },
    ])
  })

  it('name the tool of a result by the latest call of that id: some servers begin again at call_0', () => {
    const round = (name: string) => [step(say('assistant', call('call_0', name, '{}'))), step(say('user', result('call_0', [])))]
    const tools = messagesOf(write([...round('bash'), ...round('edit')])).filter(message => message['role'] === 'tool')
    expect(tools.map(message => message['tool_name'])).toEqual(['bash', 'edit'])
    expect(messagesOf(write([step(say('user', result('nobody', [])))]))[0]).toMatchObject({ tool_name: null })
  })

  it('mark cut and doubtful answers beside the flag', () => {
    const steps = [
      step(say('assistant', call('t', 'bash', '{"a')), generation('p', { partial: true })),
      step(say('assistant', refusal), generation('u', { unresolvedRetry: true })),
      step(say('assistant', text('context'))),
    ]
    expect(messagesOf(write(steps))).toEqual([
      {
        role: 'assistant',
        content: '',
        reasoning_content: '',
        generation: true,
        tool_calls: [{ name: 'bash', arguments: '{"a', id: 't' }],
        call_id: 'p',
        partial: true,
      },
      {
        role: 'assistant',
        content: 'I will not.',
        reasoning_content: '',
        generation: true,
        refusal: 'I will not.',
        call_id: 'u',
        unresolved_retry: true,
      },
      { role: 'assistant', content: 'context', reasoning_content: '', generation: false },
    ])
  })

  it('keep captured tokens', () => {
    const tokens = { ids: [1, 2], logprobs: [null, -0.5] }
    const row = write([step(say('assistant', text('x')), generation('c'), { tokens })], { policy: 'tokens' })
    expect(messagesOf(row)[0]?.['tokens']).toEqual(tokens)
    expect([...(merged.read(row).trajectories as Trajectory[])][0]?.steps[0]?.tokens).toEqual(tokens)
  })
})

describe('tools', () => {
  it('keep the whole schema, and the definition of tools of the provider', () => {
    expect(write([], { tools: [bash, webSearch] })['tools']).toEqual([
      { type: 'function', function: { name: 'bash', description: 'Runs a command.', parameters: bash.schema } },
      { type: 'function', function: { name: 'web_search', description: '', parameters: null }, raw: webSearch.raw },
    ])
  })
})

describe('meta', () => {
  it('has the fields of mini-vela, the metadata of the client among them', () => {
    expect(metaOf(write([]))).toMatchObject({
      user_id: 'u1',
      max_tokens: 1000,
      session_id: 'task.agent.1',
      biz_id: '',
      model: 'model-a-1',
    })
    expect(metaOf(write([], { maxTokens: null, metadata: null }))).not.toHaveProperty('max_tokens')
  })

  it('keeps metadata whole where it uses a name of ours', () => {
    const metadata = { kind: 'mine', other: 1 }
    const row = write([], { metadata })
    expect(metaOf(row)).toMatchObject({ kind: 'root', other: 1, metadata })
    expect([...(merged.read(row).trajectories as Trajectory[])][0]?.metadata).toEqual(metadata)
  })

  it('tells calls with usage and cost, failures, the parent and every change of the context', () => {
    const row = firstRow(merged, everything)
    const meta = metaOf(row)
    expect(meta['parent']).toEqual({ call_id: 'c0', relation: 'subagent', link: 'textual', via: 'toolu_9' })
    expect(meta['scope']).toMatchObject({ run_id: '01RUN', task: 'task', agent: { name: 'agent', version: null }, score: 0.5 })
    expect((meta['calls'] as JsonObject[])[0]).toEqual({
      answer_id: 'answer-1',
      call_id: 'c1',
      message: 5,
      turn: 1,
      attempt: 2,
      model: 'model-a-1',
      started_at: 1000.25,
      ended_at: 1002.5,
      stop_reason: 'end_turn',
      usage: {
        input: 100,
        cached_read: 50,
        cached_write_5m: 0,
        cached_write_1h: 0,
        cached_write_other: null,
        output: 10,
        reasoning: null,
      },
      cost_nano_usd: 1234,
      partial: false,
      unresolved_retry: false,
      logged_times: 1,
    })
    expect(meta['failed_calls']).toMatchObject([
      { call_id: 'f1', usage: { input: 3 }, cost_nano_usd: 9 },
      { call_id: 'f2', usage: null },
    ])
    const messages = messagesOf(row)
    for (const { call_id: id, message } of meta['calls'] as Array<{ call_id: string; message: number }>)
      expect(messages[message]).toMatchObject({ role: 'assistant', generation: true, call_id: id })
    expect(
      (meta['boundaries'] as JsonObject[]).map(({ type, message }) => [type, messages[message as number]?.['role']]),
    ).toEqual([
      ['edit', 'tool'],
      ['preamble', 'tool'],
      ['compaction', 'user'],
    ])
    expect((meta['copied'] as number[]).map(index => messages[index]?.['content'])).toEqual(['Summary of it all.'])
  })
})

describe('reading', () => {
  it('gives back what the row holds: ids, calls, links, changes', () => {
    const row = firstRow(merged, everything)
    const { scope, trajectories } = merged.read(row)
    const [read] = [...trajectories]
    expect(scope).toEqual(setOf(everything).scope)
    expect(read).toMatchObject({
      id: 'c1',
      kind: 'root',
      parent: everything.parent,
      protocol: 'anthropic-messages',
      model: 'model-a-1',
      maxTokens: 1000,
      metadata: { user_id: 'u1' },
      system: everything.system,
    })
    const generations = read?.steps.flatMap(({ generation }) => (generation === null ? [] : [generation])) ?? []
    expect(generations.map(({ callId, partial, unresolvedRetry }) => [callId, partial, unresolvedRetry])).toEqual([
      ['c1', false, false],
      ['c2', false, false],
      ['c3', false, true],
      ['c4', true, false],
    ])
    expect(generations[0]).toMatchObject({ costNanoUsd: 1234, startedAt: 1000.25, usage: { input: 100, cachedRead: 50 } })
    expect(read?.boundaries.map(({ type, edits }) => [type, edits.length])).toEqual([
      ['edit', 2],
      ['preamble', 0],
      ['compaction', 0],
    ])
  })

  it('reads rows of mini-vela: calls are named by their place, results keep the name of their tool', () => {
    const row = {
      meta: { max_tokens: 5, session_id: 's', biz_id: '', model: 'm', user_id: 'u' },
      tools: [{ type: 'function', function: { name: 'Read', description: '', parameters: { type: 'object' } } }],
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }] },
        { role: 'user', content: '' },
        {
          role: 'assistant',
          content: '',
          reasoning_content: 'hm',
          generation: true,
          tool_calls: [
            { name: 'Read', arguments: { p: 1 } },
            { name: 'Edit', arguments: {} },
          ],
        },
        {
          role: 'tool',
          tool_name: 'Read',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
        },
        { role: 'assistant', content: 'x', reasoning_content: '', generation: false },
      ],
    }
    expect(merged.listGenerations(row)).toEqual(['message 2'])
    const [again = {}] = [...merged.write(merged.read(row))]
    expect(messagesOf(again)).toEqual([
      row.messages[0],
      row.messages[1],
      { ...row.messages[2], call_id: 'message 2' },
      {
        role: 'tool',
        tool_name: 'Read',
        content: [{ type: 'image', media_type: 'image/png', data: 'aGk=' }],
        is_error: false,
      },
      row.messages[4],
    ])
    expect(metaOf(again)).toMatchObject(row.meta)
    expect([...merged.write(merged.read(again))]).toEqual([again])
  })

  it('says what is wrong where', () => {
    const row = write([step(say('user', text('x')))])
    const broken = { ...row, messages: [{ role: 'user', content: 7 }] }
    expect(() => merged.read(broken)).toThrow(/row of format merged.*messages\[0\]/s)
    expect(() => merged.read({ ...row, meta: { ...metaOf(row), kind: 'tree' } })).toThrow(/meta\.kind/)
  })
})
