import { describe, expect, it } from 'vitest'
import { convertScopes } from '../../convert/convert.ts'
import type { Json, JsonObject, Trial } from '../../core/types.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { makeTrial } from '../rows.ts'
import { assistant, record, type ScriptedCall, text, toolCall, toolResult, usage, user } from './script.ts'
import { withStore } from './temporary-store.ts'

const first = assistant(
  { kind: 'thinking', text: 'They want a list.', signature: 'sig' },
  text('On it.'),
  toolCall('t1', 'ls'),
  toolCall('t2', 'pwd'),
)
const results = [toolResult('t2', '/work'), toolResult('t1', 'x.txt', true)]
const calls: readonly ScriptedCall[] = [
  { id: 'a', at: 1, messages: [user('list')], answer: first, usage: usage(100, 10, 50) },
  { id: 'b', at: 2, messages: [user('list'), first, ...results], answer: assistant(text('Done.')), usage: usage(30, 5) },
  { id: 'f', at: 3, messages: [user('list'), first, ...results, assistant(text('Done.')), user('more')], answer: null },
  {
    id: 'g',
    at: 4,
    messages: [user('list'), first, ...results, assistant(text('Done.')), user('more')],
    answer: assistant(text('Half of i')),
    complete: false,
  },
  {
    id: 's',
    at: 5,
    messages: [user('Give a title')],
    answer: assistant(text('Listing')),
    system: 'Titles only.',
    usage: usage(7, 1),
  },
]

async function convert(store: Store, refs: readonly Ref[], policy?: string) {
  const conversion = convertScopes(store, refs, { format: 'merged', ...(policy === undefined ? {} : { policy }) })
  const rows: JsonObject[] = []
  for await (const line of conversion.rows) {
    expect(line).not.toContain('\n')
    rows.push(JSON.parse(line) as JsonObject)
  }
  return { rows, summary: conversion.summary() }
}

const session: Ref = { kind: 'session', id: 's1', name: 'my session' }

async function recordAll(store: Store, order: readonly ScriptedCall[] = calls): Promise<void> {
  for (const call of order) await record(store, call, { kind: 'session', id: 's1' })
}

describe('convertScopes', () => {
  it('counts both ends: no generation lost, none doubled, no token lost', () =>
    withStore(async store => {
      await recordAll(store)
      const { rows, summary } = await convert(store, [session])
      expect(rows).toHaveLength(2)
      expect(summary).toEqual({
        calls: 5,
        lanes: 2,
        alternatives: 0,
        rows: 2,
        generations_in: 4,
        generations_out: 4,
        partial: 1,
        failed: 1,
        undecodable: 0,
        deselected: 0,
        duplicates: 0,
        dropped: [],
        undecodable_reasons: [],
        tokens_deselected: 0,
        tokens_duplicates: 0,
        scopes: 1,
        scopes_deselected: 0,
        scopes_unknown: 0,
        links: { exact: 3, copied: 0, textual: 0, declared: 0, unlinked: 2 },
        tokens_in: summary.tokens_out,
        tokens_out: summary.tokens_in,
      })
      expect(summary.tokens_in).toBeGreaterThanOrEqual(160 + 35 + 8)
    }))

  it('gives the same bytes whatever the order of recording, and again', () =>
    withStore(store =>
      withStore(async other => {
        await recordAll(store)
        await recordAll(other, [...calls].reverse())
        const rows = JSON.stringify((await convert(store, [session])).rows)
        expect(JSON.stringify((await convert(other, [session])).rows)).toBe(rows)
        expect(JSON.stringify((await convert(store, [session])).rows)).toBe(rows)
      }),
    ))

  it('writes the merged shape field for field, ours beside it', () =>
    withStore(async store => {
      await recordAll(store)
      const { rows } = await convert(store, [session])
      const [main] = rows
      expect(main?.['meta']).toMatchObject({
        max_tokens: 1000,
        session_id: 'my session',
        biz_id: '',
        model: 'model-a-1',
        kind: 'root',
        parent: null,
      })
      expect(main?.['tools']).toEqual([
        {
          type: 'function',
          function: {
            name: 'bash',
            description: 'Runs a command.',
            parameters: { type: 'object', properties: { command: { type: 'string' } } },
          },
        },
      ])
      expect(main?.['messages']).toEqual([
        { role: 'system', content: [{ type: 'text', text: 'You are a test.' }] },
        { role: 'user', content: 'list' },
        {
          role: 'assistant',
          content: 'On it.',
          reasoning_content: 'They want a list.',
          generation: true,
          tool_calls: [
            { name: 'bash', arguments: { command: 'ls' }, id: 't1' },
            { name: 'bash', arguments: { command: 'pwd' }, id: 't2' },
          ],
          call_id: 'a',
        },
        // In the order in which the client sent them.
        { role: 'tool', tool_name: 'bash', content: '/work', tool_call_id: 't2', is_error: false },
        { role: 'tool', tool_name: 'bash', content: 'x.txt', tool_call_id: 't1', is_error: true },
        { role: 'assistant', content: 'Done.', reasoning_content: '', generation: true, call_id: 'b' },
        { role: 'user', content: 'more' },
        { role: 'assistant', content: 'Half of i', reasoning_content: '', generation: true, call_id: 'g', partial: true },
      ])
      const meta = main?.['meta'] as { calls: Json[]; failed_calls: Json[] }
      expect(meta.calls[0]).toMatchObject({ call_id: 'a', usage: { input: 100, cached_read: 50, output: 10 } })
      expect(meta.failed_calls).toEqual([{ call_id: 'f', usage: null }])
    }))

  it('writes a row per call under the calls policy, with the same sums', () =>
    withStore(async store => {
      await recordAll(store)
      const readable = await convert(store, [session])
      const { rows, summary } = await convert(store, [session], 'calls')
      expect(rows).toHaveLength(4)
      expect({ ...summary, rows: 2 }).toEqual(readable.summary)
    }))

  it('takes a run as its trials and no scope twice', () =>
    withStore(async store => {
      const trials = ['t1', 't2'].map(
        (id, index) => makeTrial({ id, name: `task.mini.${index + 1}`, index: index + 1 }) satisfies Trial,
      )
      await store.put('trials', trials)
      for (const trial of trials)
        for (const call of calls.slice(0, 2))
          await record(store, { ...call, id: `${trial.id}${call.id}` }, { kind: 'trial', id: trial.id })
      const run: Ref = { kind: 'run', id: 'r', name: 'r' }
      const { rows, summary } = await convert(store, [run, { kind: 'trial', id: 't1', name: 'task.mini.1' }])
      expect(rows.map(row => (row['meta'] as JsonObject)['session_id'])).toEqual(['task.mini.1', 'task.mini.2'])
      expect(summary).toMatchObject({ calls: 4, generations_in: 4, generations_out: 4 })
    }))

  it('refuses formats and policies it does not have, and lists those it has', () =>
    withStore(async store => {
      expect(() => convertScopes(store, [], { format: 'pdf' })).toThrow(
        expect.objectContaining({ code: 'E_FORMAT_UNKNOWN', hint: expect.stringContaining('merged') }),
      )
      expect(() => convertScopes(store, [], { format: 'merged', policy: 'exakt' })).toThrow(
        expect.objectContaining({ code: 'E_USAGE', hint: expect.stringContaining('readable') }),
      )
    }))
})
