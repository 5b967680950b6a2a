import { describe, expect, it } from 'vitest'
import type { Message } from '../../../core/types.ts'
import { answersOf, convert, linesOf, onBlocks, playLinear, reasonsOf } from './rows.ts'

const trim = (message: Message) =>
  onBlocks(message, block => (block.kind === 'text' ? { ...block, text: block.text.trimEnd() } : block))
const addDefault = (message: Message) =>
  onBlocks(message, block => {
    if (block.kind !== 'tool-call') return block
    const input = { command: 'ls', replace_all: false }
    return { ...block, input, inputText: JSON.stringify(input) }
  })
const drop = (message: Message) => onBlocks(message, block => (block.kind === 'thinking' ? null : block))

describe('tolerant', () => {
  it.each([
    ['trimmed', trim],
    ['with default arguments', addDefault],
  ])('goes on where an answer comes back %s, shows it as it was generated, and says so', (_, rewrite) => {
    const rows = convert(playLinear(rewrite), 'tolerant')
    expect(answersOf(rows)).toEqual([['a', 'b', 'c']])
    expect(rows[0]).toMatchObject({ approximate: true, breakReason: null })
    expect(linesOf(rows[0])).toEqual(linesOf(convert(playLinear(), 'tolerant')[0]))
  })

  it('is not approximate where nothing was rewritten', () => {
    expect(convert(playLinear(), 'tolerant').map(row => [row.policy, row.approximate])).toEqual([['tolerant', false]])
  })

  it('is cut by everything else that cuts exact, and approximate only in the rows where it was lenient', () => {
    const calls = playLinear((message, at) => (at === 1 ? trim(message) : message)).map(call =>
      call.id === 'c' ? { ...call, system: 'New.' } : call,
    )
    const rows = convert(calls, 'tolerant')
    expect([answersOf(rows), reasonsOf(rows)]).toEqual([
      [['a', 'b'], ['c']],
      [null, 'preamble-changed'],
    ])
    expect(rows.map(row => row.approximate)).toEqual([true, false])
    expect(reasonsOf(convert(playLinear(drop), 'tolerant'))).toEqual([null, 'thinking-dropped', 'thinking-dropped'])
  })
})
