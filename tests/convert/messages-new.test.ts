import { describe, expect, it } from 'vitest'
import { createNewMessages } from '../../convert/messages-new.ts'
import type { Message } from '../../core/types.ts'
import { answer, assistant, conversation, type ScriptedCall, text, toolCall, toolResult, user } from './script.ts'

const first = assistant(text('On it.\n'), toolCall('t1', 'ls'))
const result = toolResult('t1', 'x.txt')
const second = assistant(text('Done.'))

function count(...calls: ReadonlyArray<readonly [messages: readonly Message[], answer: Message | null]>): number[] {
  const fold = createNewMessages()
  return calls.map(([messages, given], index) => {
    const call: ScriptedCall = { id: `c${index}`, at: index, messages, answer: given }
    return fold.add({ conversation: conversation(call), answer: answer(call) }).length
  })
}

describe('messages new in a call', () => {
  it('are those after the last answer, not the whole history', () => {
    expect(
      count(
        [[user('a')], first],
        [[user('a'), first, result], second],
        [[user('a'), first, result, second, user('b'), user('c')], null],
      ),
    ).toEqual([1, 1, 2])
  })

  it('are none in a retry of the same request', () => {
    expect(
      count([[user('a')], null], [[user('a')], first], [[user('a'), first, result], null], [[user('a'), first, result], second]),
    ).toEqual([1, 0, 1, 0])
  })

  it('are none when a request is sent again although it was answered', () => {
    expect(count([[user('a')], first], [[user('a')], second])).toEqual([1, 0])
  })

  it('are all in another conversation that happens to share the opening', () => {
    expect(count([[user('a'), user('b')], second], [[user('a'), user('x')], second])).toEqual([2, 2])
  })

  it('are counted per conversation when two run side by side', () => {
    expect(
      count(
        [[user('a')], first],
        [[user('z')], second],
        [[user('a'), first, result], second],
        [[user('z'), second, user('y')], second],
      ),
    ).toEqual([1, 1, 1, 1])
  })

  it('do not change with cache marks, trimming or joined texts', () => {
    const echoed: Message = {
      role: 'assistant',
      blocks: [text('On it.'), { ...toolCall('t1', 'ls'), extra: { cache_control: { type: 'ephemeral' } } }],
    }
    expect(count([[user('a')], first], [[user('a'), echoed, result], second])).toEqual([1, 1])
  })
})
