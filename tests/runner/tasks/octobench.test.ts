// OctoBench instances become tasks that are played and not scored; what belongs to the judge is kept as it came.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadTasks } from '../../../runner/tasks/_all.ts'
import { parseInstances } from '../../../runner/tasks/octobench.ts'
import { makeDirectory } from '../_sandbox.ts'

const instance = {
  instance_id: 'md-course-builder',
  user_query: ['Build it.', 'Now change it.'],
  system_prompt: 'Be brief.',
  category: 'Claude.md',
  image: 'example/feed:tag',
  workspace_abs_path: '/workspace/course',
  scaffold: { name: 'claudecode', version: '2.0.69' },
  checklist: { SP: { description: 'd', checks: [{ check_id: 'c1', description: 'q', check_type: 'compliance' }] } },
  expected_skill: null,
}
const line = (change = {}): string => JSON.stringify({ ...instance, ...change })

it('reads an instance: its queries are the turns, without a verifier', () => {
  const { tasks, warnings } = parseInstances(`${line()}\n\n`, 'o.jsonl')
  expect(warnings).toEqual([])
  expect(tasks).toHaveLength(1)
  const [task] = tasks
  expect(task?.turns.map(turn => [turn.index, turn.instruction, turn.verifier.command, turn.solution])).toEqual([
    [1, 'Build it.', [], null],
    [2, 'Now change it.', [], null],
  ])
  expect(task?.environment).toMatchObject({ image: { kind: 'name', name: 'example/feed:tag' }, workdir: '/workspace/course' })
  expect(task?.metadata).toMatchObject({
    octobench: { system_prompt: 'Be brief.', category: 'Claude.md', checklist: instance.checklist, expected_skill: null },
  })
  expect(task?.source).toEqual({ file: 'o.jsonl', line: 1 })
})

it('reads both shapes of the published files, and checklists written as text', () => {
  const { expected_skill: _, ...conflict } = instance
  const text = [
    line(),
    JSON.stringify({ ...conflict, instance_id: 'c', conflict_type: 'UQ_vs_SP', checklist: JSON.stringify(instance.checklist) }),
  ]
  const { tasks, warnings } = parseInstances(text.join('\n'), 'o.jsonl')
  expect(warnings).toEqual([])
  expect(tasks[1]?.metadata).toMatchObject({ octobench: { conflict_type: 'UQ_vs_SP', checklist: instance.checklist } })
})

it('keeps unknown fields and warns of them', () => {
  const { tasks, warnings } = parseInstances(line({ catgory: 'x' }), 'o.jsonl')
  expect(warnings.join()).toMatch(/o\.jsonl:1: unknown key "catgory".*did you mean "category"/)
  expect(tasks[0]?.metadata).toMatchObject({ octobench: { catgory: 'x' } })
})

it.each([
  [line({ user_query: [] }), /o\.jsonl:1: user_query is empty/],
  [line({ user_query: ['a', ' '] }), /o\.jsonl:1: user_query\[1\] is empty/],
  [line({ user_query: 'a' }), /user_query must be a list/],
  [line({ instance_id: '../x' }), /instance_id must be letters/],
  [line({ checklist: '{' }), /checklist is a text that is no valid JSON/],
  [line({ checklist: [1] }), /checklist must be an object/],
  ['{"instance_id"', /o\.jsonl:1: is no valid JSON/],
])('refuses %s', (text, message) => {
  expect(() => parseInstances(text, 'o.jsonl')).toThrow(message)
})

it('is told apart from other JSON Lines by its keys', async () => {
  const directory = makeDirectory()
  writeFileSync(join(directory, 'data.jsonl'), `${line()}\n`)
  expect((await loadTasks(directory)).tasks.map(task => task.id)).toEqual(['md-course-builder'])
  expect((await loadTasks(join(directory, 'data.jsonl'))).tasks).toHaveLength(1)
  const own = { id: 'a', turns: [{ instruction: 'instance_id', verifier: { command: ['true'] } }] }
  writeFileSync(join(directory, 'own.jsonl'), `${JSON.stringify(own)}\n`)
  expect((await loadTasks(join(directory, 'own.jsonl'))).tasks.map(task => task.id)).toEqual(['a'])
})
