// What a conversation begins with when each request holds only what is new and names the answer it goes on from.
import { describe, expect, it } from 'vitest'
import type { SourceCall } from '../../../convert/sources/source.ts'
import { createLoader } from '../../../convert/tree/load.ts'
import { buildTree } from '../../../convert/tree/tree.ts'
import { assistant, decode, type ScriptedCall, text, tools, user } from '../script.ts'

const says = (words: string) => assistant(text(words))
/** A warm-up with the system text, then requests of which one adds system text of its own and one changes the tools. */
const warmUp: ScriptedCall = { id: 'w', at: 1, system: 'You are careful.', messages: [], answer: null, answerId: 'resp_w' }
const first: ScriptedCall = { id: 'a', at: 2, system: 'Permissions.', messages: [user('go')], answer: says('Going.') }
const second: ScriptedCall = { id: 'b', at: 3, system: '', messages: [user('on')], answer: says('Gone.') }

const goesOn = (call: ScriptedCall, previous: string | null, instructions = false): SourceCall => {
  const source = decode(call)
  const { conversation } = source
  const system = call.system === '' ? [] : conversation.system
  const extra = previous === null ? {} : { previous_response_id: previous }
  const notes = instructions ? { wire: { system: [{ blocks: 1, form: 'instructions' }] } } : {}
  return { ...source, conversation: { ...conversation, system, extra, ...notes } }
}
const answered = (source: SourceCall, id: string): SourceCall => ({
  ...source,
  answer: {
    ...(source.answer ?? {
      model: 'm',
      message: { role: 'assistant', blocks: [] },
      stopReason: null,
      usage: null,
      complete: true,
      error: null,
    }),
    id,
  },
})
const calls = [
  answered(goesOn(warmUp, null), 'resp_w'),
  answered(goesOn(first, 'resp_w'), 'resp_a'),
  answered(goesOn(second, 'resp_a'), 'resp_b'),
]

function load(some: readonly SourceCall[]) {
  const loader = createLoader()
  for (const call of some) loader.add(call)
  const scope = { ...loader.finish(), undecodable: 0 }
  const system = (id: string) => {
    const call = scope.calls.find(one => one.id === id)
    return scope.preambles[call?.preamble ?? -1]?.system.map(block => (block.kind === 'text' ? block.text : block.kind))
  }
  return { scope, system, tree: buildTree(scope, 's') }
}

describe('requests that go on from an answer', () => {
  const both = ['You are careful.', 'Permissions.']

  it('begin with what that answer began with, and what they add', () => {
    const { system, tree } = load(calls)
    expect([system('w'), system('a'), system('b')]).toEqual([['You are careful.'], both, both])
    expect(tree.calls.map(call => call.preambleChanged)).toEqual([false, true, false])
    const again = answered(goesOn({ ...first, system: 'You are careful.' }, 'resp_w'), 'resp_a')
    expect(load([calls[0] ?? again, again]).tree.calls.map(call => call.preambleChanged)).toEqual([false, false])
  })

  it('do so in whatever order the records come', () => {
    const { system, tree } = load([...calls].reverse())
    expect([system('a'), system('b')]).toEqual([both, both])
    expect(tree.calls.map(call => call.preambleChanged)).toEqual([false, true, false])
  })

  it('do so when the clock has the answer after them, whatever is asked for on the way', () => {
    const [warm, one, other] = calls.map((call, at) => ({
      ...call,
      exchange: { ...call.exchange, startedAt: 10 - at, endedAt: 10 - at },
    }))
    if (warm === undefined || one === undefined || other === undefined) throw new Error('three calls')
    const loader = createLoader()
    loader.add(other)
    expect(loader.finish().isChanged).toBe(false)
    loader.add(one)
    expect(loader.finish().isChanged).toBe(true)
    loader.add(warm)
    const { calls: loaded, preambles, isChanged } = loader.finish()
    expect(isChanged).toBe(true)
    expect(loaded.map(call => preambles[call.preamble]?.system.length)).toEqual([2, 2, 1])
    expect(loader.finish().isChanged).toBe(false)
  })

  it('end where they name each other in a ring', () => {
    const ring = [answered(goesOn(first, 'resp_b'), 'resp_a'), answered(goesOn(second, 'resp_a'), 'resp_b')]
    expect([load(ring).system('a'), load(ring).system('b')]).toEqual([['Permissions.'], []])
    expect(load([...ring].reverse()).system('b')).toEqual([])
  })

  it('begin anew with instructions, and change with other tools', () => {
    const [warm = decode(warmUp), one = decode(first)] = calls
    const other = answered(goesOn({ ...second, system: 'You are bold.' }, 'resp_a', true), 'resp_b')
    const { system, tree } = load([warm, one, other])
    expect(system('b')).toEqual(['You are bold.'])
    expect(tree.calls.at(-1)?.preambleChanged).toBe(true)
    const tooled = answered(goesOn(second, 'resp_a'), 'resp_b')
    const more = { ...tooled, conversation: { ...tooled.conversation, tools: [...tools, ...tools] } }
    expect(load([warm, one, more]).tree.calls.at(-1)?.preambleChanged).toBe(true)
  })
})
