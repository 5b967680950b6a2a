import { expect, it } from 'vitest'
import { type GridOptions, planGrid } from '../../runner/grid.ts'
import type { Policy } from '../../runner/policy.ts'
import { makePolicy } from '../rows.ts'
import { task as greeting } from './_tasks.ts'

const task = (id: string) => ({ ...greeting, id })

const policy = makePolicy()
const plan = (change: Partial<GridOptions> & { rules?: Partial<Policy> }) =>
  planGrid({
    tasks: [task('a')],
    agents: [{ id: 'nop', model: null }],
    trials: 1,
    ...change,
    policy: { ...policy, ...change.rules },
  })

it('names every cell once, first repetitions first', () => {
  const agents = [
    { id: 'mini', model: 'vendor/m1' },
    { id: 'mini', model: 'm2' },
    { id: 'nop', model: null },
  ]
  expect(plan({ tasks: [task('a'), task('b')], agents, trials: 2 }).map(cell => cell.name)).toEqual(
    ['1', '2'].flatMap(k => ['a', 'b'].flatMap(id => [`${id}.mini@vendor/m1.${k}`, `${id}.mini@m2.${k}`, `${id}.nop.${k}`])),
  )
})

it.each([
  [{ tasks: [] }, /no tasks/],
  [{ agents: [] }, /no agents/],
  [{ trials: 0 }, /trials must be a whole number from 1, not 0/],
  [{ trials: 1.5 }, /trials must be/],
  [{ rules: { attempts: Number.NaN } }, /attempts must be/],
  [{ rules: { fromTurn: 2, toTurn: 1 } }, /to-turn 1 lies before from-turn 2/],
  [{ rules: { fromTurn: 3 } }, /a has 2 turns; from-turn is 3/],
  [
    {
      agents: [
        { id: 'nop', model: null },
        { id: 'nop', model: null },
      ],
    },
    /two cells of the run are named a\.nop@default\.1/,
  ],
  [{ agents: [{ id: 'command', model: null }] }, /command needs a command/],
  [
    { agents: [{ id: 'command', model: null, command: { first: ['x'], next: null, stdin: null, env: {} } }] },
    /cannot continue a conversation, and task a has 2 turns/,
  ],
])('refuses %o', (change, message) => {
  expect(() => plan(change)).toThrow(message)
})

it('lets an agent without memory play a single turn', () => {
  const agents = [{ id: 'command', model: null, command: { first: ['x'], next: null, stdin: null, env: {} } }]
  expect(plan({ agents, rules: { fromTurn: 2 } })).toHaveLength(1)
  expect(plan({ agents, rules: { freshSession: true } })).toHaveLength(1)
})

it('wants a solution wherever the run will need one', () => {
  const [first, second] = greeting.turns
  if (!first || !second) throw new Error('the task has two turns')
  const tasks = [{ ...greeting, turns: [first, { ...second, solution: null }] }]
  expect(() => plan({ tasks, agents: [{ id: 'oracle', model: null }] })).toThrow(
    /greeting\.jsonl:1: turn 2 of task greeting has no solution/,
  )
  expect(() => plan({ tasks, rules: { onFailure: 'reset-to-reference' } })).toThrow(/turn 2/)
  expect(plan({ tasks, rules: { fromTurn: 2 } })).toHaveLength(1)
  expect(plan({ tasks })).toHaveLength(1)
})
