import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type Answering,
  chooseAnswered,
  compareCalls,
  createAnswerIds,
  sortAnswered,
  type Timed,
} from '../../../convert/tree/answered.ts'

const calls = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), startedAt: fc.nat(9), endedAt: fc.option(fc.nat(12)) }),
  { minLength: 1, maxLength: 12, selector: call => call.id },
)
const end = (call: Timed): number => call.endedAt ?? call.startedAt

it('puts calls in one order, however they come', () => {
  fc.assert(
    fc.property(calls, given => {
      expect([...given].reverse().sort(compareCalls)).toEqual([...given].sort(compareCalls))
    }),
  )
})

it('goes on from the latest that had ended; of equal ones from the smallest id, and so where none had', () => {
  fc.assert(
    fc.property(calls, fc.nat(12), (given, startedAt) => {
      const ended = given.filter(call => end(call) <= startedAt)
      const latest = Math.max(...ended.map(end))
      const fitting = ended.length === 0 ? given : ended.filter(call => end(call) === latest)
      const least = fitting.map(call => call.id).reduce((one, other) => (one < other ? one : other))
      expect(chooseAnswered(sortAnswered(given), { id: 'new', startedAt, endedAt: null })?.id).toBe(least)
    }),
  )
  expect(chooseAnswered(sortAnswered([]), { id: 'new', startedAt: 1, endedAt: null })).toBeNull()
})

it('whose answer a request names is found among the noted calls, and never itself', () => {
  const call = (id: string, answerId: string | null, previousAnswerId: string | null): Answering => {
    return { id, startedAt: 1, endedAt: 2, answerId, previousAnswerId }
  }
  const answers = createAnswerIds<Answering>()
  const [first, second, ring] = [call('1', 'a', null), call('2', 'b', 'a'), call('3', 'c', 'c')]
  for (const each of [first, second, ring]) answers.note(each)
  expect([first, second, ring, call('4', null, 'gone')].map(answers.findPrevious)).toEqual([null, first, null, null])
})
