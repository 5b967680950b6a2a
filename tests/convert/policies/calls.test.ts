import { describe, expect, it } from 'vitest'
import { assistant, text } from '../script.ts'
import { answersOf, convert, linesOf, playLinear } from './rows.ts'

describe('calls', () => {
  it('is a row per call with all that the model saw; what its parent said is copied', () => {
    const calls = playLinear()
    const rows = convert(calls, 'calls')
    expect(answersOf(rows)).toEqual([['a'], ['b'], ['c']])
    for (const [index, row] of rows.entries()) {
      expect(row.steps.slice(0, -1).map(step => step.message)).toEqual(calls[index]?.messages)
      expect(row).toMatchObject({ kind: 'call', lane: 'a', id: calls[index]?.id })
    }
    expect(rows.map(row => row.steps.map(step => step.copied))).toEqual([
      [false, false],
      [true, true, false, false],
      [true, true, true, true, false, false],
    ])
    expect(rows.map(row => row.parent?.callId ?? null)).toEqual([null, 'a', 'b'])
  })

  it('says of a retry that all it shows was said, and hangs it on the call it continues', () => {
    const calls = playLinear()
    const [, second] = calls
    const rows = convert(
      [...calls, { id: 'z', at: 2.5, messages: second?.messages ?? [], answer: assistant(text('No.')) }],
      'calls',
    )
    const row = rows.find(row => row.id === 'z')
    expect(row).toMatchObject({ kind: 'call', parent: { callId: 'a' } })
    expect(linesOf(row).every(line => line.startsWith('*') || line === 'assistant<z>: No.')).toBe(true)
    expect(rows.map(row => row.id)).toEqual(['a', 'b', 'z', 'c'])
  })

  it('keeps failed calls once', () => {
    const failed = { id: 'f', at: 0, messages: playLinear()[0]?.messages ?? [], answer: null }
    const rows = convert([...playLinear(), failed], 'calls')
    expect(rows.flatMap(row => row.failed.map(call => call.callId))).toEqual(['f'])
  })
})
