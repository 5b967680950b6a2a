// `turnpike tasks check` on data sets good and bad; the published EvoCode-Bench has the shape of the first.
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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

it('names file, line and key of what is wrong with a chain', async () => {
  const root = makeDirectory()
  const broken = (name: string, toml: string, remove?: string): void => {
    writeFiles(join(root, name), { ...stepped(['one', 'two']), 'task.toml': toml })
    if (remove !== undefined) rmSync(join(root, name, remove))
  }
  const steps = '[[steps]]\nname = "one"\n\n[[steps]]\nname = "two"\n'
  broken('a', 'schema_version = "1.2"\n[agent\n')
  broken('b', `${steps}\n[[steps]]\nname = "two"\n`)
  broken('c', `${steps}\n[[steps]]\nmin_reward = 1\n`)
  broken('d', `${steps}min_reward = "high"\n`)
  broken('e', `${steps}[steps.agent]\ntimeout_sec = "x"\n`)
  broken('f', steps, 'steps/two/instruction.md')
  broken('g', '[[steps]]\nname = "one"\n')
  broken('h', steps, 'steps/two/tests/test.sh')
  broken('i', `schema_version = 1.2\n${steps}minreward = 1\n`)
  broken('j', steps, 'environment/Dockerfile')
  const found = await checkTasks(root)
  expect([found.tasks, found.turns, found.turns_without_tests]).toEqual([3, 5, 1])
  expect(found.findings.map(({ level, message }) => `${level} ${message.replaceAll(root, '')}`).sort()).toEqual([
    'error /a/task.toml:2:7: illegal character in key',
    'error /b/task.toml:8: steps[2].name is "two" as in an earlier step',
    'error /c/task.toml:7: steps[2].name is missing; it names the folder of the step',
    'error /d/task.toml:6: steps[1].min_reward must be a number, or a table of numbers',
    'error /e/task.toml:7: steps[1].agent.timeout_sec must be a number, not "x"',
    'error /f/task.toml:5: steps[1].name needs /f/steps/two/instruction.md, which is missing',
    'error /j/task.toml:1: environment.docker_image is missing, and there is no /j/environment/Dockerfile',
    'warning /g/steps/two: no [[steps]] entry of /g/task.toml names it: it is not played',
    'warning /h/task.toml:5: two has no tests/test.sh: it is played and not scored',
    'warning /i/task.toml:7: steps[1].minreward is no known key and is passed over (did you mean "min_reward"?)',
  ])
})

it('reads every line of JSON Lines, whatever is wrong with the ones before', async () => {
  const root = makeDirectory()
  const fine = (id: string) => ({ id, turns: [{ instruction: 'x', verifier: { command: ['true'] } }] })
  const write = (name: string, lines: readonly unknown[]): string => {
    const file = join(root, name)
    writeFileSync(file, lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
    return file
  }
  const tell = async (file: string) => {
    const { tasks, unreadable, findings } = await checkTasks(file)
    return { tasks, unreadable, told: findings.map(({ level, message }) => `${level} ${message.replaceAll(`${root}/`, '')}`) }
  }
  const own = write('own.jsonl', ['{"id":', fine('a'), { ...fine('b'), turns: [] }, { ...fine('c'), titel: 'x' }, fine('a')])
  expect(await tell(own)).toEqual({
    tasks: 3,
    unreadable: 2,
    told: [
      expect.stringMatching(/^error own.jsonl:1: is not valid JSON: /),
      'error own.jsonl:3: turns is empty; a task has at least one turn',
      expect.stringMatching(/^warning own.jsonl:4: unknown key "titel" is passed over/),
      'error own.jsonl:5: id "a" is already used in own.jsonl:2',
    ],
  })
  const record = { instance_id: 'r-1', user_query: ['x'], image: 'i', workspace_abs_path: '/w' }
  const bench = write('bench.jsonl', [
    '{"instance_id": "x", ',
    { ...record, user_query: 'x' },
    { ...record, workspace_abs_path: 'w' },
    record,
    { ...record, instance_id: 'r-2', conflict_type: 'UQ_SP', checklist: '{' },
  ])
  expect(await tell(bench)).toEqual({
    tasks: 1,
    unreadable: 4,
    told: [
      expect.stringMatching(/^error bench.jsonl:1: is no valid JSON/),
      'error bench.jsonl:2: user_query must be a list, not "x"',
      'error bench.jsonl:3: workspace_abs_path must be an absolute path, not "w"',
      'error bench.jsonl:5: checklist is a text that is no valid JSON',
    ],
  })
  // A directory is read in one format: what is not read is said.
  expect((await tell(root)).told.at(-1)).toMatch(/^warning own.jsonl: is passed over, because .* is read as octobench/)
})

it('looks into the files of a chain: links, scripts, neighbours, here-documents', async () => {
  const root = makeDirectory()
  const chain = (name: string, files: Record<string, string> = {}): string =>
    writeFiles(join(root, name), { ...stepped(['one', 'two']), ...files })
  symlinkSync('/etc/passwd', join(chain('a'), 'steps/one/tests/passwd'))
  symlinkSync('test.sh', join(root, 'a/steps/one/tests/inside'))
  chain('b', { 'steps/one/tests/test.sh': '', 'steps/two/tests/test.sh': '#!/bin/sh\r\ntrue\r\n' })
  rmSync(join(chain('c'), 'steps/one/tests/test.sh'))
  mkdirSync(join(root, 'c/steps/one/tests/test.sh'))
  rmSync(join(chain('d'), 'task.toml'))
  writeFileSync(join(root, 'more.jsonl'), '{}')
  const heredoc = 'FROM x\nRUN <<EOF sh\nCOPY gone /x\nEOF\nCOPY <<A <<B /y/\nADD gone2 /x\nA\nCOPY gone3 /x\nB\nCOPY gone4 /x\n'
  chain('e', { 'environment/Dockerfile': heredoc, 'environment/docker-compose.yaml': 'services: {}\n' })
  rmSync(join(chain('f'), 'steps/two/solution'), { recursive: true })
  for (const name of ['sent', 'kept-back']) symlinkSync('/etc/passwd', join(root, 'f/environment', name))
  writeFileSync(join(root, 'f/environment/.dockerignore'), 'kept-back\n')
  const found = await checkTasks(root)
  expect(
    found.findings.map(({ level, message }) => `${level} ${message.replaceAll(`${root}/`, '').replaceAll(root, '.')}`),
  ).toEqual([
    'warning e/task.toml:1: environment.docker_image has e/environment/docker-compose.yaml beside it, which is passed over: a task is one container, without what is added there',
    'warning more.jsonl: is passed over, because . is read as harbor; name the file itself to play it',
    'warning d: has no task.toml, so it is no task and is not played',
    'error a/steps/one/tests/passwd: is a link that leads out of a/steps/one/tests; copy the file instead',
    'error b/steps/one/tests/test.sh: is empty, so it does nothing',
    'error b/steps/two/tests/test.sh: has lines that end with a carriage return (CRLF), which no shell takes; save it with LF',
    'error c/steps/one/tests/test.sh: is no file',
    'error e/environment/Dockerfile: copies gone4, which is not in e/environment',
    'error f/environment/sent: is a link that leads out of f/environment; copy the file instead',
  ])
  expect(found.by_task.find(task => task.id === 'f')).toMatchObject({ without_tests: [], without_solution: ['two'] })
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
  writeFiles(join(place.directory, 'set/task'), stepped(['one', 'two']))
  rmSync(join(place.directory, 'set/task/steps/two/solution'), { recursive: true })
  writeFiles(join(place.directory, 'set/wrong'), single('[agent]\ntimeout_sec = "long"\n'))
  expect((await place.ask(['tasks', 'check', 'set'])).stdout).toMatch(
    /1 task, 2 turns, 1 more that cannot be read; 1 error, 0 warnings\n1 turn without a solution: task \(two\)\n$/,
  )
  const other = await place.ask(['tasks', 'chekc', 'task'])
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('turnpike tasks knows check')])
  await place.close()
})
