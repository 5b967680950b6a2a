// Cases that random sessions found, or that the specification names, as plain sessions of a few calls: one rule of linking each.

import { describe, expect, it } from 'vitest'
import type { Message, ToolDefinition } from '../../core/types.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, user } from './script.ts'
import { build } from './sessions/check.ts'

interface Case extends ScriptedCall {
  readonly tools?: readonly ToolDefinition[]
  readonly maxTokens?: number
}

function place(calls: readonly Case[]) {
  const decoded = calls.map(call => {
    const made = decode(call)
    const { tools = made.conversation.tools, maxTokens = made.conversation.maxTokens } = call
    return { ...made, conversation: { ...made.conversation, tools, maxTokens } }
  })
  const { tree, lanes } = build(decoded)
  const name = (index: number | null) => (index === null ? null : (tree.calls[index]?.call.id ?? '?'))
  return {
    links: Object.fromEntries(tree.calls.map(({ call, link }) => [call.id, [link.relation, name(link.parent)]])),
    calls: Object.fromEntries(tree.calls.map(call => [call.call.id, { ...call, retryOf: name(call.retryOf) }])),
    lanes: lanes.lanes.map(lane => lane.steps.map(step => step.call.call.id)).sort(),
    alternatives: lanes.lanes.flatMap(lane => lane.steps.flatMap(step => step.alternatives.map(one => one.call.id))).sort(),
  }
}

const opening = [user('list the files please, and say what is in them')]
const ask = (...more: readonly Message[]): Message[] => [...opening, ...more]
const said = assistant(text('There are three files in this folder.'))
const called = assistant(text('I shall look into it.\n'), toolCall('t1', 'ls'))
const result = toolResult('t1', 'a.txt')

describe('a tool call is known by its id', () => {
  it('also where the client adds default arguments to its input', () => {
    const sentBack = assistant(text('I shall look into it.'), {
      kind: 'tool-call',
      id: 't1',
      name: 'bash',
      input: { command: 'ls', replace_all: false },
      inputText: '{"command":"ls","replace_all":false}',
    })
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      { id: 'b', at: 2, messages: ask(sentBack, result), answer: said },
    ])
    expect(links['b']).toEqual(['extend', 'a'])
  })

  it('but not where a server counts from 0 in every answer', () => {
    const look = (what: string) => assistant(toolCall('call_0', what))
    const { links, lanes } = place([
      { id: 'a', at: 1, messages: ask(), answer: look('ls') },
      { id: 'b', at: 2, messages: ask(look('ls'), toolResult('call_0', 'a.txt')), answer: look('cat a.txt') },
      {
        id: 'c',
        at: 3,
        messages: ask(look('ls'), toolResult('call_0', 'a.txt'), look('cat a.txt'), toolResult('call_0', 'hello')),
        answer: said,
      },
    ])
    expect([links['b'], links['c']]).toEqual([
      ['extend', 'a'],
      ['extend', 'b'],
    ])
    expect(lanes).toEqual([['a', 'b', 'c']])
  })

  it('and by its place where a gateway gives it another name, whatever the names sort like', () => {
    const two = assistant(toolCall('x1', 'ls'), toolCall('x2', 'pwd'))
    const renamed = assistant(toolCall('z9', 'ls'), toolCall('a9', 'pwd'))
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: two },
      { id: 'b', at: 2, messages: ask(renamed, toolResult('z9', 'a.txt'), toolResult('a9', '/home')), answer: said },
    ])
    expect(links['b']).toEqual(['extend', 'a'])
  })

  it('not by its place where the history was never recorded', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: assistant(toolCall('t1', 'ls')) },
      {
        id: 'b',
        at: 2,
        messages: [
          user('another day, another wish of somebody'),
          assistant(toolCall('old', 'ls')),
          toolResult('old', 'x'),
          user('and now'),
        ],
        answer: said,
      },
    ])
    expect(links['b']).toEqual(['root', null])
  })
})

describe('results of parallel tool calls', () => {
  const two = assistant(toolCall('t1', 'ls'), toolCall('t2', 'pwd'))
  it('are the same in any order, in one message or in several, before words or behind them', () => {
    const { calls } = place([
      { id: 'a', at: 1, messages: ask(), answer: two },
      { id: 'b', at: 2, messages: ask(two, toolResult('t1', 'x'), toolResult('t2', 'y'), user('go on')), answer: null },
      { id: 'c', at: 3, messages: ask(two, toolResult('t2', 'y'), toolResult('t1', 'x'), user('go on')), answer: null },
      {
        id: 'd',
        at: 4,
        messages: ask(two, {
          role: 'user',
          blocks: [text('go on'), ...toolResult('t2', 'y').blocks, ...toolResult('t1', 'x').blocks],
        }),
        answer: said,
      },
    ])
    expect([calls['b']?.retryOf, calls['c']?.retryOf, calls['d']?.retryOf]).toEqual([null, 'b', 'b'])
  })
})

describe('a request asked again', () => {
  it('is a retry also where the first answer was only the beginning of a thought', () => {
    const { links, calls, lanes, alternatives } = place([
      { id: 'a', at: 1, messages: ask(), answer: assistant({ kind: 'thinking', text: 'hm' }), complete: false },
      { id: 'b', at: 2, messages: ask(), answer: said },
      { id: 'c', at: 3, messages: ask(said, user('thanks')), answer: assistant(text('Gladly.')) },
    ])
    expect(links['b']).toEqual(['root', null])
    expect(links['c']).toEqual(['extend', 'b'])
    expect(calls['b']?.retryOf).toBe('a')
    expect([lanes, alternatives]).toEqual([[['b', 'c']], ['a']])
  })

  it('after an edit is the same edit again', () => {
    const history = [called, result, said, user('more')]
    const cleared = [called, toolResult('t1', '[cleared]'), said, user('more')]
    const { links, calls } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      { id: 'b', at: 2, messages: ask(called, result), answer: said },
      { id: 'c', at: 3, messages: ask(...cleared), answer: assistant(text('thrown away')) },
      { id: 'd', at: 4, messages: ask(...cleared), answer: assistant(text('kept')) },
      { id: 'e', at: 5, messages: ask(...cleared, user('quick')), answer: assistant(text('hurried')) },
      { id: 'f', at: 6, messages: ask(...history), answer: assistant(text('as it was')) },
    ])
    expect([links['c'], links['d'], links['e']]).toEqual([
      ['edit', 'b'],
      ['edit', 'b'],
      ['edit', 'b'],
    ])
    expect(calls['d']?.retryOf).toBe('c')
    expect(links['f']?.[1]).toBe('b')
  })

  it('is the same request when the tools stand in another order', () => {
    const tools = ['bash', 'edit'].map(name => ({ name, description: name, schema: {}, raw: null }))
    const { calls } = place([
      { id: 'a', at: 1, messages: ask(), answer: null, tools },
      { id: 'b', at: 2, messages: ask(), answer: said, tools: [...tools].reverse() },
    ])
    expect(calls['b']?.retryOf).toBe('a')
  })
})

describe('of several calls that gave the same answer', () => {
  const thought = (signature: string) => assistant({ kind: 'thinking', text: 'hm', signature }, text('Done.'))
  it('the one whose thinking comes back is the parent', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: thought('s1') },
      { id: 'b', at: 5, messages: ask(), answer: thought('s2') },
      { id: 'c', at: 9, messages: ask(thought('s1'), user('go on')), answer: said },
    ])
    expect(links['c']).toEqual(['extend', 'a'])
  })

  it('else the last that had answered by then', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: assistant(text('Done.')) },
      { id: 'b', at: 5, messages: ask(), answer: assistant(text('Done.')) },
      { id: 'c', at: 9, messages: ask(assistant(text('Done.')), user('go on')), answer: said },
      { id: 'd', at: 12, messages: ask(), answer: assistant(text('Done.')) },
    ])
    expect(links['c']).toEqual(['extend', 'b'])
  })
})

describe('a second continuation of one answer', () => {
  it('is a fork where its words are others', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: said },
      { id: 'b', at: 2, messages: ask(said, user('one')), answer: called },
      { id: 'c', at: 3, messages: ask(said, user('two')), answer: called },
    ])
    expect([links['b'], links['c']]).toEqual([
      ['extend', 'a'],
      ['fork', 'a'],
    ])
  })

  it('is none where the first one failed: what generated nothing is not in the tree', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: said },
      { id: 'b', at: 2, messages: ask(said, user('one')), answer: null },
      { id: 'c', at: 3, messages: ask(said, user('one'), user('two')), answer: called },
    ])
    expect(links['c']).toEqual(['extend', 'a'])
  })
})

describe('times of an imported log', () => {
  const linear = (times: readonly [number, number, number]) =>
    place([
      { id: 'z', at: times[0], messages: ask(), answer: called },
      { id: 'm', at: times[1], messages: ask(called, result), answer: said },
      { id: 'a', at: times[2], messages: ask(called, result, said, user('thanks')), answer: assistant(text('Bye.')) },
    ])
  it.each([
    ['all equal', [5, 5, 5]],
    ['two swapped', [5, 9, 8]],
    ['all backwards', [9, 7, 5]],
  ] as const)('do not part what the words join: %s', (_name, times) => {
    const { links, lanes } = linear(times)
    expect(links).toEqual({ z: ['root', null], m: ['extend', 'z'], a: ['extend', 'm'] })
    expect(lanes).toEqual([['z', 'm', 'a']])
  })
})

describe('an answer that was logged twice', () => {
  const twice = (first: string, second: string): Case[] => [
    { id: first, at: 1, messages: ask(), answer: said, answerId: 'msg_1' },
    { id: second, at: 1, messages: ask(), answer: said, answerId: 'msg_1' },
    { id: 'n', at: 4, messages: ask(said, user('go on')), answer: called },
  ]
  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('is one call (%s, %s)', (first, second) => {
    const { calls, lanes } = place(twice(first, second))
    expect(Object.keys(calls)).toHaveLength(2)
    expect(Object.values(calls).map(call => call.loggedTimes)).toEqual([2, 1])
    expect(lanes).toHaveLength(1)
  })
})

describe('a reminder that only the newest message has', () => {
  it('is an edit each time: the reminder is gone, the answer stays', () => {
    const remind = (words: string): Message => ({ role: 'user', blocks: [text(words), text('<reminder>today</reminder>')] })
    const { links, calls, lanes } = place([
      { id: 'a', at: 1, messages: [remind('one')], answer: assistant(text('First answer of this lane.')) },
      {
        id: 'b',
        at: 2,
        messages: [user('one'), assistant(text('First answer of this lane.')), remind('two')],
        answer: assistant(text('Second answer of this lane.')),
      },
      {
        id: 'c',
        at: 3,
        messages: [
          user('one'),
          assistant(text('First answer of this lane.')),
          user('two'),
          assistant(text('Second answer of this lane.')),
          remind('three'),
        ],
        answer: said,
      },
    ])
    expect([links['b'], links['c']]).toEqual([
      ['edit', 'a'],
      ['edit', 'b'],
    ])
    expect(calls['c']?.link.edits).toEqual([{ kind: 'text-dropped', position: null }])
    expect(lanes).toEqual([['a', 'b', 'c']])
  })
})

describe('an answer that names what it continues', () => {
  const delta = (id: string, at: number, previous: string, message: Message, answer: Message | null = said): Case => ({
    id,
    at,
    messages: [message],
    answer,
    extra: { previous_response_id: `msg_${previous}` },
  })
  it('is that call’s child, and the whole history says the same', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      delta('b', 2, 'a', result),
      { id: 'c', at: 3, messages: ask(called, result, said, user('whole')), answer: assistant(text('Bye.')) },
    ])
    expect([links['b'], links['c']]).toEqual([
      ['declared', 'a'],
      ['extend', 'b'],
    ])
  })

  it('is a retry where the same is asked twice', () => {
    const { calls } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      delta('b', 2, 'a', result, null),
      delta('c', 3, 'a', result),
    ])
    expect(calls['c']?.retryOf).toBe('b')
  })

  it('is not mistaken for another call with the same new words', () => {
    const { calls, links } = place([
      { id: 'a', at: 1, messages: ask(), answer: said },
      delta('b', 2, 'a', user('yes')),
      delta('c', 3, 'b', user('yes')),
    ])
    expect(links['c']).toEqual(['declared', 'b'])
    expect(calls['c']?.retryOf).toBeNull()
  })
})

describe('a new beginning', () => {
  const prompt = 'Count the files below the folder named src.\nReport in one line.'
  const task = (id: string, words = prompt): Message['blocks'][number] => {
    const input = { description: 'count', prompt: words }
    return { kind: 'tool-call', id, name: 'task', input, inputText: JSON.stringify(input) }
  }
  const spawned = assistant(text('I shall ask two.'), task('t1'), task('t2', 'Read the longest file, and tell what it is.'))
  const sub: Case = { id: 's', at: 3, system: 'You are a sub-agent.', messages: [user(prompt)], answer: said }

  it('whose words stand in a tool call’s arguments works for that call', () => {
    const { links, calls, lanes } = place([
      { id: 'a', at: 1, messages: ask(), answer: spawned },
      sub,
      { ...sub, id: 'r', at: 4, messages: [user('Read the longest file, and tell what it is.')] },
      { id: 'z', at: 9, messages: ask(spawned, toolResult('t1', 'x'), toolResult('t2', 'y')), answer: said },
    ])
    expect([links['s'], links['r'], links['z']]).toEqual([
      ['subagent', 'a'],
      ['subagent', 'a'],
      ['extend', 'a'],
    ])
    expect([calls['s']?.link.via, calls['r']?.link.via]).toEqual(['t1', 't2'])
    expect(calls['s']?.link.kind).toBe('textual')
    expect(lanes).toEqual([['a', 'z'], ['r'], ['s']])
  })

  it('does not work for a tool call that was answered before', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: spawned },
      { id: 'z', at: 2, messages: ask(spawned, toolResult('t1', 'x'), toolResult('t2', 'y')), answer: said },
      { ...sub, at: 50, tools: decode(sub).conversation.tools },
    ])
    expect(links['s']).toEqual(['root', null])
  })

  it('of fewer than 24 characters works for nobody', () => {
    const short = assistant(task('t1', 'Count the files.'))
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: short },
      { ...sub, messages: [user('Count the files.')] },
    ])
    expect(links['s']).toEqual(['root', null])
  })

  const summary = assistant(text('The files were listed and read by the agent.\nWhat is open is the last of the tests.'))
  it.each([
    ['nothing else', []],
    ['the first words', opening],
  ])('with the lines of an answer goes on from it, before them %s', (_name, kept) => {
    const { links, lanes } = place([
      { id: 'a', at: 1, messages: ask(), answer: said },
      { id: 'b', at: 2, messages: ask(said, user('Write a summary.')), answer: summary },
      {
        id: 'c',
        at: 3,
        messages: [
          ...kept,
          user('What happened so far:\nThe files were listed and read by the agent.\nWhat is open is the last of the tests.'),
          user('go on'),
        ],
        answer: called,
      },
      { id: 'd', at: 4, messages: ask(user('a fork of nothing'), said, user('more')), answer: null },
    ])
    expect(links['c']).toEqual(['compact', 'b'])
    expect(lanes).toEqual([['a', 'b', 'c']])
  })

  it.each([
    ['title', { system: 'Write a title.', messages: ask(), maxTokens: 200, extra: {} }],
    ['warmup', { system: '', messages: [user('Warmup')], maxTokens: 200, extra: { generate: false } }],
    ['probe', { system: '', messages: [user('quota')], maxTokens: 1, extra: {} }],
    ['unknown', { system: 'Judge.', messages: [user('is it so?')], maxTokens: 200, extra: {} }],
  ] as const)('without tools beside a conversation is a side call: %s', (kind, call) => {
    const { links, calls, lanes } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      { id: 's', at: 2, ...call, tools: [], answer: assistant(text('#')) },
      { id: 'b', at: 3, messages: ask(called, result), answer: said },
    ])
    expect([links['s']?.[0], calls['s']?.link.side]).toEqual(['side', kind])
    expect(lanes).toEqual([['a', 'b'], ['s']])
  })
})

// Those that `fails` marks are open: tests/convert/sessions/open-defects.ts.
describe('found by random sessions', () => {
  const task = (id: string, prompt: string) => {
    const input = { prompt }
    return { kind: 'tool-call', id, name: 'task', input, inputText: JSON.stringify(input) } as const
  }
  const prompt = 'Count the files below the folder named src.'
  const sub: Case = { id: 's', at: 5, system: 'You are a sub-agent.', messages: [user(prompt)], answer: said }

  it('a result of another conversation does not answer a tool call whose id repeats', () => {
    const other = [user('something else, in a conversation of its own'), assistant(toolCall('call_0', 'ls'))]
    const { links } = place([
      { id: 'b', at: 1, messages: other.slice(0, 1), answer: assistant(toolCall('call_0', 'ls')) },
      { id: 'a', at: 2, messages: ask(), answer: assistant(task('call_0', prompt)) },
      { id: 'c', at: 3, messages: [...other, toolResult('call_0', 'x')], answer: said },
      sub,
    ])
    expect(links['s']).toEqual(['subagent', 'a'])
  })

  it('the same words under another preamble are no fork', () => {
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: called },
      { id: 'b', at: 2, messages: ask(called, result), answer: assistant({ kind: 'thinking', text: 'hm' }), complete: false },
      { id: 'c', at: 3, messages: ask(called, result), answer: said, system: 'Another day.' },
    ])
    expect([links['b'], links['c']]).toEqual([
      ['extend', 'a'],
      ['extend', 'a'],
    ])
  })

  for (const [id, run] of [
    ['a', it],
    ['z', it],
  ] as const)
    run(`a sub-agent is known where the log has the same time for it and for the call it works for (${id})`, () => {
      const { links } = place([
        { id, at: 5, messages: ask(), answer: assistant(task('t1', prompt)) },
        sub,
        { id: 'n', at: 9, messages: ask(assistant(task('t1', prompt)), toolResult('t1', 'x')), answer: said },
      ])
      expect(links['s']).toEqual(['subagent', id])
    })

  for (const [id, run] of [
    ['a', it],
    ['z', it],
  ] as const)
    run(`an edit is known where the log has the same time for it and for the call it goes on from (${id})`, () => {
      const second = assistant(text('Second answer of this lane.'))
      const { links, lanes } = place([
        { id: '0', at: 1, messages: ask(), answer: called },
        { id, at: 5, messages: ask(called, result), answer: second },
        { id: 'n', at: 5, messages: ask(called, toolResult('t1', '[cleared]'), second, user('go on')), answer: said },
      ])
      expect(links['n']).toEqual(['edit', id])
      expect(lanes).toEqual([['0', id, 'n']])
    })

  for (const [id, run] of [
    ['a', it],
    ['z', it],
  ] as const)
    run(`a compaction is known where the log has the same time for it and for the summary (${id})`, () => {
      const summary = 'The files were listed and read by the agent.\nWhat is open is the last of the tests.'
      const { links } = place([
        { id: '0', at: 1, messages: ask(), answer: said },
        { id, at: 5, messages: ask(said, user('Write a summary.')), answer: assistant(text(summary)) },
        { id: 'n', at: 5, messages: [user(`So far:\n${summary}`)], answer: called },
      ])
      expect(links['n']).toEqual(['compact', id])
    })

  it('a sub-agent that sums up what it did and keeps its task goes on from the summary', () => {
    const summary = 'The first half of the files was counted by the agent.'
    const { links } = place([
      { id: 'a', at: 1, messages: ask(), answer: assistant(task('t1', prompt)) },
      sub,
      { ...sub, id: 't', at: 6, messages: [user(prompt), said, user('Write a summary.')], answer: assistant(text(summary)) },
      { ...sub, id: 'u', at: 7, messages: [user(prompt), user(`So far:\n${summary}`)], answer: called },
      { ...sub, id: 'v', at: 8, messages: [user(prompt), user('Begin anew, please.')], answer: called },
    ])
    expect([links['s'], links['t'], links['u'], links['v']]).toEqual([
      ['subagent', 'a'],
      ['extend', 's'],
      ['compact', 't'],
      ['subagent', 'a'],
    ])
  })

  it.each([
    ['as long', []],
    ['longer', ['All of this was done before noon of the day.', 'None of the files was changed by then.']],
  ])('a second summary of a conversation whose opening is the first one is a compaction (the first %s)', (_name, more) => {
    const lines = (which: string) =>
      [
        `The ${which} half of the files was read by the agent.\nWhat is open is the ${which} of the tests.`,
        ...(which === 'first' ? more : []),
      ].join('\n')
    const begun = user(`So far:\n${lines('first')}`)
    const { links, lanes } = place([
      { id: 'a', at: 1, messages: ask(), answer: said },
      { id: 'b', at: 2, messages: ask(said, user('Write a summary.')), answer: assistant(text(lines('first'))) },
      { id: 'c', at: 3, messages: [begun, user('Write a summary.')], answer: assistant(text(lines('second'))) },
      { id: 'd', at: 4, messages: [begun, user(`So far:\n${lines('second')}`), user('go on')], answer: called },
    ])
    expect([links['c'], links['d']]).toEqual([
      ['compact', 'b'],
      ['compact', 'c'],
    ])
    expect(lanes).toEqual([['a', 'b', 'c', 'd']])
  })

  it('a copied answer is copied as a whole, also where others made the same tool call', () => {
    const answer = assistant(text('The second answer of this lane.'), toolCall('call_0', 'pwd'))
    const history = (value: string) => [
      assistant(toolCall('call_0', 'ls')),
      toolResult('call_0', value),
      answer,
      toolResult('call_0', 'x'),
    ]
    const { calls } = place([
      { id: 'a', at: 1, messages: ask(), answer: assistant(toolCall('call_0', 'ls')) },
      { id: 'b', at: 2, messages: ask(...history('a.txt').slice(0, 2)), answer },
      { id: 'o', at: 3, messages: [user('a conversation of its own')], answer: assistant(toolCall('call_0', 'pwd')) },
      { id: 'c', at: 4, messages: ask(...history('[cleared]')), answer: said },
    ])
    expect(calls['c']?.link).toMatchObject({ relation: 'edit', known: 5 })
    expect(calls['c']?.link.edits).toEqual([{ kind: 'result-changed', position: 2 }])
  })
})
