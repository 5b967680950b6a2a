// `turnpike tasks check` on data sets good and bad; the published EvoCode-Bench has the shape of the first.
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkTasks } from '../../cli/tasks-check.ts'
import { makeDirectory } from '../runner/_sandbox.ts'
import { single, stepped, writeFiles } from '../runner/tasks/_harbor-files.ts'
import { openPlace } from './_cli.ts'

it('counts 26 tasks and 227 steps of a set of that shape', async () => {
  const root = makeDirectory()
  // 19 of 9 and 7 of 8 are 227.
  for (let task = 0; task < 26; task++) {
    const rounds = Array.from({ length: task < 19 ? 9 : 8 }, (_, index) => `round-${index + 1}`)
    writeFiles(join(root, `d${task}_w1`), stepped(rounds))
  }
  expect(await checkTasks(root)).toMatchObject({
    tasks: 26,
    turns: 227,
    turns_without_tests: 0,
    turns_without_solution: 0,
    findings: [],
  })
})

it('tells every mistake of a set, not only the first', async () => {
  const root = makeDirectory()
  writeFiles(join(root, 'a'), single('[environment]\ncpus = "x"\n'))
  writeFiles(join(root, 'b'), single('[agent]\ntimeout = 3\n'))
  rmSync(join(root, 'b/solution'), { recursive: true })
  rmSync(join(root, 'b/tests'), { recursive: true })
  writeFiles(join(root, 'c'), {
    ...single(''),
    'environment/Dockerfile': 'FROM x\nCOPY --from=y /a /b\nCOPY here.txt \\\n  gone.txt /app/\nADD https://a/b *.txt $X /c\n',
  })
  writeFileSync(join(root, 'c/environment/here.txt'), '')
  writeFiles(join(root, 'd'), { ...single(''), 'environment/Dockerfile': '# nothing\n' })
  writeFiles(join(root, 'e/b'), single(`[environment.env]\nA = "${'$'}{NOT_SET_ANYWHERE}"\n`))
  const found = await checkTasks(root)
  expect(found).toMatchObject({ tasks: 4, turns: 4, turns_without_tests: 1, turns_without_solution: 1 })
  const told = found.findings.map(({ level, task, message }) => [level, task, message.replaceAll(root, '…')])
  expect(told).toEqual([
    ['error', null, '…/a/task.toml:2: environment.cpus must be a number, not "x"'],
    ['warning', 'b', '…/b/task.toml:2: agent.timeout is no known key and is passed over'],
    ['warning', 'b', '…/b/task.toml:1: the task has no tests/test.sh: it is played and not scored'],
    ['error', 'b', '…/e/b/task.toml: id "b" is already used in …/b/task.toml'],
    ['error', 'c', '…/c/environment/Dockerfile: copies gone.txt, which is not in …/c/environment'],
    ['error', 'd', '…/d/environment/Dockerfile: has no FROM line, so no image can be built from it'],
  ])
})

it('is a command that exits with 1 when something could not be run', { timeout: 60_000 }, async () => {
  const place = openPlace()
  const task = writeFiles(join(place.directory, 'task'), stepped(['one', 'two']))
  const fine = await place.ask(['tasks', 'check', 'task'])
  expect([fine.code, fine.stdout]).toEqual([0, '1 task, 2 turns; 0 errors, 0 warnings\n'])
  appendFileSync(join(task, 'task.toml'), '\n[agent]\ntimeout_sec = "long"\n')
  const bad = await place.ask(['tasks', 'check', 'task', '--json'])
  expect(bad.code).toBe(1)
  expect(JSON.parse(bad.stdout).findings[0]).toMatchObject({
    level: 'error',
    message: expect.stringContaining('agent.timeout_sec'),
  })
  const other = await place.ask(['tasks', 'chekc', 'task'])
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('turnpike tasks knows check')])
  await place.close()
})
