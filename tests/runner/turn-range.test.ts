import { expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { planGrid } from '../../runner/grid.ts'
import type { Policy } from '../../runner/policy.ts'
import { rangeOf } from '../../runner/turn-range.ts'
import { makePolicy } from '../rows.ts'
import { task as greeting } from './_tasks.ts'

const policy = makePolicy()
const named = (id: string, names: ReadonlyArray<string | undefined>): Task => {
  const [first] = greeting.turns
  if (first === undefined) throw new Error('the task has turns')
  const turns = names.map((name, at) => ({ ...first, index: at + 1, ...(name === undefined ? {} : { name }) }))
  return { ...greeting, id, turns }
}
const rounds = named('rounds', ['scaffold', 'round-1', 'round-2'])
const numbers = ({ fromTurn, toTurn }: Policy) => [fromTurn, toTurn]

it('takes numbers, names and numbers as text, and leaves alone what is not given', () => {
  expect(numbers(rangeOf(rounds, policy, {}))).toEqual([1, null])
  expect(numbers(rangeOf(rounds, policy, { fromTurn: 2, toTurn: 3 }))).toEqual([2, 3])
  expect(numbers(rangeOf(rounds, policy, { fromTurn: 'round-1', toTurn: 'round-2' }))).toEqual([2, 3])
  expect(numbers(rangeOf(rounds, policy, { toTurn: '2' }))).toEqual([1, 2])
  expect(rangeOf(rounds, policy, { fromTurn: 'scaffold' })).toEqual(policy)
})

it('a name goes before a number, and turns without a name have the usual one', () => {
  expect(numbers(rangeOf(named('digits', ['2', '1']), policy, { fromTurn: '1', toTurn: 2 }))).toEqual([2, 2])
  expect(numbers(rangeOf(named('plain', [undefined, undefined]), policy, { fromTurn: 'turn-2' }))).toEqual([2, null])
})

it('lists the names when there is no such turn, and the nearest first', () => {
  const wrong = (name: string) => () => rangeOf(rounds, policy, { toTurn: name })
  expect(wrong('round2')).toThrow(/to-turn: no turn of task rounds is named "round2"/)
  expect(wrong('round2')).toThrow(
    expect.objectContaining({
      code: 'E_USAGE',
      hint: 'did you mean round-2? turns of rounds: scaffold, round-1, round-2 (or 1 to 3)',
    }),
  )
  for (const name of ['0', '-1', '1.5', 'x'.repeat(20)])
    expect(wrong(name)).toThrow(expect.objectContaining({ hint: 'turns of rounds: scaffold, round-1, round-2 (or 1 to 3)' }))
})

it('the same name is looked up in each task of a run', () => {
  const other = named('other', ['round-2', 'round-3'])
  const agents = [{ id: 'nop', model: null }]
  const cells = planGrid({ tasks: [rounds, other], agents, trials: 1, policy, range: { fromTurn: 'round-2' } })
  expect(cells.map(cell => [cell.task.id, cell.policy.fromTurn])).toEqual([
    ['rounds', 3],
    ['other', 1],
  ])
  const plan = (range: { fromTurn?: string | number; toTurn?: string | number }) =>
    planGrid({ tasks: [rounds], agents, trials: 1, policy, range })
  expect(() => plan({ fromTurn: 'round-2', toTurn: 'round-1' })).toThrow(/to-turn 2 lies before from-turn 3/)
  expect(() => plan({ fromTurn: 9 })).toThrow(/rounds has 3 turns; from-turn is 9/)
  expect(() => plan({ fromTurn: 0 })).toThrow(/from-turn must be a whole number from 1/)
})
