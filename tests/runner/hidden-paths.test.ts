import { expect, it } from 'vitest'
import { listHiddenPaths } from '../../runner/hidden-paths.ts'
import { task } from './_tasks.ts'

it('names the record, the task file, and of tasks with directories all of them', () => {
  const source = { file: '/tasks/greeting.jsonl', line: 1 }
  expect(listHiddenPaths({ ...task, source }, ['/store', '/store'])).toEqual(['/store', '/tasks/greeting.jsonl'])
  const turns = task.turns.map(turn => ({
    ...turn,
    verifier: { ...turn.verifier, trees: [{ directory: '/shared/tests', to: '/tests' }] },
  }))
  const harbor = { ...task, turns, source: { file: '/tasks/one/task.toml', line: 1 } }
  expect(listHiddenPaths(harbor, ['/'])).toEqual(['/tasks/one', '/shared/tests'])
})
