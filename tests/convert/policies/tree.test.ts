import { describe, expect, it } from 'vitest'
import { assistant, text, toolCall, toolResult, user } from '../script.ts'
import { listPaths, listRows } from './paths.ts'
import { answersOf, convert, linesOf, onBlocks, type PolicyCall, playLinear } from './rows.ts'

const fork: PolicyCall = {
  id: 'd',
  at: 4,
  messages: [...(playLinear()[1]?.messages.slice(0, 2) ?? []), toolResult('t1', 'denied', true)],
  answer: assistant(text('Oh.')),
}
const paths = (calls: readonly PolicyCall[]) => {
  expect(listPaths(convert(calls, 'tree'))).toEqual(listRows(convert(calls, 'calls')))
}

describe('tree', () => {
  it('is one part where nothing branches off', () => {
    const parts = convert(playLinear(), 'tree')
    expect(answersOf(parts)).toEqual([['a', 'b', 'c']])
    expect(parts[0]).toMatchObject({ id: 'a', kind: 'node', parent: null, lane: 'a' })
    expect(parts[0]?.steps.some(step => step.copied)).toBe(false)
    paths(playLinear())
  })

  it('ends a part where calls branch off, which say behind how many steps they join', () => {
    const parts = convert([...playLinear(), fork], 'tree')
    expect(parts.map(linesOf)).toEqual([
      ['user: look around', 'assistant<a>: (first) | On it.\n | t1={"command":"ls"}'],
      ['user: t1:out 1', 'assistant<b>: (second) | More. | t2={"command":"pwd"}', 'user: t2:out 2', 'assistant<c>: Done.'],
      ['user: t1:denied', 'assistant<d>: Oh.'],
    ])
    expect(parts.map(part => part.parent)).toMatchObject([
      null,
      { callId: 'a', continuesAt: { trajectoryId: 'a', steps: 2 } },
      { callId: 'a', relation: 'fork', continuesAt: { trajectoryId: 'a', steps: 2 } },
    ])
    paths([...playLinear(), fork])
  })

  it('ends a part behind what several answers share', () => {
    const calls = [
      ...playLinear(),
      { id: 'z', at: 2.5, messages: playLinear()[1]?.messages ?? [], answer: assistant(text('No.')) },
    ]
    const parts = convert(calls, 'tree')
    expect(parts.map(part => [part.id, part.parent?.continuesAt])).toEqual([
      ['a', undefined],
      ['b', { trajectoryId: 'a', steps: 3 }],
      ['z', { trajectoryId: 'a', steps: 3 }],
    ])
    expect(parts.slice(1).map(part => part.parent?.callId)).toEqual(['a', 'a'])
    paths(calls)
  })

  it('gives context that only answers follow a part of its own', () => {
    const z = { id: 'z', at: 2.5, messages: playLinear()[1]?.messages ?? [], answer: assistant(text('No.')) }
    const calls = [...playLinear(), z, fork]
    const parts = convert(calls, 'tree')
    expect(parts.map(part => [part.id, part.parent?.continuesAt?.trajectoryId, part.steps.length])).toEqual([
      ['a', undefined, 2],
      ['b@2', 'a', 1],
      ['b', 'b@2', 3],
      ['z', 'b@2', 1],
      ['d', 'a', 2],
    ])
    paths(calls)
  })

  it('joins retries of a first request behind it, and two answers alike are two parts', () => {
    const calls = ['x', 'y'].map(
      (id, at): PolicyCall => ({ id, at: at + 1, messages: [user('go')], answer: assistant(text('Same.')) }),
    )
    const parts = convert(calls, 'tree')
    expect(parts.map(part => [part.id, linesOf(part)])).toEqual([
      ['x@0', ['user: go']],
      ['x', ['assistant<x>: Same.']],
      ['y', ['assistant<y>: Same.']],
    ])
    expect(parts.slice(1).map(part => part.parent)).toMatchObject([
      { relation: 'alternative', continuesAt: { trajectoryId: 'x@0', steps: 1 } },
      { relation: 'alternative', continuesAt: { trajectoryId: 'x@0', steps: 1 } },
    ])
    paths(calls)
  })

  it('branches off before an answer that came back rewritten', () => {
    const calls = playLinear((message, at) =>
      at === 1 ? onBlocks(message, block => (block.kind === 'thinking' ? null : block)) : message,
    )
    const parts = convert(calls, 'tree')
    expect(parts.map(part => [part.id, part.parent?.continuesAt])).toEqual([
      ['a@0', undefined],
      ['a', { trajectoryId: 'a@0', steps: 1 }],
      ['b', { trajectoryId: 'a@0', steps: 1 }],
    ])
    expect(linesOf(parts[2])).toEqual([
      '*assistant: On it.\n | t1={"command":"ls"}',
      'user: t1:out 1',
      'assistant<b>: (second) | More. | t2={"command":"pwd"}',
      'user: t2:out 2',
      'assistant<c>: Done.',
    ])
    paths(calls)
  })

  it('begins anew under another preamble, and keeps the link', () => {
    const calls = playLinear().map((call, index) => ({ ...call, system: index === 2 ? 'New.' : 'Old.' }))
    const parts = convert(calls, 'tree')
    expect(answersOf(parts)).toEqual([['a', 'b'], ['c']])
    expect(parts[1]?.parent).toMatchObject({ callId: 'b' })
    expect(parts[1]?.parent?.continuesAt).toBeUndefined()
    paths(calls)
  })

  it('expands requests that only name the answer they continue', () => {
    const calls: PolicyCall[] = [
      { id: 'a', at: 1, messages: [user('go')], answer: assistant(toolCall('t1', 'ls')), answerId: 'resp_1' },
      {
        id: 'b',
        at: 2,
        messages: [toolResult('t1', 'x')],
        answer: assistant(text('2')),
        extra: { previous_response_id: 'resp_1' },
      },
      {
        id: 'c',
        at: 3,
        messages: [toolResult('t1', 'y')],
        answer: assistant(text('3')),
        extra: { previous_response_id: 'resp_1' },
      },
    ]
    expect(convert(calls, 'tree').map(linesOf)).toEqual([
      ['user: go', 'assistant<a>: t1={"command":"ls"}'],
      ['user: t1:x', 'assistant<b>: 2'],
      ['user: t1:y', 'assistant<c>: 3'],
    ])
    paths(calls)
  })

  it('holds failed calls once, with the part their lane begins in', () => {
    const failed: PolicyCall = { id: 'f', at: 0, messages: [user('look around')], answer: null }
    const parts = convert([...playLinear(), fork, failed], 'tree')
    expect(parts.map(part => part.failed.map(call => call.callId))).toEqual([['f'], [], []])
  })
})
