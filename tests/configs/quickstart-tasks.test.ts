// The quick start's tasks are real: every solution passes its verifier, and no verifier passes on the turn before. `ledger`, whose tests start
// hundreds of processes, is played by tests/real/quickstart.test.ts.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { writeTasks } from '../../scripts/make-quickstart.ts'
import { expectSolved, file, tasks, timeoutMs } from './_quickstart-tasks.ts'

it('tasks.jsonl is what its sources say', () => {
  expect(readFileSync(file, 'utf8')).toBe(writeTasks())
  expect(tasks.map(task => [task.id, task.turns.length])).toEqual([
    ['slug', 3],
    ['ledger', 3],
    ['todo', 3],
  ])
})

it.each(tasks.filter(({ id }) => id !== 'ledger'))(
  '$id: each solution passes its tests; on the one before it the new ones fail, the carried ones pass',
  task => expectSolved(task),
  timeoutMs,
)
