// `turnpike harbor export`: any run of the store as Harbor's tree, with a trajectory for each step.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPlace, type Place, words } from './_cli.ts'

const turn = (file: string) => ({
  instruction: `Write hello into ${file}`,
  verifier: { files: {}, command: ['grep', '-q', 'hello', file] },
})
const tasks = ['files', 'other'].map(id => ({ id, turns: [turn('one.txt'), turn('two.txt')] }))
/** Solves the first turn with two calls of a tool and gives up on the second. */
const script = `version: 1
rules:
  - when: { user: "one.txt" }
    steps:
      - shell: "echo looking"
      - shell: "echo hello > one.txt"
      - text: "done"
  - when: { user: "two.txt" }
    steps:
      - text: "I would rather not."
`
let place: Place
let version: string
beforeAll(async () => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), tasks.map(task => `${JSON.stringify(task)}\n`).join(''))
  writeFileSync(join(place.directory, 'script.yaml'), script)
  const model = words('--model lab/sim --simulated --script script.yaml')
  const ended = await place.run([...words('run --tasks tasks.jsonl --agent mini nop'), ...model, ...words('--name first --json')])
  if (ended.code !== 0) throw new Error(ended.stderr)
  version = (await place.ask(['--version'])).stdout.trim()
})
afterAll(() => place.close())

interface Job {
  readonly job: string
  readonly trials: ReadonlyArray<{ readonly name: string; readonly directory: string; readonly outcome: string }>
}
const readJson = (file: string): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8'))
const stepsOf = (file: string): Array<{ source: string; tool_calls?: unknown[] }> =>
  readJson(file)['steps'] as Array<{ source: string; tool_calls?: unknown[] }>

it('has what was said in each step, and what its tests said', async () => {
  const { job, trials } = await place.json<Job>(['harbor', 'export', 'first', '--jobs-dir', 'jobs', '--job-name', '2026-x'])
  expect([job, trials.length]).toEqual([join(place.directory, 'jobs', '2026-x'), 4])
  const results = trials.map(trial => ({ ...trial, result: readJson(join(trial.directory, 'result.json')) }))
  const mini = results.find(
    ({ result }) => (result['agent_info'] as { name: string }).name === 'mini' && result['task_name'] === 'files',
  )
  if (mini === undefined) throw new Error('no trial of mini')
  expect(mini.result['agent_info']).toEqual({ name: 'mini', version, model_info: { name: 'sim', provider: 'lab' } })
  const inside = (path: string): string => join(mini.directory, 'steps', path)
  const first = stepsOf(inside('turn-1/agent/trajectory.json'))
  const second = stepsOf(inside('turn-2/agent/trajectory.json'))
  expect(first.filter(step => step.source === 'agent').map(step => step.tool_calls?.length ?? 0)).toEqual([1, 1, 0])
  expect(second.filter(step => step.source === 'agent').map(step => step.tool_calls?.length ?? 0)).toEqual([0])
  expect(JSON.stringify(second)).not.toContain('one.txt')
  expect([1, 2].map(number => readFileSync(inside(`turn-${number}/verifier/reward.txt`), 'utf8'))).toEqual(['1\n', '0\n'])
  const nop = results.find(({ result }) => (result['agent_info'] as { name: string }).name === 'nop')
  expect(existsSync(join(nop?.directory ?? '', 'steps/turn-1/agent/trajectory.json'))).toBe(false)
})

it('puts a set where EvoCode-Bench looks for it: a folder for each task and model', async () => {
  const { trials } = await place.json<Job>([
    'harbor',
    'export',
    'first',
    '--jobs-dir',
    'set',
    '--by-task',
    '--job-name',
    '2026-x',
  ])
  const root = join(place.directory, 'set')
  expect(readdirSync(root).sort()).toEqual(['files', 'other'])
  for (const task of ['files', 'other']) {
    expect(readdirSync(join(root, task, 'harbor_jobs')).sort()).toEqual(['nop', 'sim'])
    expect(readdirSync(join(root, task, 'harbor_jobs/sim/2026-x')).filter(name => !name.endsWith('.json'))).toHaveLength(1)
  }
  expect(trials.every(trial => existsSync(join(trial.directory, 'result.json')))).toBe(true)
})

it('writes over nothing, and asks for a run', async () => {
  const again = await place.ask(['harbor', 'export', 'first', '--jobs-dir', 'jobs', '--job-name', '2026-x'])
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('holds something already')])
  const none = await place.ask(['harbor', 'export'])
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('knows run and export RUN')])
  expect((await place.ask(['harbor', 'export', 'nobody'])).code).toBe(2)
})

it('a run that was stopped exits with 130, and one whose place was taken meanwhile says how its results are had', async () => {
  // An agent that is at work until somebody says so.
  const go = join(place.directory, 'go')
  writeFileSync(go, '')
  const command = { first: ['sh', '-c', 'until test -s "$1"; do sleep 0.05; done', 'sh', go] }
  writeFileSync(join(place.directory, 'waits.yaml'), JSON.stringify({ run: { agents: [{ name: 'command', command }] } }))
  writeFileSync(join(place.directory, 'one.jsonl'), JSON.stringify({ ...tasks[0], turns: [turn('one.txt')] }))
  const start = async (job: string) => {
    const line = `harbor run --path one.jsonl --agent command --env local --config waits.yaml --jobs-dir jobs --job-name ${job}`
    const running = place.start(words(line))
    await new Promise<void>(resolve => {
      let said = ''
      running.child.stderr?.on('data', (bytes: Buffer) => {
        said += bytes.toString()
        if (said.includes('files.command.1  started')) resolve()
      })
    })
    return running
  }
  const stopped = await start('stopped')
  stopped.child.kill('SIGINT')
  expect((await stopped.ended).code).toBe(130)
  expect(existsSync(join(place.directory, 'jobs/stopped/result.json'))).toBe(true)
  const late = await start('taken')
  mkdirSync(join(place.directory, 'jobs/taken/x'), { recursive: true })
  writeFileSync(go, 'go')
  const { code, stderr } = await late.ended
  expect([code, stderr]).toEqual([2, expect.stringMatching(/try: .*turnpike harbor export run-\S+ --job-name <another>/)])
})
