import { describe, expect, it } from 'vitest'
import { createBlockTable } from '../../convert/blocks.ts'
import { createHistory } from '../../convert/history.ts'
import { createLoader } from '../../convert/load.ts'
import { buildTree } from '../../convert/tree.ts'
import { asSource, findCall, type GrownCall, grow } from './grow.ts'
import { assistant, text, toolCall, toolResult, user } from './script.ts'

/** A chain of `length` user blocks; gives back its nodes, the root first. */
function chain(length: number) {
  const history = createHistory(createBlockTable())
  const nodes = [0]
  for (let index = 0; index < length; index += 1)
    nodes.push(history.addMessage(nodes.at(-1) ?? 0, 'user', [text(`block ${index}`)]))
  return { history, nodes }
}

describe('a history', () => {
  it('finds the ancestor at any depth', () => {
    const { history, nodes } = chain(200)
    for (const depth of [0, 1, 2, 3, 63, 64, 65, 127, 128, 199, 200])
      expect(history.ancestorAt(nodes[200]!, depth)).toBe(nodes[depth])
    expect(history.ancestorAt(nodes[5]!, 9)).toBe(nodes[5])
  })

  it('finds what two conversations have in common, at any distance', () => {
    const { history, nodes } = chain(100)
    for (const fork of [0, 1, 7, 50, 99]) {
      let other = nodes[fork]!
      for (let index = 0; index < 30; index += 1) other = history.addMessage(other, 'user', [text(`other ${fork} ${index}`)])
      expect(history.commonAncestor(other, nodes[100]!)).toBe(nodes[fork])
      expect(history.continues(other, nodes[fork]!)).toBe(true)
      expect(history.continues(other, nodes[100]!)).toBe(false)
    }
  })

  it('keeps each conversation once', () => {
    const { history, nodes } = chain(10)
    const size = history.size()
    expect(history.addMessage(nodes[3]!, 'user', [text('block 3')])).toBe(nodes[4])
    expect(history.size()).toBe(size)
  })

  it('gives messages back as they were, from any depth', () => {
    const history = createHistory(createBlockTable())
    let node = history.addMessage(0, 'user', [text('a'), text(''), text('b')])
    node = history.addMessage(node, 'user', [text('c')])
    node = history.addMessage(node, 'assistant', [{ kind: 'thinking', text: 'hm' }, text('d')])
    // Items of one answer that a protocol writes one by one.
    node = history.addMessage(node, 'assistant', [toolCall('t', 'ls')])
    expect(history.readMessages(node, 0)).toEqual([
      { role: 'user', blocks: [text('a'), text('b')] },
      { role: 'user', blocks: [text('c')] },
      { role: 'assistant', blocks: [{ kind: 'thinking', text: 'hm' }, text('d'), toolCall('t', 'ls')] },
    ])
    expect(history.readMessages(node, 4).map(message => message.blocks.length)).toEqual([2])
    expect(history.readMessages(node, 1)[0]).toEqual({ role: 'user', blocks: [text('b')] })
    expect(history.depthOf(node)).toBe(6)
  })

  it('is blind to extra, wire, cache marks and the order of keys, not to words, signatures and ids', () => {
    const table = createBlockTable()
    const marked = { ...text('a'), extra: { cache_control: { type: 'ephemeral' } }, wire: { form: 'string' } }
    expect(table.add('user', marked)).toBe(table.add('user', text('a')))
    const call = (input: { readonly [key: string]: number }, id = 't') =>
      ({ kind: 'tool-call', id, name: 'f', input, inputText: JSON.stringify(input) }) as const
    expect(table.add('assistant', call({ a: 1, b: 2 }))).toBe(table.add('assistant', call({ b: 2, a: 1 })))
    expect(table.add('assistant', call({ a: 1, b: 2 }))).not.toBe(table.add('assistant', call({ a: 1, b: 2 }, 'u')))
    expect(table.add('user', text('a'))).not.toBe(table.add('user', text('a ')))
    expect(table.add('user', text('a'))).not.toBe(table.add('assistant', text('a')))
    const thinking = { kind: 'thinking', text: 'hm' } as const
    expect(table.add('assistant', { ...thinking, signature: 'x' })).not.toBe(
      table.add('assistant', { ...thinking, signature: 'y' }),
    )
  })

  it('keeps the same one of two spellings, whichever came first', () => {
    const plain = text('a')
    const cited = { ...text('a'), extra: { citations: ['x'], cache_control: { type: 'ephemeral' } } }
    for (const order of [
      [plain, cited],
      [cited, plain],
    ]) {
      const table = createBlockTable()
      const [reference] = order.map(block => table.add('user', block))
      expect(table.read(reference!).block).toEqual({ ...text('a'), extra: { citations: ['x'] } })
    }
  })
})

describe('calls that continue an earlier one', () => {
  const answer = assistant(text('One.'))
  const whole: readonly GrownCall[] = [
    { id: 'a', at: 1, messages: [user('start'), { role: 'system', blocks: [] }], answer },
    {
      id: 'b',
      at: 2,
      messages: [user('start'), { role: 'system', blocks: [] }, answer, user('two')],
      answer: assistant(text('Two.')),
    },
    { id: 'c', at: 3, messages: [user('start'), answer, user('other')], answer: assistant(text('Three.')) },
  ]

  it('stand where they stand when they say everything, messages without blocks counted', () => {
    const parts: readonly GrownCall[] = [
      whole[0]!,
      { ...whole[1]!, messages: [answer, user('two')], continues: { callId: 'a', messages: 2 } },
      // Further back than what the named call itself gave.
      { ...whole[2]!, messages: [answer, user('other')], continues: { callId: 'b', messages: 1 } },
    ]
    const [one, two] = [grow(whole), grow(parts)]
    for (const id of ['a', 'b', 'c']) {
      const read = (tree: typeof one) => tree.scope.history.readMessages(findCall(tree, id).request, 0)
      expect(read(two)).toEqual(read(one))
      expect(two.nodeId(findCall(two, id).requestNode)).toBe(one.nodeId(findCall(one, id).requestNode))
    }
  })

  it('must name a call given before', () => {
    expect(() => createLoader().add(asSource({ ...whole[1]!, continues: { callId: 'never', messages: 1 } }))).toThrow('never')
  })

  it('grow the history only by what is new', () => {
    const loader = createLoader()
    let last = user('start')
    for (let index = 0; index < 300; index += 1) {
      const id = (number: number) => `c${String(number).padStart(4, '0')}`
      const said = assistant(text(`Said ${index}.`), toolCall(`t${index}`, 'ls'))
      const messages = index === 0 ? [last] : [last, toolResult(`t${index - 1}`, `out ${index}`)]
      const continues = index === 0 ? null : { callId: id(index - 1), messages: index * 2 - 1 }
      loader.add(asSource({ id: id(index), at: index, messages, answer: said, continues }))
      last = said
    }
    expect(loader.size()).toBe(1 + 1 + 300 * 2 + 299)
    const tree = buildAll(loader)
    expect(tree.calls.at(-1)?.link).toMatchObject({ relation: 'extend', known: 3 * 299 })
  })
})

function buildAll(loader: ReturnType<typeof createLoader>) {
  return buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
}

describe('names of nodes', () => {
  const calls: readonly GrownCall[] = [
    { id: 'a', at: 1, messages: [user('start')], answer: assistant(text('One.\n'), toolCall('t1', 'ls')) },
    {
      id: 'b',
      at: 2,
      messages: [user('start'), assistant(text('One.'), toolCall('t1', 'ls')), toolResult('t1', 'x')],
      answer: assistant(text('Two.')),
    },
  ]

  it('are the same in any order, differ by scope, and stay when calls are added', () => {
    const names = (tree: ReturnType<typeof grow>) =>
      calls.map(({ id }) => [tree.nodeId(findCall(tree, id).requestNode), tree.nodeId(findCall(tree, id).answerNode ?? 0)])
    const expected = names(grow(calls))
    expect(names(grow([...calls].reverse()))).toEqual(expected)
    expect(names(grow([...calls, { id: '0', at: 0, messages: [user('before')], answer: assistant(text('Zero.')) }]))).toEqual(
      expected,
    )
    expect(names(grow(calls, 'another'))).not.toEqual(expected)
    expect(new Set(expected.flat()).size).toBe(4)
    for (const name of expected.flat()) expect(name).toMatch(/^[0-9a-f]{64}$/)
  })
})
