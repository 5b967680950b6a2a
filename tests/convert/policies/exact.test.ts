import { describe, expect, it } from 'vitest'
import type { Message } from '../../../core/types.ts'
import { assistant, text, toolCall, toolResult, user } from '../script.ts'
import { answersOf, convert, linesOf, onBlocks, type PolicyCall, playLinear, reasonsOf, thought } from './rows.ts'

const isAssistant = (message: Message) => message.role === 'assistant'
/** What the client changes in the answers it sends back, and why that cuts the row. */
const rewrites: ReadonlyArray<readonly [what: string, reason: string, (message: Message) => Message]> = [
  ['thinking is dropped', 'thinking-dropped', message => onBlocks(message, block => (block.kind === 'thinking' ? null : block))],
  [
    'the signature of thinking is lost',
    'thinking-dropped',
    message =>
      onBlocks(message, block => {
        if (block.kind !== 'thinking') return block
        const { signature: _, ...rest } = block
        return rest
      }),
  ],
  [
    'a text is trimmed',
    'answer-rewritten',
    message => onBlocks(message, block => (block.kind === 'text' ? { ...block, text: block.text.trimEnd() } : block)),
  ],
  [
    'default arguments are added',
    'answer-rewritten',
    message =>
      onBlocks(message, block => {
        if (block.kind !== 'tool-call') return block
        const input = { command: 'ls', replace_all: false }
        return { ...block, input, inputText: JSON.stringify(input) }
      }),
  ],
  [
    'thinking is added that nobody generated',
    'answer-rewritten',
    message => (isAssistant(message) ? { ...message, blocks: [{ kind: 'thinking', text: 'hm' }, ...message.blocks] } : message),
  ],
]

describe('exact', () => {
  it('is one row where every request is the one before, its answer and something new', () => {
    const rows = convert(playLinear(), 'exact')
    expect(answersOf(rows)).toEqual([['a', 'b', 'c']])
    expect(rows[0]).toMatchObject({ kind: 'root', breakReason: null, approximate: false, boundaries: [] })
    expect(linesOf(rows[0])).toEqual([
      'user: look around',
      'assistant<a>: (first) | On it.\n | t1={"command":"ls"}',
      'user: t1:out 1',
      'assistant<b>: (second) | More. | t2={"command":"pwd"}',
      'user: t2:out 2',
      'assistant<c>: Done.',
    ])
  })

  it.each<[string, (message: Message) => Message]>([
    ['cache marks move', message => onBlocks(message, block => ({ ...block, extra: { cache_control: { type: 'ephemeral' } } }))],
    [
      'arguments are spaced otherwise',
      message =>
        onBlocks(message, block =>
          block.kind === 'tool-call' ? { ...block, inputText: JSON.stringify(block.input, null, 1) } : block,
        ),
    ],
    ['empty texts are added', message => ({ ...message, blocks: [...message.blocks, text('')] })],
  ])('is not cut when %s', (_, rewrite) => {
    expect(answersOf(convert(playLinear(rewrite), 'exact'))).toEqual([['a', 'b', 'c']])
  })

  it.each(rewrites)('is cut when %s', (_, reason, rewrite) => {
    const calls = playLinear((message, at) => (at === 1 ? rewrite(message) : message))
    const rows = convert(calls, 'exact')
    expect(answersOf(rows)).toEqual([['a'], ['b', 'c']])
    expect(reasonsOf(rows)).toEqual([null, reason])
    expect(rows[1]).toMatchObject({ kind: 'segment', lane: 'a', id: 'b', approximate: false, parent: { callId: 'a' } })
    // The row is what the model saw: the answer as the client sent it back, as context.
    const seen = calls[1]?.messages[1]
    expect(rows[1]?.steps[1]).toMatchObject({
      generation: null,
      copied: true,
      message: { role: 'assistant', blocks: seen?.blocks },
    })
    expect(rows[1]?.steps.map(step => step.copied)).toEqual([true, true, false, false, false, false])
  })

  it('is a row per call for a client that always rewrites, each as it was seen', () => {
    const [, , drop] = rewrites[0] ?? []
    const calls = playLinear(drop)
    const rows = convert(calls, 'exact')
    expect(answersOf(rows)).toEqual([['a'], ['b'], ['c']])
    expect(reasonsOf(rows)).toEqual([null, 'thinking-dropped', 'thinking-dropped'])
    for (const [index, row] of rows.entries())
      expect(row.steps.slice(0, -1).map(step => step.message.blocks)).toEqual(
        calls[index]?.messages.map(message => message.blocks),
      )
  })

  it('is cut when thinking of an earlier answer disappears later', () => {
    const calls = playLinear()
    const [last] = calls.slice(2)
    const messages = (last?.messages ?? []).map((message, at) =>
      at === 1 ? onBlocks(message, block => (block.kind === 'thinking' ? null : block)) : message,
    )
    const rows = convert([...calls.slice(0, 2), { id: 'c', at: 3, messages, answer: assistant(text('Done.')) }], 'exact')
    expect(answersOf(rows)).toEqual([['a', 'b'], ['c']])
    expect(reasonsOf(rows)).toEqual([null, 'thinking-dropped'])
  })

  it('is not cut when the client joins the texts of an answer', () => {
    const split = assistant(text('One. '), text('Two.'))
    const calls: PolicyCall[] = [
      { id: 'a', at: 1, messages: [user('go')], answer: split },
      { id: 'b', at: 2, messages: [user('go'), assistant(text('One. Two.')), user('on')], answer: assistant(text('Three.')) },
    ]
    expect(answersOf(convert(calls, 'exact'))).toEqual([['a', 'b']])
  })

  it('is cut by an edit, a compaction and a changed preamble', () => {
    const calls = playLinear()
    const edited = (calls[2]?.messages ?? []).map((message, at) => (at === 0 ? user('look elsewhere') : message))
    const rows = convert([...calls.slice(0, 2), { id: 'c', at: 3, messages: edited, answer: assistant(text('Done.')) }], 'exact')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a', 'b'], ['c']],
      [null, 'edit'],
    ])
    expect(linesOf(rows[1]).slice(0, 2)).toEqual(['user: look elsewhere', '*assistant: (first) | On it.\n | t1={"command":"ls"}'])

    const changed = convert(
      calls.map((call, index) => ({ ...call, system: index === 2 ? 'New.' : 'Old.' })),
      'exact',
    )
    expect([answersOf(changed), reasonsOf(changed)]).toEqual([
      [['a', 'b'], ['c']],
      [null, 'preamble-changed'],
    ])
    expect(changed.map(row => row.system)).toEqual([[text('Old.')], [text('New.')]])
    expect(changed[1]?.steps).toHaveLength(6)

    const summary = 'The user asked me to look around and I found nothing.'
    const compacted = convert(
      [
        ...calls,
        {
          id: 'n',
          at: 4,
          messages: [user(`We go on from here:\n${summary}\nDone so far.`)],
          answer: assistant(text('Hello again.')),
        },
      ].map(call => (call.id === 'c' ? { ...call, answer: assistant(text(summary)) } : call)),
      'exact',
    )
    expect([answersOf(compacted), reasonsOf(compacted)]).toEqual([
      [['a', 'b', 'c'], ['n']],
      [null, 'compaction'],
    ])
  })

  it('is cut where the order of parallel results changes', () => {
    const both = assistant(toolCall('t1', 'a'), toolCall('t2', 'b'))
    const [one, two] = [toolResult('t1', 'A'), toolResult('t2', 'B')]
    const done = assistant(text('Both.'))
    const calls = (swapped: boolean): PolicyCall[] => [
      { id: 'a', at: 1, messages: [user('go')], answer: both },
      { id: 'b', at: 2, messages: [user('go'), both, two, one], answer: done },
      { id: 'c', at: 3, messages: [user('go'), both, ...(swapped ? [one, two] : [two, one]), done, user('on')], answer: done },
    ]
    expect(answersOf(convert(calls(false), 'exact'))).toEqual([['a', 'b', 'c']])
    expect(linesOf(convert(calls(false), 'exact')[0]).slice(2, 4)).toEqual(['user: t2:B', 'user: t1:A'])
    expect(reasonsOf(convert(calls(true), 'exact'))).toEqual([null, 'edit'])
  })

  it('shows alternatives with their whole context, copied', () => {
    const calls = playLinear()
    const rows = convert(
      [...calls, { ...calls[1], id: 'z', at: 2.5, messages: calls[1]?.messages ?? [], answer: assistant(text('No.')) }],
      'exact',
    )
    expect(rows.map(row => [row.id, row.kind, row.lane])).toEqual([
      ['a', 'root', 'a'],
      ['z', 'alternative', 'a'],
    ])
    expect(rows[1]?.steps.map(step => step.copied)).toEqual([true, true, true, false])
  })

  it('keeps failed calls with the first part of their lane', () => {
    const [, , drop] = rewrites[0] ?? []
    const rows = convert([...playLinear(drop), { id: 'f', at: 0, messages: [user('look around')], answer: null }], 'exact')
    expect(rows.map(row => row.failed.map(call => call.callId))).toEqual([['f'], [], []])
  })
})

describe('history that the request does not show', () => {
  const answers = ['One.', 'Two.', 'Three.'].map(value => assistant(text(value)))
  const chat = (change: (index: number) => Partial<PolicyCall>): PolicyCall[] => {
    const messages: Message[] = [user('go')]
    return answers.map((answer, index) => {
      const call = { id: 'abc'[index] ?? '', at: index + 1, messages: [...messages], answer, ...change(index) }
      messages.push(answer, user(`on ${index}`))
      return call
    })
  }
  const applied = { context_management: { applied_edits: [{ type: 'clear_tool_uses_20250919' }] } }

  it('cuts before and behind a call whose context the provider edited', () => {
    const rows = convert(
      chat(index => (index === 1 ? { said: applied } : {})),
      'exact',
    )
    expect(answersOf(rows)).toEqual([['a'], ['b'], ['c']])
    expect(reasonsOf(rows)).toEqual([null, 'history-not-visible', 'history-not-visible'])
  })

  it('marks a lane that begins with it', () => {
    const rows = convert(
      chat(index => (index === 0 ? { extra: { previous_response_id: 'resp_unknown' } } : {})),
      'exact',
    )
    expect(reasonsOf(rows)[0]).toBe('history-not-visible')
    expect(rows[0]?.kind).toBe('root')
    expect(
      reasonsOf(
        convert(
          chat(() => ({ extra: { prompt: { id: 'pmpt_1' } } })),
          'exact',
        ),
      ),
    ).toEqual(['history-not-visible'])
  })

  it('goes on in one row where every call points at the same thing, and is cut where that changes', () => {
    const rows = convert(
      chat(index => ({ extra: { cachedContent: index === 2 ? 'cachedContents/2' : 'cachedContents/1' } })),
      'exact',
    )
    expect(answersOf(rows)).toEqual([['a', 'b'], ['c']])
    expect(reasonsOf(rows)).toEqual(['history-not-visible', 'history-not-visible'])
  })

  it('says so of every row whose context it concerns, whatever else broke the row', () => {
    const rows = convert(
      chat(index => ({ extra: { prompt: { id: 'pmpt_1' } }, system: index === 2 ? 'New.' : 'Old.' })),
      'exact',
    )
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a', 'b'], ['c']],
      ['history-not-visible', 'history-not-visible'],
    ])
  })

  it('is followed through declared parents, which is no break', () => {
    const calls: PolicyCall[] = [
      { id: 'a', at: 1, messages: [user('go')], answer: assistant(text('One.')), answerId: 'resp_1' },
      {
        id: 'b',
        at: 2,
        messages: [user('on')],
        answer: assistant(text('Two.')),
        answerId: 'resp_2',
        extra: { previous_response_id: 'resp_1' },
      },
      { id: 'c', at: 1.5, messages: [user('off')], answer: assistant(text('Three.')), extra: { previous_response_id: 'resp_1' } },
    ].map(call => ({ ...call, protocol: 'openai-responses' }))
    const rows = convert(calls, 'exact')
    expect(reasonsOf(rows)).toEqual([null, null])
    expect(rows.map(linesOf)).toEqual([
      ['user: go', 'assistant<a>: One.', 'user: on', 'assistant<b>: Two.'],
      ['*user: go', '*assistant: One.', 'user: off', 'assistant<c>: Three.'],
    ])
    const lost = convert(calls.slice(1), 'exact')
    expect(lost).toHaveLength(2)
    expect(reasonsOf(lost).every(reason => reason === 'history-not-visible')).toBe(true)
  })

  it('marks answers that the client only points at', () => {
    const reference = { kind: 'opaque', type: 'item_reference', raw: { type: 'item_reference', id: 'rs_1' } } as const
    const first = assistant(thought('secret'), text('One.'))
    const calls: PolicyCall[] = [
      { id: 'a', at: 1, messages: [user('go')], answer: first },
      { id: 'b', at: 2, messages: [user('go'), assistant(reference, text('One.')), user('on')], answer: assistant(text('Two.')) },
    ]
    const rows = convert(calls, 'exact')
    expect(answersOf(rows)).toEqual([['a'], ['b']])
    expect(reasonsOf(rows)).toEqual([null, 'history-not-visible'])
  })

  it('begins with the last summary that Anthropic wrote itself', () => {
    const summary = { kind: 'opaque', type: 'compaction', raw: { type: 'compaction', content: 'So far: one.' } } as const
    const first = assistant(summary, text('One.'))
    const calls: PolicyCall[] = [
      { id: 'a', at: 1, messages: [user('a long story')], answer: first },
      { id: 'b', at: 2, messages: [user('a long story'), first, user('on')], answer: assistant(text('Two.')) },
      {
        id: 'c',
        at: 3,
        messages: [user('a long story'), first, user('on'), assistant(text('Two.')), user('x')],
        answer: assistant(text('3.')),
      },
    ]
    const rows = convert(calls, 'exact')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a'], ['b', 'c']],
      [null, 'compaction'],
    ])
    expect(linesOf(rows[1])[0]).toBe('*assistant: [opaque] | One.')
    expect(convert(calls, 'readable')[0]?.boundaries).toMatchObject([{ callId: 'b', type: 'compaction', boundary: 'replace' }])
  })
})
