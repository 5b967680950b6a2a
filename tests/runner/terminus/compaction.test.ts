import { join } from 'node:path'
import { expect, it } from 'vitest'
import { compact, dropFromEnd } from '../../../runner/terminus/compaction.ts'
import { type Message, openHistory } from '../../../runner/terminus/history.ts'
import { makeDirectory, never } from '../_sandbox.ts'

const talk = (pairs: number): Message[] =>
  Array.from({ length: pairs * 2 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    text: `${index} `.padEnd(400, 'x'),
  }))

it('drops whole pairs from the end until it fits, never the first', () => {
  expect(dropFromEnd(talk(5), 1_000)).toEqual(talk(5))
  expect(dropFromEnd(talk(5), 999)).toEqual(talk(4))
  expect(dropFromEnd(talk(5), 400)).toEqual(talk(2))
  expect(dropFromEnd(talk(5), -1)).toEqual(talk(1))
  expect(dropFromEnd([], 0)).toEqual([])
})

it('is called off with the work, and leaves the conversation as it was', async () => {
  const history = openHistory(join(makeDirectory(), 'h.jsonl'))
  history.addRequest('task')
  for (const { role, text } of talk(3)) role === 'user' ? history.say(text) : history.answer(text, null)
  const before = history.messages()
  const stop = new AbortController()
  const ask = async (): Promise<never> => {
    stop.abort()
    throw new Error('aborted')
  }
  const terminal = { shown: 's', capture: { whole: 's', screen: 's' } }
  const input = { history, parser: 'json', ask, terminal, contextLimit: 9_000, signal: stop.signal } as const
  await expect(compact(input)).rejects.toThrow('aborted')
  expect(history.messages()).toEqual(before)
  // The same failure without a call-off is survived.
  expect(await compact({ ...input, signal: never })).toMatchObject({
    way: 'bare',
    prompt: expect.stringContaining('TASK:\ntask'),
  })
  expect(history.messages()).toEqual([])
})
