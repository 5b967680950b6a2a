import { describe, expect, it } from 'vitest'
import { buildLanes } from '../../convert/lanes.ts'
import { createLoader } from '../../convert/load.ts'
import { findPolicy } from '../../convert/policies/_all.ts'
import type { PolicyId } from '../../convert/trajectory.ts'
import { buildTree } from '../../convert/tree.ts'
import type { Block, Message } from '../../core/types.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, user } from './script.ts'

function convert(calls: readonly ScriptedCall[], policy: PolicyId = 'readable') {
  const loader = createLoader()
  for (const call of calls) loader.add(decode(call))
  const tree = buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
  const found = buildLanes(tree)
  const { lanes, stray } = found
  const rows = [...findPolicy(policy).build(tree, found)]
  return {
    links: tree.calls.map(({ call, link }) => [
      call.id,
      link.kind,
      link.parent === null ? null : tree.calls[link.parent]?.call.id,
    ]),
    lanes: lanes.map(lane => lane.steps.map(step => step.call.call.id)),
    alternatives: lanes.flatMap(lane => lane.steps.flatMap(step => step.alternatives.map(call => call.call.id))),
    stray: stray.map(call => call.call.id),
    rows,
    generated: rows.flatMap(row => row.steps.flatMap(step => (step.generation === null ? [] : [step.generation.callId]))),
  }
}

/** u, call, result, answer: two calls of one conversation. */
const first = assistant(text('On it.\n'), toolCall('t1', 'ls'))
const second = assistant(text('Done.'))
const opening = [user('list the files please')]
const linear: readonly ScriptedCall[] = [
  { id: 'a', at: 1, messages: opening, answer: first },
  { id: 'b', at: 2, messages: [...opening, first, toolResult('t1', 'x.txt')], answer: second },
  {
    id: 'c',
    at: 3,
    messages: [...opening, first, toolResult('t1', 'x.txt'), second, user('thanks')],
    answer: assistant(text('Bye.')),
  },
]

describe('a linear conversation', () => {
  it('is one lane with every answer once', () => {
    const { links, lanes, generated } = convert(linear)
    expect(links).toEqual([
      ['a', 'unlinked', null],
      ['b', 'exact', 'a'],
      ['c', 'exact', 'b'],
    ])
    expect(lanes).toEqual([['a', 'b', 'c']])
    expect(generated).toEqual(['a', 'b', 'c'])
  })

  it('shows each message once, in order', () => {
    const [row] = convert(linear).rows
    expect(row?.steps.map(step => [step.message.role, step.generation?.callId ?? null])).toEqual([
      ['user', null],
      ['assistant', 'a'],
      ['user', null],
      ['assistant', 'b'],
      ['user', null],
      ['assistant', 'c'],
    ])
  })

  it.each<[string, (message: Message) => Message]>([
    [
      'cache_control moves',
      message => withBlocks(message, block => ({ ...block, extra: { cache_control: { type: 'ephemeral' } } })),
    ],
    [
      'answers are trimmed',
      message => withBlocks(message, block => (block.kind === 'text' ? { ...block, text: block.text.trimEnd() } : block)),
    ],
    ['default arguments are added to a tool call', message => withBlocks(message, addDefault)],
    [
      'thinking is added or dropped',
      message =>
        message.role === 'assistant' ? { ...message, blocks: [{ kind: 'thinking', text: 'hm' }, ...message.blocks] } : message,
    ],
    ['empty texts are added', message => ({ ...message, blocks: [...message.blocks, text('')] })],
  ])('stays one lane when %s in the history', (_, noise) => {
    const noisy = linear.map(call => ({
      ...call,
      messages: call.messages.map((message, index) => (index < call.messages.length - 1 ? noise(message) : message)),
    }))
    expect(convert(noisy).lanes).toEqual([['a', 'b', 'c']])
    expect(convert(noisy).links.map(link => link[1])).toEqual(['unlinked', 'exact', 'exact'])
  })

  it('stays one lane when the client joins the texts of an answer', () => {
    const split = assistant(text('Delegating. '), text('No such tool.'))
    const joined = assistant(text('Delegating. No such tool.'))
    const calls = [
      { id: 'a', at: 1, messages: opening, answer: split },
      { id: 'b', at: 2, messages: [...opening, joined, user('go on')], answer: second },
    ]
    expect(convert(calls).lanes).toEqual([['a', 'b']])
    // What the answer itself said is kept as it was.
    expect(convert(calls).rows[0]?.steps[1]?.message.blocks).toEqual(split.blocks)
  })

  it('stays one lane when the system prompt changes, and counts the change', () => {
    const changed = linear.map((call, index) => ({ ...call, system: `It is day ${index}.` }))
    const { lanes, rows } = convert(changed)
    expect(lanes).toEqual([['a', 'b', 'c']])
    expect(rows[0]?.boundaries.map(boundary => boundary.type)).toEqual(['preamble', 'preamble'])
  })
})

function withBlocks(message: Message, change: (block: Block) => Block): Message {
  return { ...message, blocks: message.blocks.map(change) }
}

function addDefault(block: Block): Block {
  if (block.kind !== 'tool-call') return block
  const input = { command: 'ls', replace_all: false }
  return { ...block, input, inputText: JSON.stringify(input) }
}

describe('parallel tool results', () => {
  it('may come back in another order or split over messages', () => {
    const parallel = assistant(toolCall('t2', 'b'), toolCall('t1', 'a'))
    const [one, two] = [toolResult('t1', 'A'), toolResult('t2', 'B')]
    const done = assistant(text('both'))
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: [...opening], answer: parallel },
      {
        id: 'b',
        at: 2,
        messages: [...opening, parallel, { role: 'user', blocks: [...two.blocks, ...one.blocks] }],
        answer: done,
      },
      { id: 'c', at: 3, messages: [...opening, parallel, one, two, done, user('next')], answer: second },
    ]
    expect(convert(calls).links.map(link => link[1])).toEqual(['unlinked', 'exact', 'exact'])
    expect(convert(calls).lanes).toEqual([['a', 'b', 'c']])
  })
})

describe('retries', () => {
  it('keep the answer that was continued and export the other as an alternative, each once', () => {
    const other = assistant(text('Another try.'))
    const retried: ScriptedCall[] = [linear[0]!, { id: 'a2', at: 1.5, messages: opening, answer: other }, ...linear.slice(1)]
    const { lanes, alternatives, generated, rows } = convert(retried)
    expect(lanes).toEqual([['a', 'b', 'c']])
    expect(alternatives).toEqual(['a2'])
    expect([...generated].sort()).toEqual(['a', 'a2', 'b', 'c'])
    expect(rows.map(row => row.kind)).toEqual(['root', 'alternative'])
  })

  it('keep the last answer when none was continued', () => {
    const calls = [1, 2, 3].map(n => ({ id: `r${n}`, at: n, messages: opening, answer: assistant(text(`try ${n}`)) }))
    expect(convert(calls)).toMatchObject({ lanes: [['r3']], alternatives: ['r1', 'r2'] })
  })

  it('count identical answers to identical requests as two generations', () => {
    const calls = ['x', 'y'].map((id, at) => ({ id, at, messages: opening, answer: second, answerId: `msg_${id}` }))
    expect(convert(calls).generated.sort()).toEqual(['x', 'y'])
  })

  it('hang a failed try on the lane that got an answer', () => {
    const calls: ScriptedCall[] = [{ id: 'f', at: 0, messages: opening, answer: null }, ...linear]
    const { lanes, rows, stray } = convert(calls)
    expect(lanes).toEqual([['a', 'b', 'c']])
    expect(rows[0]?.failed.map(call => call.callId)).toEqual(['f'])
    expect(stray).toEqual([])
  })

  it('set apart a failed call that nothing ever answered', () => {
    expect(convert([{ id: 'f', at: 0, messages: opening, answer: null }])).toMatchObject({ lanes: [], stray: ['f'] })
  })

  it('do not take an answer without words for something to continue', () => {
    const silent = assistant({ kind: 'thinking', text: 'only thoughts' })
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: opening, answer: silent },
      { id: 'b', at: 2, messages: opening, answer: second },
    ]
    expect(convert(calls)).toMatchObject({ lanes: [['b']], alternatives: ['a'] })
  })
})

describe('other lanes', () => {
  it('are roots: sub-agents and side calls that share the opening', () => {
    const side: ScriptedCall = {
      id: 's',
      at: 1.2,
      messages: opening,
      system: 'Write a title.',
      answer: assistant(text('Listing files')),
    }
    const sub: ScriptedCall[] = [
      { id: 'p', at: 1.3, messages: [user('count them')], answer: assistant(toolCall('t9', 'ls | wc')) },
      {
        id: 'q',
        at: 1.4,
        messages: [user('count them'), assistant(toolCall('t9', 'ls | wc')), toolResult('t9', '1')],
        answer: assistant(text('one')),
      },
    ]
    const { lanes, generated } = convert([linear[0]!, side, ...sub, ...linear.slice(1)])
    expect(lanes).toEqual([['a', 'b', 'c'], ['s'], ['p', 'q']])
    expect(new Set(generated).size).toBe(6)
  })

  it('fork where a conversation is taken back, with the shared part as context only', () => {
    const fork: ScriptedCall = {
      id: 'd',
      at: 2.5,
      messages: [...opening, first, toolResult('t1', 'denied', true)],
      answer: assistant(text('Hm.')),
    }
    const { lanes, rows } = convert([...linear, fork].sort((a, b) => a.at - b.at))
    expect(lanes).toEqual([['a', 'b', 'c'], ['d']])
    const row = rows.find(row => row.id === 'd')
    expect(row).toMatchObject({ kind: 'fork', parent: { callId: 'a', link: 'exact' } })
    expect(row?.steps.filter(step => step.generation !== null)).toHaveLength(1)
    expect(row?.steps).toHaveLength(4)
  })

  it('keep the main lane when the client edits what came before, and keep the edit', () => {
    const reminded = [{ role: 'user' as const, blocks: [text('list the files please'), text('<reminder>today</reminder>')] }]
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: reminded, answer: first },
      { id: 'b', at: 2, messages: [...opening, first, toolResult('t1', 'x.txt')], answer: second },
      {
        id: 'c',
        at: 3,
        messages: [user('LIST the files'), first, toolResult('t1', 'x.txt'), second, user('thanks')],
        answer: assistant(text('Bye.')),
      },
    ]
    const { links, lanes, rows } = convert(calls)
    expect(links.map(link => link[1])).toEqual(['unlinked', 'copied', 'copied'])
    expect(lanes).toEqual([['a', 'b', 'c']])
    expect(rows[0]?.boundaries.map(({ callId, edits }) => [callId, edits.map(edit => edit.block)])).toEqual([
      ['b', [null]],
      ['c', [text('LIST the files')]],
    ])
    // The changed text is shown once, as context.
    expect(rows[0]?.steps).toHaveLength(7)
  })

  it('take no text for evidence that several calls have generated', () => {
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: opening, answer: second },
      { id: 'b', at: 2, messages: [user('something else')], answer: second },
      { id: 'c', at: 3, messages: [user('a third thing'), second, user('go on')], answer: assistant(text('Bye.')) },
    ]
    expect(convert(calls).links.map(link => link[1])).toEqual(['unlinked', 'unlinked', 'unlinked'])
  })

  it('follow a declared parent whose history never crosses the wire again', () => {
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: opening, answer: first, answerId: 'resp_1' },
      {
        id: 'b',
        at: 2,
        messages: [toolResult('t1', 'x.txt')],
        answer: second,
        answerId: 'resp_2',
        extra: { previous_response_id: 'resp_1' },
      },
      {
        id: 'c',
        at: 3,
        messages: [toolResult('t1', 'denied')],
        answer: assistant(text('Hm.')),
        extra: { previous_response_id: 'resp_1' },
      },
      { id: 'd', at: 4, messages: [user('thanks')], answer: assistant(text('Bye.')), extra: { previous_response_id: 'resp_2' } },
    ]
    const { links, lanes, rows } = convert(calls)
    expect(links.map(link => link[1])).toEqual(['unlinked', 'declared', 'declared', 'declared'])
    expect(lanes).toEqual([['a', 'b', 'd'], ['c']])
    // The fork's context is expanded through its parent.
    expect(rows[1]?.steps.map(step => step.message.role)).toEqual(['user', 'assistant', 'user', 'assistant'])
  })
})

describe('tool ids that start again at call_0', () => {
  it('do not tie unrelated calls together', () => {
    const ask = (command: string) => assistant(toolCall('call_0', command))
    const calls: ScriptedCall[] = [
      { id: 'a', at: 1, messages: opening, answer: ask('ls') },
      { id: 'b', at: 2, messages: [...opening, ask('ls'), toolResult('call_0', 'x')], answer: ask('cat x') },
      {
        id: 'c',
        at: 3,
        messages: [...opening, ask('ls'), toolResult('call_0', 'x'), ask('cat x'), toolResult('call_0', 'y')],
        answer: second,
      },
      { id: 'z', at: 4, messages: [user('something else entirely')], answer: ask('pwd') },
      { id: 'y', at: 5, messages: [user('something else entirely'), ask('pwd'), toolResult('call_0', '/')], answer: second },
    ]
    expect(convert(calls).lanes).toEqual([
      ['a', 'b', 'c'],
      ['z', 'y'],
    ])
  })
})

describe('the calls policy', () => {
  it('writes one row per call, with everything the model saw', () => {
    const { rows, generated } = convert(linear, 'calls')
    expect(rows.map(row => row.steps.length)).toEqual([2, 4, 6])
    expect(generated).toEqual(['a', 'b', 'c'])
  })
})
