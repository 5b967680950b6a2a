import { describe, expect, it } from 'vitest'
import { assistant, text, toolCall, toolResult, user } from '../script.ts'
import { answersOf, convert, linesOf, type PolicyCall, playLinear } from './rows.ts'

const open = [user('please list all of the files here')]
const first = assistant(text('On it.'), toolCall('t1', 'ls'))
const second = assistant(text('Done with listing the files.'))
const linear: readonly PolicyCall[] = [
  { id: 'a', at: 1, messages: open, answer: first },
  { id: 'b', at: 2, messages: [...open, first, toolResult('t1', 'x.txt')], answer: second },
  {
    id: 'c',
    at: 3,
    messages: [...open, first, toolResult('t1', 'x.txt'), second, user('thanks')],
    answer: assistant(text('Bye.')),
  },
]
const findRow = (rows: ReturnType<typeof convert>, id: string) => rows.find(row => row.id === id)

describe('readable', () => {
  it('is a row per lane, each message once, nothing copied in the first', () => {
    const rows = convert(linear, 'readable')
    expect(rows.map(linesOf)).toEqual([
      [
        'user: please list all of the files here',
        'assistant<a>: On it. | t1={"command":"ls"}',
        'user: t1:x.txt',
        'assistant<b>: Done with listing the files.',
        'user: thanks',
        'assistant<c>: Bye.',
      ],
    ])
    expect(rows[0]).toMatchObject({ kind: 'root', boundaries: [], breakReason: null, approximate: false, parent: null })
  })

  it('flags the whole request of an alternative as copied, and names the call it stands beside', () => {
    const rows = convert(
      [...linear, { id: 'b2', at: 2.5, messages: linear[1]?.messages ?? [], answer: assistant(text('Hm.')) }],
      'readable',
    )
    expect(findRow(rows, 'b2')).toMatchObject({
      kind: 'alternative',
      lane: 'a',
      parent: { callId: 'b', relation: 'alternative', link: 'exact' },
    })
    expect(linesOf(findRow(rows, 'b2'))).toEqual([
      '*user: please list all of the files here',
      '*assistant: On it. | t1={"command":"ls"}',
      '*user: t1:x.txt',
      'assistant<b2>: Hm.',
    ])
  })

  it('flags what a fork shares as copied, and only that', () => {
    const messages = [...open, first, toolResult('t1', 'denied', true)]
    const rows = convert([...linear, { id: 'd', at: 4, messages, answer: assistant(text('Oh.')) }], 'readable')
    expect(findRow(rows, 'd')).toMatchObject({ kind: 'fork', parent: { callId: 'a' } })
    expect(linesOf(findRow(rows, 'd'))).toEqual([
      '*user: please list all of the files here',
      '*assistant: On it. | t1={"command":"ls"}',
      'user: t1:denied',
      'assistant<d>: Oh.',
    ])
  })

  it('marks the last of several answers none of which was continued as unresolved, and no other', () => {
    const retried = ['x', 'y'].map(
      (id, at): PolicyCall => ({ id, at: at + 1, messages: open, answer: assistant(text(`try ${id}`)) }),
    )
    const flags = (calls: readonly PolicyCall[]) =>
      convert(calls, 'readable').flatMap(row =>
        row.steps.flatMap(({ generation }) => (generation === null ? [] : [[generation.callId, generation.unresolvedRetry]])),
      )
    expect(flags(retried).sort()).toEqual([
      ['x', false],
      ['y', true],
    ])
    const next: PolicyCall = { id: 'z', at: 3, messages: [...open, assistant(text('try x')), user('go on')], answer: second }
    expect(flags([...retried, next]).sort()).toEqual([
      ['x', false],
      ['y', false],
      ['z', false],
    ])
  })

  it('shows a changed text once, as context, where it took effect', () => {
    const edited = [user('please list NONE of the files here'), first, toolResult('t1', 'x.txt'), second, user('thanks')]
    const rows = convert(
      [...linear.slice(0, 2), { id: 'c', at: 3, messages: edited, answer: assistant(text('Bye.')) }],
      'readable',
    )
    expect(answersOf(rows)).toEqual([['a', 'b', 'c']])
    expect(rows[0]?.boundaries).toEqual([
      {
        callId: 'c',
        step: 4,
        type: 'edit',
        boundary: 'append',
        edits: [{ kind: 'text-changed', block: text('please list NONE of the files here') }],
        preamble: null,
        shows: 1,
      },
    ])
    expect(linesOf(rows[0]).slice(4)).toEqual(['user: please list NONE of the files here', 'user: thanks', 'assistant<c>: Bye.'])
  })

  it('says that the context was truncated where an edit only took something away', () => {
    const reminded = { role: 'user' as const, blocks: [...(open[0]?.blocks ?? []), text('<reminder>')] }
    const rows = convert([{ id: 'a', at: 1, messages: [reminded], answer: first }, ...linear.slice(1)], 'readable')
    expect(answersOf(rows)).toEqual([['a', 'b', 'c']])
    expect(rows[0]?.boundaries).toEqual([
      {
        callId: 'b',
        step: 2,
        type: 'edit',
        boundary: 'truncate',
        edits: [{ kind: 'text-dropped', block: null }],
        preamble: null,
        shows: 0,
      },
    ])
    expect(rows[0]?.steps).toHaveLength(6)
  })

  it('shows what a compaction left of the context, what is repeated of it as copied', () => {
    const summary = assistant(text('The user wanted a list of files.\nThere is exactly one, called x.txt.'))
    const asked = [...(linear[1]?.messages ?? []), second, user('Summarise our conversation so far in full.')]
    const after = [
      user('This session continues an earlier one:\nThe user wanted a list of files.\nThere is exactly one, called x.txt.'),
      ...open,
    ]
    const rows = convert(
      [
        ...linear.slice(0, 2),
        { id: 's', at: 3, messages: asked, answer: summary },
        { id: 'n', at: 4, messages: after, answer: assistant(text('Welcome back.')) },
      ],
      'readable',
    )
    expect(answersOf(rows)).toEqual([['a', 'b', 's', 'n']])
    expect(rows[0]?.boundaries).toMatchObject([{ callId: 'n', step: 6, type: 'compaction', boundary: 'replace', shows: 2 }])
    expect(linesOf(rows[0]).slice(6)).toEqual([
      `user: ${after[0]?.blocks[0]?.kind === 'text' ? after[0].blocks[0].text : ''}`,
      '*user: please list all of the files here',
      'assistant<n>: Welcome back.',
    ])
  })

  it('marks a changed preamble with what it became', () => {
    const rows = convert(
      linear.map((call, index) => (index < 2 ? call : { ...call, system: 'Be brief.' })),
      'readable',
    )
    expect(rows[0]?.boundaries).toMatchObject([
      { callId: 'c', step: 4, type: 'preamble', boundary: 'append', preamble: { system: [text('Be brief.')] } },
    ])
    expect(rows[0]?.system).toEqual([text('Be brief.')])
  })

  it('embeds a sub-agent by the tool call it works for, with what the two share as copied', () => {
    const prompt = 'Count every file in the folder and report the number.'
    const spawn = assistant(toolCall('t7', prompt))
    const rows = convert(
      [
        { id: 'a', at: 1, messages: open, answer: spawn },
        { id: 'k', at: 2, messages: [user(prompt)], system: 'You count.', answer: assistant(text('There are 3 files in it.')) },
        { id: 'b', at: 3, messages: [...open, spawn, toolResult('t7', 'There are 3 files in it.')], answer: second },
      ],
      'readable',
    )
    expect(answersOf(rows)).toEqual([['a', 'b'], ['k']])
    expect(findRow(rows, 'k')).toMatchObject({ kind: 'subagent', parent: { callId: 'a', relation: 'subagent', via: 't7' } })
    expect(linesOf(findRow(rows, 'k'))[0]).toBe(`user: ${prompt}`)
  })

  it('is in the order of first calls and linear in what is new', () => {
    const calls = playLinear()
    const side: PolicyCall = { id: 's', at: 1.5, messages: [user('hi')], system: 'Titles.', answer: assistant(text('Title')) }
    const rows = convert([...calls, side, { ...side, id: 'q', at: 9, messages: [user('bye')] }], 'readable')
    expect(rows.map(row => row.id)).toEqual(['a', 's', 'q'])
    expect(rows[0]?.steps).toHaveLength(6)
  })
})
