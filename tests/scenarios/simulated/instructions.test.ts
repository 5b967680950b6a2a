import { describe, expect, it } from 'vitest'
import type { Block, Message } from '../../../core/types.ts'
import { countCallsSince, listInstructions } from '../../../scenarios/simulated/instructions.ts'

const text = (value: string): Block => ({ kind: 'text', text: value })
const user = (...texts: string[]): Message => ({ role: 'user', blocks: texts.map(text) })
const assistant = (value = 'ok'): Message => ({ role: 'assistant', blocks: [text(value)] })
const result: Message = { role: 'user', blocks: [{ kind: 'tool-result', callId: 'c', content: [text('out')], isError: false }] }
const texts = (messages: Message[]) => listInstructions(messages).map(instruction => instruction.text)

describe('listInstructions', () => {
  it('finds what the user typed, not tool results', () => {
    expect(texts([user('one'), assistant(), result, assistant(), user('two'), assistant(), result])).toEqual(['one', 'two'])
  })

  it.each([
    [
      'reminders beside it',
      user('<system-reminder>\nskills\n</system-reminder>', '<system-reminder>x</system-reminder>', 'do it'),
    ],
    ['a date in front of it', user('<current_datetime>2026-11-21</current_datetime>\n\ndo it')],
    ['a wrapper around it', user('<user_query>\ndo it\n</user_query>')],
    ['details after it', user('do it\n', '\n\n<environment_details>\ncwd\n</environment_details>')],
    ['nothing', user('do it')],
  ])('sees the same instruction with %s', (_what, message) => {
    expect(texts([message])).toEqual(['do it'])
  })

  it('passes over user messages that hold only context, and messages in the system role', () => {
    const reminder = user('<system-reminder>date</system-reminder>')
    expect(texts([user('do it'), reminder, { role: 'system', blocks: [text('note')] }, assistant(), reminder])).toEqual(['do it'])
  })

  it('takes a reminder next to a tool result for context', () => {
    const mixed: Message = { role: 'user', blocks: [...result.blocks, text('<system-reminder>n</system-reminder>')] }
    expect(texts([user('do it'), assistant(), mixed])).toEqual(['do it'])
  })

  it('does not take the request to go on after a cut for an instruction', () => {
    expect(texts([user('do it'), assistant('half'), user('Your answer was cut off mid-stream. Go on.')])).toEqual(['do it'])
    expect(texts([user('explain: cut off mid-stream')])).toEqual(['explain: cut off mid-stream'])
  })

  it('does not take the summary of a compacted session for an instruction', () => {
    const summary = user('Another language model started to solve this problem and produced a summary: x')
    expect(texts([user('do it'), summary])).toEqual(['do it'])
  })

  it('knows which task feedback belongs to', () => {
    const failed = 'The tests for this turn failed: 1 of 2 passed.'
    expect(listInstructions([user('build a'), assistant(), user(failed), assistant(), user(failed)])).toEqual([
      { text: 'build a', feedback: false, task: 'build a', at: 0 },
      { text: failed, feedback: true, task: 'build a', at: 2 },
      { text: failed, feedback: true, task: 'build a', at: 4 },
    ])
  })

  it('reads the task from feedback to an agent without memory', () => {
    const [instruction] = listInstructions([
      user('The tests for this turn failed.\n\nFAILED x\n\nThe request was:\n\nbuild a\n\nnow'),
    ])
    expect(instruction).toMatchObject({ feedback: true, task: 'build a\n\nnow' })
  })

  it('has feedback alone be its own task', () => {
    expect(listInstructions([user('The tests for this turn failed.')])[0]?.task).toBe('The tests for this turn failed.')
  })
})

describe('countCallsSince', () => {
  it('counts answers after the instruction', () => {
    const messages = [user('one'), assistant(), result, assistant(), user('two'), assistant(), result, assistant(), result]
    expect(countCallsSince(messages, 0)).toBe(4)
    expect(countCallsSince(messages, 4)).toBe(2)
    expect(countCallsSince([user('one')], 0)).toBe(0)
  })

  it('does not count an answer that was begun and is to be continued', () => {
    expect(countCallsSince([user('one'), assistant('It is')], 0)).toBe(0)
    expect(countCallsSince([user('one'), assistant('half'), user('The connection dropped, continue.')], 0)).toBe(0)
  })
})
