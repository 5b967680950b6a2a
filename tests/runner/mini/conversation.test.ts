import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openConversation } from '../../../runner/mini/conversation.ts'
import { makeDirectory } from '../_sandbox.ts'

it('is the same for the next process, to the byte', () => {
  const file = join(makeDirectory(), 'deep', 'c.jsonl')
  const first = openConversation<unknown>(file)
  const messages = [
    { role: 'user', content: 'a\n"ä\u2028' },
    { b: 1, a: [1.5, null] },
  ]
  for (const message of messages) first.append(message)
  expect(JSON.stringify(openConversation(file).messages)).toBe(JSON.stringify(messages))
  expect(JSON.stringify(first.messages)).toBe(JSON.stringify(messages))
})

it('drops a last line that a killed process left half-written, also after going on', () => {
  const file = join(makeDirectory(), 'c.jsonl')
  writeFileSync(file, '{"n":1}\n{"n":')
  const conversation = openConversation<{ n: number }>(file)
  expect(conversation.messages).toEqual([{ n: 1 }])
  conversation.append({ n: 2 })
  expect(openConversation(file).messages).toEqual([{ n: 1 }, { n: 2 }])
})

it('refuses a file that was damaged in the middle', () => {
  const file = join(makeDirectory(), 'c.jsonl')
  writeFileSync(file, '{"n":1}\n')
  appendFileSync(file, '{"n":\n{"n":3}\n')
  expect(() => openConversation(file)).toThrow(/c\.jsonl:2: is no JSON message/)
})
