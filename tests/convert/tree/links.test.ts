import { describe, expect, it } from 'vitest'
import type { Message } from '../../../core/types.ts'
import { describeLanes, describeLinks, findCall, type GrownCall, grow } from '../grow.ts'
import { assistant, text, toolCall, toolResult, tools, user } from '../script.ts'

const opening = user('please list all of the files that are here')
const first = assistant(text('On it.'), toolCall('t1', 'ls'))
const second = assistant(text('Done.'))
const a: GrownCall = { id: 'a', at: 10, messages: [opening], answer: first }
const b: GrownCall = { id: 'b', at: 20, messages: [opening, first, toolResult('t1', 'x.txt')], answer: second }

describe('declared', () => {
  const delta = (id: string, at: number, messages: readonly Message[], previous: string, answer = second): GrownCall => ({
    id,
    at,
    messages,
    answer,
    extra: { previous_response_id: previous },
  })

  it('puts the history before what is new, so that a full request later finds its place', () => {
    const tree = grow([
      a,
      delta('b', 20, [toolResult('t1', 'x.txt')], 'msg_a'),
      {
        id: 'c',
        at: 30,
        messages: [opening, first, toolResult('t1', 'x.txt'), second, user('thanks')],
        answer: assistant(text('Bye.')),
      },
    ])
    expect(describeLinks(tree)).toEqual(['a root', 'b declared a', 'c extend b'])
    expect(findCall(tree, 'b').link).toMatchObject({
      kind: 'declared',
      known: 3,
      evidence: [{ kind: 'answer-id', value: 'msg_a' }],
    })
    expect(tree.scope.history.readMessages(findCall(tree, 'b').request, 0)).toHaveLength(3)
  })

  it('finds the answer it names in any order of records', () => {
    const calls = [
      delta('c', 30, [user('go on')], 'msg_b'),
      delta('b', 20, [toolResult('t1', 'x')], 'msg_a', assistant(text('Two.'))),
      a,
    ]
    expect(describeLinks(grow(calls))).toEqual(['a root', 'b declared a', 'c declared b'])
    expect(grow(calls).scope.history.readMessages(findCall(grow(calls), 'c').request, 0)).toHaveLength(5)
  })

  it('says so when the whole history is there and continues another answer', () => {
    const other: GrownCall = { id: 'o', at: 5, messages: [user('quite another question')], answer: assistant(text('Else.')) }
    const whole = [opening, first, toolResult('t1', 'x.txt')]
    const agreed = grow([other, a, { ...b, extra: { previous_response_id: 'msg_a' } }])
    expect(findCall(agreed, 'b').link).toMatchObject({ relation: 'declared', known: 3, evidence: [{ value: 'msg_a' }] })
    const tree = grow([other, a, delta('b', 20, whole, 'msg_o')])
    expect(describeLinks(tree)).toEqual(['o root', 'a root', 'b declared o'])
    expect(findCall(tree, 'b').link.evidence).toContainEqual({ kind: 'mark', value: 'declared-mismatch' })
    expect(findCall(tree, 'b').link.known).toBe(0)
  })

  it('marks what names an answer that was not recorded', () => {
    const tree = grow([delta('b', 20, [user('go on')], 'msg_never')])
    expect(findCall(tree, 'b').link).toMatchObject({
      relation: 'root',
      evidence: [{ kind: 'mark', value: 'history-not-visible' }],
    })
  })

  it('is not held up by ids that name each other', () => {
    const tree = grow([delta('a', 1, [user('one')], 'msg_b'), delta('b', 2, [user('two')], 'msg_a')])
    expect(tree.calls).toHaveLength(2)
    for (const { index, link } of tree.calls) expect(link.parent ?? -1).toBeLessThan(index)
  })

  it('continues what was said before, through a warm-up that was not answered', () => {
    const warm: GrownCall = { id: 'w', at: 15, messages: [], answer: null, answerId: 'msg_w', extra: { generate: false } }
    const source = { ...warm, answer: assistant(), answerId: 'msg_w' }
    const tree = grow([a, source, delta('b', 20, [opening, first, toolResult('t1', 'x.txt')], 'msg_w')])
    expect(describeLinks(tree)).toEqual(['a root', 'w side', 'b extend a'])
    expect(findCall(tree, 'w').link.side).toBe('warmup')
    expect(findCall(tree, 'b').declared).toBe(1)
    expect(describeLanes(tree)).toEqual(['root a b'])
  })
})

describe('duplicates', () => {
  const twice = (more: Partial<GrownCall>): GrownCall[] => [
    { ...a, ...more },
    { ...a, id: 'a2', answerId: 'msg_a', at: 13, ...more },
    { ...b, at: 5000, endedAt: 5000 },
  ]

  it('with the same answer id are one call', () => {
    const tree = grow(twice({}))
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a'])
    expect(findCall(tree, 'a').loggedTimes).toBe(2)
  })

  it('without ids are one call at the same moment only', () => {
    const stamped = twice({ answerId: null }).map((call, index) => ({ ...call, at: index * 4, endedAt: index * 4 }))
    expect(grow(stamped).calls.map(call => call.loggedTimes)).toEqual([2, 1])
    const apart = stamped.map(call => ({ ...call, at: call.at * 1000, endedAt: call.at * 1000 }))
    expect(grow(apart).calls.map(call => call.loggedTimes)).toEqual([1, 1, 1])
    // The second was asked after the first had ended.
    const real = twice({ answerId: null }).map((call, index) => ({ ...call, at: index * 4, endedAt: index * 4 + 3 }))
    expect(grow(real).calls.map(call => call.loggedTimes)).toEqual([1, 1, 1])
  })

  it('are not calls with another answer, nor the same call given again', () => {
    const tree = grow([a, { ...a, id: 'a2', answerId: 'msg_a', answer: second }, a])
    expect(tree.calls.map(call => [call.call.id, call.loggedTimes, call.retryOf])).toEqual([
      ['a', 1, null],
      ['a2', 1, 0],
    ])
  })
})

describe('extend', () => {
  it('needs no clock: logs that stamp calls when they end, in ties or out of turn', () => {
    for (const [early, late] of [
      [20, 10],
      [10, 10],
      [10, 20],
    ] as const) {
      // Ids that sort against the conversation.
      const tree = grow([
        { ...a, id: 'z', at: early },
        { ...b, id: 'y', at: late },
      ])
      expect(describeLinks(tree)).toEqual(['z root', 'y extend z'])
      expect(describeLanes(tree)).toEqual(['root z y'])
    }
  })

  it('takes of several with the same words the one whose thinking the request has', () => {
    const thought = (words: string) => assistant({ kind: 'thinking', text: words, signature: words }, text('The same words.'))
    const calls: GrownCall[] = [
      { id: 'a', at: 1, messages: [opening], answer: thought('one') },
      { id: 'b', at: 4, messages: [opening], answer: thought('two') },
      { id: 'c', at: 8, messages: [opening, thought('one'), user('go on')], answer: second },
      { id: 'd', at: 9, messages: [opening, assistant(text('The same words.')), user('go on then')], answer: second },
    ]
    const tree = grow(calls)
    expect(describeLinks(tree)).toEqual(['a root', 'b root', 'c extend a', 'd extend b'])
    expect(tree.calls.map(call => call.retryOf)).toEqual([null, 0, null, null])
  })

  it('counts the thinking of the parent as known, and that of the next answer as new', () => {
    const thinking = { kind: 'thinking', text: 'hm' } as const
    const tree = grow([
      { id: 'a', at: 1, messages: [opening], answer: assistant(thinking, text('One.')) },
      { id: 'b', at: 5, messages: [opening, assistant(thinking, text('One.')), user('two')], answer: second },
      { id: 'c', at: 9, messages: [opening, assistant(text('One.')), user('two')], answer: second },
    ])
    expect(tree.calls.map(call => call.link.known)).toEqual([0, 3, 2])
    const { history } = tree.scope
    const [one, two, three] = tree.calls
    expect(history.continues(two?.request ?? 0, one?.answer ?? -1)).toBe(true)
    expect(history.continues(three?.request ?? 0, one?.answer ?? -1)).toBe(false)
    expect(three?.requestNode).toBe(two?.requestNode)
  })

  it('joins texts of an answer across messages and thinking, as clients do', () => {
    const split = assistant(text('Delegating. '), { kind: 'thinking', text: 'hm' }, text('No such tool.\n'))
    for (const history of [
      [assistant(text('Delegating. No such tool.'))],
      [assistant(text('Delegating. ')), assistant(text('No such tool.'))],
    ]) {
      const tree = grow([
        { id: 'a', at: 1, messages: [opening], answer: split },
        { id: 'b', at: 9, messages: [opening, ...history, user('go on')], answer: second },
      ])
      expect(describeLinks(tree)).toEqual(['a root', 'b extend a'])
    }
  })

  it('reads the results of one answer in any order, split, and with text before them', () => {
    const parallel = assistant(toolCall('t2', 'b'), toolCall('t1', 'a'), toolCall('t3', 'c'))
    const [one, two, three] = [toolResult('t1', 'A'), toolResult('t2', 'B'), toolResult('t3', 'C')]
    const shapes: Message[][] = [
      [one, two, three, user('note')],
      [three, user('note'), two, one],
      [{ role: 'user', blocks: [text('note'), ...two.blocks, ...three.blocks, ...one.blocks] }],
    ]
    const nodes = shapes.map(shape => {
      const tree = grow([
        { id: 'a', at: 1, messages: [opening], answer: parallel },
        { id: 'b', at: 9, messages: [opening, parallel, ...shape], answer: second },
      ])
      expect(describeLinks(tree)).toEqual(['a root', 'b extend a'])
      return tree.nodeId(findCall(tree, 'b').requestNode)
    })
    expect(new Set(nodes).size).toBe(1)
  })

  it('follows a gateway that writes ids of its own', () => {
    const renamed = assistant(text('On it.'), toolCall('gw_9', 'ls'))
    const tree = grow([
      a,
      { id: 'b', at: 20, messages: [opening, renamed, toolResult('gw_9', 'x.txt')], answer: second },
      {
        id: 'c',
        at: 30,
        messages: [opening, first, toolResult('t1', 'x.txt'), second, user('more')],
        answer: assistant(text('Bye.')),
      },
    ])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c extend b'])
  })

  it('tells apart ids that start again with every answer', () => {
    const ask = (command: string) => assistant(toolCall('call_0', command))
    const history = [opening, ask('ls'), toolResult('call_0', 'x')]
    const tree = grow([
      { id: 'a', at: 1, messages: [opening], answer: ask('ls') },
      { id: 'b', at: 5, messages: history, answer: ask('cat x') },
      { id: 'c', at: 9, messages: [...history, ask('cat x'), toolResult('call_0', 'y')], answer: second },
      { id: 'y', at: 12, messages: [user('something else')], answer: ask('pwd') },
      { id: 'z', at: 15, messages: [user('something else'), ask('pwd'), toolResult('call_0', '/')], answer: second },
    ])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c extend b', 'y root', 'z extend y'])
  })
})

describe('edit', () => {
  it('names the parent by the last block that one call generated, and each change', () => {
    const reminder = user('<reminder>today</reminder>')
    const said = assistant(text('Looking at it.'), toolCall('t2', 'cat x.txt'))
    const calls: GrownCall[] = [
      { id: 'a', at: 10, messages: [reminder, opening], answer: first },
      { id: 'b', at: 20, messages: [reminder, opening, first, toolResult('t1', 'x.txt')], answer: said },
      {
        id: 'c',
        at: 30,
        messages: [opening, first, user('new'), toolResult('t1', '[cleared]'), said, toolResult('t2', 'text')],
        answer: second,
      },
    ]
    const tree = grow(calls)
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c edit b'])
    expect(findCall(tree, 'c').link).toMatchObject({
      kind: 'copied',
      known: 7,
      evidence: [{ kind: 'tool-call-id', value: 't2' }],
    })
    expect(findCall(tree, 'c').link.edits).toEqual([
      { kind: 'inserted', position: 3 },
      { kind: 'result-changed', position: 4 },
      { kind: 'text-dropped', position: null },
    ])
  })

  it('finds a text that changed between two that stayed', () => {
    const tree = grow([
      a,
      b,
      { id: 'c', at: 30, messages: [user('LIST'), first, toolResult('t1', 'x.txt'), second, user('ok')], answer: first },
    ])
    expect(findCall(tree, 'c').link.edits).toEqual([{ kind: 'text-changed', position: 0 }])
  })

  it('follows the result that a client rewrote after an interruption', () => {
    const cut: GrownCall = { ...b, answer: assistant(text('Do')), complete: false }
    const aborted = [opening, first, toolResult('t1', 'aborted'), user('go on')]
    const tree = grow([a, cut, { id: 'c', at: 30, messages: aborted, answer: second }])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c fork a'])
    expect(describeLanes(tree)).toEqual(['root a c', 'fork b'])
  })
})

describe('fork', () => {
  it('is what continues an answer otherwise, not what asks again', () => {
    const tree = grow([
      a,
      b,
      { ...b, id: 'b2', at: 25, answer: assistant(text('Again.')) },
      { id: 'c', at: 30, messages: [opening, first, toolResult('t1', 'denied', true)], answer: assistant(text('Hm.')) },
    ])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'b2 extend a', 'c fork a'])
  })

  it('is not what follows a try that failed', () => {
    const tree = grow([a, { ...b, answer: null }, { ...b, id: 'c', at: 30, messages: [...b.messages, user('and?')] }])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c extend a'])
  })
})

describe('sub-agents', () => {
  const task = (words: string) => `You are a helper.\n${words} of the project in detail`
  const spawn = (id: string, words: string) => ({
    ...toolCall(id, ''),
    input: { options: [{ prompt: task(words) }] },
    inputText: '{}',
  })
  const parent: GrownCall = {
    id: 'p',
    at: 10,
    messages: [opening],
    answer: assistant(spawn('s1', 'Count the files'), spawn('s2', 'Read the files')),
  }
  const sub = (id: string, at: number, words: string): GrownCall => ({
    id,
    at,
    system: 'You help.',
    messages: [user(task(words))],
    answer: assistant(text(`${words}: forty-two.`)),
  })

  it('work for the tool call whose arguments hold their task, while it waits', () => {
    const results = [toolResult('s1', 'Count the files: forty-two.'), toolResult('s2', 'nothing')]
    const tree = grow([
      parent,
      sub('x', 20, 'Read the files'),
      sub('y', 21, 'Count the files'),
      { id: 'q', at: 30, messages: [opening, parent.answer!, ...results], answer: second },
      // Its tool call was answered before.
      { ...sub('late', 40, 'Read the files'), system: 'You help late.' },
    ])
    expect(describeLinks(tree)).toEqual(['p root', 'x subagent p', 'y subagent p', 'q extend p', 'late root'])
    expect(findCall(tree, 'y').link).toMatchObject({
      kind: 'textual',
      known: 0,
      via: 's1',
      evidence: [{ kind: 'tool-call-id' }, { kind: 'line' }],
    })
    expect(findCall(tree, 'x').link.via).toBe('s2')
  })

  it('are found by what they ask again, where the first try has a time before its cause', () => {
    const tree = grow([
      { ...sub('x', 5, 'Count the files'), answer: null },
      parent,
      sub('again', 20, 'Count the files'),
      { ...sub('third', 30, 'Count the files'), answer: assistant(text('Once more.')) },
    ])
    expect(describeLinks(tree)).toEqual(['x root', 'p root', 'again subagent p', 'third subagent p'])
    expect(findCall(tree, 'third').link.via).toBe('s1')
  })

  it('with the same task are given one tool call each', () => {
    const same = { ...parent, answer: assistant(spawn('s1', 'Count the files'), spawn('s2', 'Count the files')) }
    const tree = grow([same, sub('x', 20, 'Count the files'), { ...sub('y', 21, 'Count the files'), system: 'Other.' }])
    expect(tree.calls.map(call => call.link.via)).toEqual([null, 's1', 's2'])
  })

  it('that start from a copy of the history are known by their mark only', () => {
    const headers = (thread: string, more: ReadonlyArray<readonly [string, string]> = []) => [
      ['Thread-Id', thread] as const,
      ...more,
    ]
    const marked = headers('t-2', [
      ['x-openai-subagent', 'collab_spawn'],
      ['x-codex-parent-thread-id', 't-1'],
    ])
    const copy: GrownCall = { id: 'c', at: 20, messages: [opening, first, user('your task')], answer: second, headers: marked }
    const main: GrownCall = { ...a, headers: headers('t-1') }
    const next: GrownCall = {
      id: 'd',
      at: 25,
      messages: [...copy.messages, second, user('more')],
      answer: assistant(text('Ok.')),
      headers: marked,
    }
    const tree = grow([main, copy, { ...b, at: 30, headers: headers('t-1') }, { ...next, at: 40 }])
    expect(describeLinks(tree)).toEqual(['a root', 'c subagent a', 'b extend a', 'd extend c'])
    expect(findCall(tree, 'c').link).toMatchObject({ kind: 'exact', known: 3, via: 't1' })
    expect(findCall(tree, 'c').link.evidence).toContainEqual({ kind: 'mark', value: 'x-openai-subagent: collab_spawn' })
    expect(describeLanes(tree)).toEqual(['root a b', 'subagent c d'])
    expect(describeLinks(grow([a, { ...copy, headers: [] }, { ...b, at: 30 }]))).toEqual(['a root', 'c extend a', 'b fork a'])
  })

  it('with a mark and a task of few words hang on what their employer said last', () => {
    const agent = [['x-claude-code-agent-id', 'a7']] as const
    const tree = grow([a, { id: 's', at: 15, system: 'Helper.', messages: [user('count')], answer: second, headers: agent }])
    expect(findCall(tree, 's').link).toMatchObject({ relation: 'subagent', kind: 'textual', parent: 0, via: 't1' })
  })
})

describe('compaction', () => {
  const summary = 'The user wants all files listed; x.txt was found and read.'
  const asked: GrownCall = {
    id: 's',
    at: 30,
    messages: [...b.messages, second, user('sum it up')],
    answer: assistant(text(`Summary:\n${summary}`)),
  }
  const resumed = (words: string): GrownCall => ({
    id: 'n',
    at: 40,
    messages: [user(`Continued from before.\n${words}\nGo on.`)],
    answer: second,
  })

  it('goes on from the answer whose lines it holds', () => {
    const tree = grow([a, b, asked, resumed(summary)])
    expect(describeLinks(tree).at(-1)).toBe('n compact s')
    expect(findCall(tree, 'n').link).toMatchObject({ kind: 'textual', known: 0 })
    expect(findCall(tree, 'n').link.evidence[0]?.value).toMatch(/^[0-9a-f]{64}$/)
    expect(describeLanes(tree)).toEqual(['root a b s n'])
  })

  it('is not guessed from lines that two answers have', () => {
    const other: GrownCall = { ...asked, id: 't', at: 35, messages: [user('sum up another thing')] }
    expect(describeLinks(grow([a, b, asked, other, resumed(summary)])).at(-1)).toBe('n root')
  })

  it('goes on where the client counts a new context window', () => {
    const within = (window: string) =>
      [
        ['thread-id', 't'],
        ['x-codex-window-id', window],
      ] as const
    const calls = [a, b, asked].map(call => ({ ...call, headers: within('t:0') }))
    expect(describeLinks(grow([...calls, { ...resumed('short'), headers: within('t:1') }])).at(-1)).toBe('n compact s')
    expect(describeLinks(grow([...calls, { ...resumed('short'), headers: within('t:0') }])).at(-1)).toBe('n root')
  })
})

describe('side calls', () => {
  it.each<[string, Partial<GrownCall>, string, string]>([
    ['shares the opening under another system text', { messages: [opening], system: 'Write a title.' }, 'title', 'a'],
    ['has no tools', { messages: [user('x')], tools: [] }, 'unknown', ''],
    ['wants a tiny answer', { messages: [user('quota')], maxTokens: 1, system: 'other' }, 'probe', ''],
    ['says Warmup', { messages: [user('Warmup')], tools: [] }, 'warmup', ''],
  ])('are told by that one %s', (_, more, side, parent) => {
    const tree = grow([a, { id: 's', at: 12, messages: [], answer: assistant(text('Listing')), ...more }, b])
    expect(describeLinks(tree)).toEqual(['a root', `s side ${parent}`.trim(), 'b extend a'])
    expect(findCall(tree, 's').link).toMatchObject({ side, kind: parent === '' ? 'unlinked' : 'textual', known: 0 })
    expect(describeLanes(tree)).toEqual(['root a b', 'side s'])
  })

  it('are no longer side calls once they are continued, and a lone chat never is one', () => {
    const title: GrownCall = { id: 's', at: 12, messages: [opening], system: 'Chat.', answer: second }
    const goesOn: GrownCall = {
      ...title,
      id: 't',
      at: 14,
      messages: [opening, second, user('and?')],
      answer: assistant(text('So.')),
    }
    expect(describeLinks(grow([a, title, b, goesOn]))).toContain('s root')
    expect(describeLinks(grow([{ ...title, tools: [] }]))).toEqual(['s root'])
    expect(tools).toHaveLength(1)
  })

  it('may come before the conversation they stand beside', () => {
    const tree = grow([{ id: '0', at: 1, messages: [opening], system: 'Titles.', answer: second, tools: [] }, a, b])
    expect(describeLinks(tree)).toEqual(['0 side', 'a root', 'b extend a'])
  })
})

describe('unrelated conversations', () => {
  it('have no link across, however they interleave', () => {
    const talk = (name: string, from: number): GrownCall[] => {
      const start = user(`the question of ${name} about many things`)
      const said = assistant(text('Yes.'), toolCall(`${name}-1`, 'ls'))
      return [
        { id: `${name}1`, at: from, messages: [start], answer: said },
        {
          id: `${name}2`,
          at: from + 10,
          messages: [start, said, toolResult(`${name}-1`, 'same')],
          answer: assistant(text('Done.')),
        },
        {
          id: `${name}3`,
          at: from + 20,
          messages: [start, said, toolResult(`${name}-1`, 'same'), assistant(text('Done.')), user('thanks')],
          answer: assistant(text('Done.')),
        },
      ]
    }
    const tree = grow([...talk('x', 0), ...talk('y', 1), ...talk('z', 2)])
    expect(describeLanes(tree)).toEqual(['root x1 x2 x3', 'root y1 y2 y3', 'root z1 z2 z3'])
  })
})
