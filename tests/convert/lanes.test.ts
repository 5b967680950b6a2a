import { describe, expect, it } from 'vitest'
import { buildLanes } from '../../convert/lanes.ts'
import type { Block, Message } from '../../core/types.ts'
import { describeLanes, describeLinks, findCall, type GrownCall, grow } from './grow.ts'
import { assistant, text, toolCall, toolResult, user } from './script.ts'

const opening = user('please list all of the files that are here')
const say = (words: string) => assistant(text(words))

/** A conversation that repeats everything it said, `from` the call with that number; ids are `name` and number. */
function talk(name: string, turns: number, at: number, history: readonly Message[] = [opening]): GrownCall[] {
  const messages = [...history]
  return Array.from({ length: turns }, (_, index) => {
    const call: GrownCall = {
      id: `${name}${index}`,
      at: at + index * 10,
      messages: [...messages],
      answer: say(`${name} said ${index}`),
    }
    messages.push(call.answer!, user(`${name} asks ${index}`))
    return call
  })
}

describe('lanes', () => {
  it('go on with the child that reaches furthest, however late the others begin', () => {
    const main = talk('m', 5, 0)
    const after = [...main[1]!.messages, main[1]!.answer!]
    const branch = talk('x', 2, 15, [...after, user('instead')])
    const late: GrownCall = { id: 'z', at: 99, messages: [...after, user('at last')], answer: say('late') }
    const tree = grow([...main, ...branch, late])
    expect(describeLanes(tree)).toEqual(['root m0 m1 m2 m3 m4', 'fork x0 x1', 'fork z'])
    // The word for each call is by time: what came first extends, what came later forks.
    expect(describeLinks(tree)).toEqual(expect.arrayContaining(['x0 extend m1', 'm2 fork m1', 'z fork m1']))
  })

  it('leave the lanes of sub-agents out of how far a call reaches', () => {
    const spawn = assistant(toolCall('s1', 'count all the files of this project'))
    const parent: GrownCall = { id: 'p', at: 1, messages: [opening], answer: spawn }
    const sub: GrownCall = {
      id: 's',
      at: 500,
      system: 'Help.',
      messages: [user('count all the files of this project')],
      answer: say('There are 42 files.'),
    }
    const next: GrownCall = {
      id: 'q',
      at: 600,
      messages: [opening, spawn, toolResult('s1', 'Agent: There are 42 files. Bye.')],
      answer: say('42'),
    }
    const tree = grow([parent, sub, next])
    expect(describeLanes(tree)).toEqual(['root p q', 'subagent s'])
    expect(buildLanes(tree).lanes.map(lane => lane.returned)).toEqual([null, true])
    const silent = { ...next, messages: [opening, spawn, toolResult('s1', 'failed')] }
    expect(buildLanes(grow([parent, sub, silent])).lanes[1]?.returned).toBe(false)
    expect(buildLanes(grow([parent, sub])).lanes[1]?.returned).toBeNull()
  })

  it('keep of several answers the one continued; without one the last, and say that it is not known', () => {
    const [first, second] = talk('m', 2, 0)
    const again = { ...first!, id: 'again', at: 5, answer: say('another') }
    const resolved = buildLanes(grow([first!, again, second!])).lanes[0]
    expect(
      resolved?.steps.map(step => [step.call.call.id, step.alternatives.map(call => call.call.id), step.unresolvedRetry]),
    ).toEqual([
      ['m0', ['again'], false],
      ['m1', [], false],
    ])
    const open = buildLanes(grow([first!, again])).lanes[0]
    expect(open?.steps.map(step => [step.call.call.id, step.unresolvedRetry])).toEqual([['again', true]])
  })

  it('are two where two answers to one request were both continued', () => {
    const [first, second] = talk('m', 2, 0)
    const again = { ...first!, id: 'again', at: 5, answer: say('another') }
    const goesOn: GrownCall = { id: 'then', at: 30, messages: [opening, again.answer, user('then?')], answer: say('so') }
    expect(describeLanes(grow([first!, again, second!, goesOn]))).toEqual(['root m0 m1', 'root again then'])
  })

  it('hold what failed: tries of a step, what came after the last, and what prepared the first', () => {
    const [first, second, third] = talk('m', 3, 0)
    const failed = { ...second!, id: 'f', at: 8, answer: null }
    const last = { ...third!, id: 'l', at: 40, messages: [...third!.messages, third!.answer!, user('more')], answer: null }
    const { lanes, stray } = buildLanes(grow([first!, failed, second!, third!, last]))
    expect(lanes.map(lane => lane.failed.map(call => call.call.id))).toEqual([['f', 'l']])
    expect(stray).toEqual([])
  })

  it('give every generation one place', () => {
    const main = talk('m', 6, 0)
    const all = [
      ...main,
      { ...main[2]!, id: 'r', at: 21, answer: say('r') },
      ...talk('x', 2, 33, [...main[3]!.messages.slice(0, 3), user('?')]),
    ]
    const { lanes, stray } = buildLanes(grow(all))
    const placed = lanes.flatMap(lane => lane.steps.flatMap(step => [step.call, ...step.alternatives].map(call => call.call.id)))
    expect([...placed, ...stray.map(call => call.call.id)].sort()).toEqual(all.map(call => call.id).sort())
  })
})

/** What a converter of string prefixes loses; each case was seen in real logs. */
describe('one lane all the same', () => {
  const thinking = { kind: 'thinking', text: 'hm', signature: 's' } as const
  const edit = (input: { readonly [key: string]: string | boolean }): Block => ({
    kind: 'tool-call',
    id: 't1',
    name: 'Edit',
    input,
    inputText: JSON.stringify(input),
  })
  const base = assistant(thinking, text('On it.\n'), edit({ old: 'a', new: 'b' }))
  const said = assistant(text('Done.'))
  const withFirst = (answer: Message): GrownCall[] => [
    { id: 'a', at: 1, messages: [opening], answer: base },
    { id: 'b', at: 5, messages: [opening, answer, toolResult('t1', 'ok')], answer: said },
    {
      id: 'c',
      at: 9,
      messages: [opening, answer, toolResult('t1', 'ok'), said, user('thanks')],
      answer: assistant(text('Bye.')),
    },
  ]

  it.each<[string, Message]>([
    ['thinking is stripped', assistant(text('On it.\n'), edit({ old: 'a', new: 'b' }))],
    ['answers are trimmed', assistant(thinking, text('On it.'), edit({ old: 'a', new: 'b' }))],
    ['inputs gain a default', assistant(thinking, text('On it.\n'), edit({ old: 'a', new: 'b', replace_all: false }))],
    ['signatures are lost', assistant({ kind: 'thinking', text: 'hm' }, text('On it.\n'), edit({ new: 'b', old: 'a' }))],
    ['several thinkings stand there', assistant(thinking, thinking, text('On it.\n'), edit({ old: 'a', new: 'b' }))],
  ])('when %s', (_, answer) => {
    expect(describeLanes(grow(withFirst(answer)))).toEqual(['root a b c'])
  })

  it('when a system text inside the conversation comes and goes with the newest message', () => {
    const note: Message = { role: 'system', blocks: [text('It is Monday.')] }
    const calls = withFirst(base).map(call => ({ ...call, messages: [...call.messages, note] }))
    const tree = grow(calls)
    expect(describeLanes(tree)).toEqual(['root a b c'])
    expect(describeLinks(tree)).toEqual(['a root', 'b edit a', 'c edit b'])
    expect(findCall(tree, 'c').link.edits).toEqual([{ kind: 'text-dropped', position: null }])
  })

  it('when an interrupted tool call has no result', () => {
    const [a, b, c] = withFirst(base)
    const stopped = [opening, base, user('stop')]
    const calls = [a!, { ...b!, messages: stopped }, { ...c!, messages: [...stopped, said, user('thanks')] }]
    expect(describeLinks(grow(calls))).toEqual(['a root', 'b extend a', 'c extend b'])
  })

  it('when the client kept the second of two answers', () => {
    const [a, b] = withFirst(base)
    const kept = { ...a!, id: 'a2', at: 3, answer: assistant(text('Other.'), edit({ old: 'c', new: 'd' })) }
    const other = { ...kept, answer: assistant(text('Other.'), { ...edit({ old: 'c', new: 'd' }), id: 't2' } as Block) }
    const next: GrownCall = { ...b!, messages: [opening, other.answer!, toolResult('t2', 'ok')] }
    const { lanes } = buildLanes(grow([a!, other, next]))
    expect(lanes[0]?.steps.map(step => [step.call.call.id, step.alternatives.map(call => call.call.id)])).toEqual([
      ['a2', ['a']],
      ['b', []],
    ])
  })

  it('when each call was logged twice, out of order and stamped when it ended', () => {
    const twice = withFirst(base).flatMap((call, index) => [
      { ...call, at: 100 - index * 4, endedAt: 100 - index * 4, answerId: null },
      { ...call, id: `${call.id}2`, at: 102 - index * 4, endedAt: 102 - index * 4, answerId: null },
    ])
    const tree = grow(twice)
    expect(describeLanes(tree)).toEqual(['root a b c'])
    expect(tree.calls.map(call => call.loggedTimes)).toEqual([2, 2, 2])
  })

  it('when results carry other keys of the cache, of errors or of images', () => {
    const image: Block = { kind: 'image', mediaType: 'image/png', data: 'AAAA' }
    const shown = (mark: boolean): Message => ({
      role: 'user',
      blocks: [
        {
          kind: 'tool-result',
          callId: 't1',
          isError: true,
          content: [mark ? { ...image, extra: { cache_control: { type: 'ephemeral' } } } : image, text('failed')],
        },
      ],
    })
    const [a, b, c] = withFirst(base)
    const tree = grow([
      a!,
      { ...b!, messages: [opening, base, shown(true)] },
      { ...c!, messages: [opening, base, shown(false), said, user('ok')] },
    ])
    expect(describeLinks(tree)).toEqual(['a root', 'b extend a', 'c extend b'])
  })
})
