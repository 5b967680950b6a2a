import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { estimateTokens, openHistory } from '../../../runner/terminus/history.ts'
import { makeDirectory } from '../_sandbox.ts'

it('is the same for the next process, and joins what nobody has answered', () => {
  const file = join(makeDirectory(), 'deep', 'h.jsonl')
  const history = openHistory(file)
  history.addRequest('do "ä"')
  history.say('one')
  history.answer('two', 5)
  history.say('three')
  const again = openHistory(file)
  again.say('four')
  expect(again.messages()).toEqual([
    { role: 'user', text: 'one' },
    { role: 'assistant', text: 'two' },
    { role: 'user', text: 'three\n\nfour' },
  ])
  expect(again.requests()).toEqual(['do "ä"'])
})

it('keeps on disk what compaction has replaced, and never sends it again', () => {
  const file = join(makeDirectory(), 'h.jsonl')
  const history = openHistory(file)
  history.addRequest('first')
  history.say('long ago')
  history.answer('gone', 900)
  history.replace([{ role: 'user', text: 'briefing' }])
  history.answer('going on', null)
  expect(openHistory(file).messages()).toEqual([
    { role: 'user', text: 'briefing' },
    { role: 'assistant', text: 'going on' },
  ])
  expect(history.requests()).toEqual(['first'])
  expect(readFileSync(file, 'utf8')).toContain('long ago')
  expect(history.tokens()).toBe(estimateTokens('briefing') + estimateTokens('going on'))
})

it('counts what the provider has counted, and estimates the rest', () => {
  const history = openHistory(join(makeDirectory(), 'h.jsonl'))
  expect(history.tokens()).toBe(0)
  history.say('x'.repeat(400))
  expect(history.tokens()).toBe(100)
  history.answer('y'.repeat(40), 1_234)
  expect(history.tokens()).toBe(1_234)
  history.say('ü'.repeat(10))
  expect(history.tokens()).toBe(1_239)
})

it('has no empty answers, which providers refuse', () => {
  const history = openHistory(join(makeDirectory(), 'h.jsonl'))
  history.say('hello')
  history.answer(' \n', null)
  expect(history.messages().at(-1)).toEqual({ role: 'assistant', text: '(empty reply)' })
})

it('drops a last line that a killed process left half-written', () => {
  const file = join(makeDirectory(), 'h.jsonl')
  writeFileSync(file, '{"role":"user","text":"whole"}\n{"role":"assis')
  expect(openHistory(file).messages()).toEqual([{ role: 'user', text: 'whole' }])
})
