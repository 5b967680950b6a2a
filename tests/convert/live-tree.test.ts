import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLiveTree } from '../../convert/live-tree.ts'
import type { CallTree } from '../../convert/tree.ts'
import type { Message } from '../../core/types.ts'
import { asSource, type GrownCall, grow } from './grow.ts'
import { assistant, text, toolCall, toolResult, user } from './script.ts'

/** All of a tree that does not number nodes of one run. */
function describeTree(tree: CallTree) {
  return tree.calls.map(call => ({
    id: call.call.id,
    link: { ...call.link, parent: call.link.parent === null ? null : tree.calls[call.link.parent]?.call.id },
    request: tree.nodeId(call.requestNode),
    answer: call.answerNode === null ? null : tree.nodeId(call.answerNode),
    depth: tree.scope.history.depthOf(call.request),
    retryOf: call.retryOf === null ? null : tree.calls[call.retryOf]?.call.id,
    changed: call.preambleChanged,
    loggedTimes: call.loggedTimes,
  }))
}

type Step =
  | 'tool'
  | 'say'
  | 'same'
  | 'retry'
  | 'fail'
  | 'switch'
  | 'rewind'
  | 'side'
  | 'task'
  | 'sub'
  | 'edit'
  | 'declare'
  | 'twice'
  | 'reused'
  | 'early'
const kinds: Step[] = [
  'tool',
  'tool',
  'say',
  'same',
  'retry',
  'fail',
  'switch',
  'rewind',
  'side',
  'task',
  'sub',
  'edit',
  'declare',
  'twice',
  'reused',
  'early',
]

/** Calls as odd clients make them: what is told of the histories is all that matters here. */
function play(script: readonly Step[]): GrownCall[] {
  const calls: GrownCall[] = []
  const threads: Message[][] = [[user('the first conversation of all')], [user('the second conversation of all')]]
  let current = 0
  const send = (index: number, messages: readonly Message[], answer: Message | null, more: Partial<GrownCall> = {}) => {
    const id = `c${String(index).padStart(3, '0')}`
    calls.push({ id, at: index * 10, messages: [...messages], answer, answerId: index % 5 === 4 ? null : `msg_${id}`, ...more })
  }
  for (const [index, step] of script.entries()) {
    const thread = threads[current] ?? []
    const tool = (id: string, command = `run ${index}`) =>
      assistant({ kind: 'thinking', text: `hm ${index}` }, toolCall(id, command))
    const goOn = (answer: Message, next: Message) => {
      send(index, thread, answer)
      thread.push(answer, next)
    }
    if (step === 'tool') goOn(tool(`t${index}`), toolResult(`t${index}`, `out ${index}`))
    else if (step === 'reused') goOn(tool('call_0'), toolResult('call_0', `out ${index}`))
    else if (step === 'say') goOn(assistant(text(`Said ${index}.`)), user(`next ${index}`))
    else if (step === 'same') goOn(assistant(text('Done.')), user('next'))
    else if (step === 'task') goOn(tool(`t${index}`, `please do the task of number ${index}`), toolResult(`t${index}`, 'sub'))
    else if (step === 'sub')
      send(index, [user(`please do the task of number ${index - 1}`)], assistant(text(`Sub ${index}.`)), { system: 'Sub.' })
    else if (step === 'retry') send(index, thread, assistant(text(index % 2 === 0 ? 'Done.' : `thrown ${index}`)))
    else if (step === 'fail') send(index, thread, null)
    else if (step === 'switch') current = 1 - current
    else if (step === 'rewind')
      threads[current] = [...thread.slice(0, 1 + 2 * Math.floor(thread.length / 4)), user(`instead ${index}`)]
    else if (step === 'side') send(index, thread.slice(0, 1), assistant(text('A title')), { system: 'Titles.', tools: [] })
    else if (step === 'edit') threads[current] = [user(`changed ${index}`), ...thread.slice(1)]
    else if (step === 'early')
      send(index, [...thread, user(`early ${index}`)], assistant(text(`Early ${index}.`)), { at: (index * 7) % 50 })
    else if (step === 'twice') {
      const last = calls.at(-1)
      if (last !== undefined) calls.push({ ...last, id: `c${String(index).padStart(3, '0')}`, at: last.at + 3 })
    } else {
      const last = calls.at(-1)
      if (last !== undefined)
        send(index, [user(`only what is new ${index}`)], assistant(text(`Pointed ${index}.`)), {
          extra: { previous_response_id: last.answerId ?? 'msg_never' },
        })
    }
  }
  return calls
}

describe('a live tree', () => {
  it('is after each call the tree of all calls so far', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...kinds), { maxLength: 25 }), script => {
        const calls = play(script)
        const live = createLiveTree('s')
        for (const [index, call] of calls.entries()) {
          live.add(asSource(call))
          expect(describeTree(live.tree())).toEqual(describeTree(grow(calls.slice(0, index + 1))))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('does not depend on the order of records', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...kinds), { maxLength: 25 }), fc.infiniteStream(fc.nat()), (script, random) => {
        const calls = play(script)
        const shuffled = calls.map(call => ({ call, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at)
        const live = createLiveTree('s')
        for (const { call } of shuffled) live.add(asSource(call))
        expect(describeTree(live.tree())).toEqual(describeTree(grow(calls)))
      }),
      { numRuns: 100 },
    )
  })

  it('is built once while calls come in their order', () => {
    const live = createLiveTree('s')
    for (const call of play(Array.from({ length: 40 }, (_, index) => kinds[index % 4] ?? 'tool'))) {
      live.add(asSource(call))
      live.tree()
    }
    expect(live.rebuilt()).toBe(1)
    expect(live.tree()).toBe(live.tree())
  })

  it('is built again when a call comes late or changes what an id means', () => {
    const [a, b] = play(['tool', 'say'])
    const live = createLiveTree('s')
    live.add(asSource(b!))
    expect(live.tree().calls[0]?.link.relation).toBe('root')
    live.add(asSource(a!))
    expect(live.tree().calls[1]?.link.relation).toBe('extend')
    expect(live.rebuilt()).toBe(2)
  })

  it('is built again when an answer comes that an earlier request already held, in a log stamped out of turn', () => {
    const said = assistant(text('Said before it was logged.'))
    const start = user('start')
    const live = createLiveTree('s')
    live.add(asSource({ id: 'b', at: 10, messages: [start, said, user('go on')], answer: assistant(text('Then.')) }))
    expect(live.tree().calls[0]?.link.relation).toBe('root')
    live.add(asSource({ id: 'a', at: 20, messages: [start], answer: said }))
    expect(live.tree().calls.map(({ call, link }) => [call.id, link.relation])).toEqual([
      ['a', 'root'],
      ['b', 'extend'],
    ])
  })

  it('takes no notice of a call that it has', () => {
    const live = createLiveTree('s')
    const [a] = play(['tool'])
    live.add(asSource(a!))
    const tree = live.tree()
    live.add(asSource(a!))
    expect(live.tree()).toBe(tree)
  })
})
