// The tree that Harbor's scripts read, from a run that really took place.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Task, TaskTurn } from '../../core/task.ts'
import { aggregateRewards, type HarborTurn, nameMeans } from '../../report/harbor-results.ts'
import { nameTrial, writeHarborTree } from '../../report/harbor-tree.ts'
import type { AgentSpec } from '../../runner/agents/_adapter.ts'
import { makeDirectory } from '../runner/_sandbox.ts'
import { openBench, script } from '../runner/_tasks.ts'

function makeTurn(index: number, command: string, name?: string): TaskTurn {
  return {
    index,
    ...(name === undefined ? {} : { name }),
    instruction: 'x',
    verifier: { files: {}, command: ['sh', '-c', command], timeoutMs: 20_000, reward: { directory: 'results' } },
    solution: null,
    timeoutMs: null,
  }
}
const printing = (reward: string): string =>
  `echo CASE_SUMMARY total_cases=4 success_count=3 | tee results/test-stdout.txt; ${reward}`
const steps: readonly TaskTurn[] = [
  makeTurn(1, printing('echo 1 > results/reward.txt'), 'round-1'),
  makeTurn(2, printing('echo \'{"reward": 0.25, "style": 1}\' > results/reward.json'), 'round-2'),
  makeTurn(3, printing('echo nonsense > results/reward.txt'), 'round-3'),
]
const task = (turns: readonly TaskTurn[], change: Partial<Task> = {}): Task => ({
  id: '_a-task-with-a-name-of-more-than-32-characters',
  title: 't',
  files: {},
  turns,
  source: { file: '/data/a-task/task.toml', line: 1 },
  ...change,
})

async function write(
  turns: readonly TaskTurn[],
  change: Partial<Task> = {},
  toTurn?: number,
  agent: AgentSpec = script('exit 0'),
) {
  const bench = await openBench()
  const agents = [agent]
  const { run } = await bench.run({ tasks: [task(turns, change)], agents, ...(toTurn === undefined ? {} : { toTurn }) })
  const directory = join(bench.directory, 'jobs', '2026-01-02__03-04-05')
  const options = {
    store: bench.store,
    run,
    directory,
    work: join(bench.directory, 'files'),
    dataset: null,
    versionOf: () => '0.0.0',
    readTrajectories: async () => {
      const images = new Map([['images/a.png', Buffer.from('png')]])
      return new Map([1, 3].map(turn => [turn, { document: `{"turn":${turn}}`, images }]))
    },
  }
  const tree = await writeHarborTree(options)
  const [trial] = tree.trials
  if (trial === undefined) throw new Error('no trial')
  const read = (path: string): string => readFileSync(join(trial.directory, path), 'utf8')
  return { tree, trial, read, json: (path: string) => JSON.parse(read(path)), options, directory }
}

it('has the files of each step where scripts look for them', async () => {
  const { trial, read, json, directory } = await write(steps)
  expect(trial.name).toMatch(/^a-task-with-a-name-of-more-than__[0-9a-z]{7}$/)
  expect(readdirSync(join(trial.directory, 'steps')).sort()).toEqual(['round-1', 'round-2', 'round-3'])
  expect(read('steps/round-1/verifier/reward.txt')).toBe('1\n')
  expect(read('steps/round-2/verifier/reward.txt')).toBe('0.25\n')
  expect(json('steps/round-2/verifier/reward.json')).toEqual({ reward: 0.25, style: 1 })
  expect(read('steps/round-1/verifier/test-stdout.txt')).toContain('CASE_SUMMARY total_cases=4 success_count=3')
  expect(existsSync(join(trial.directory, 'steps/round-3/verifier/reward.txt'))).toBe(false)
  expect(read('steps/round-3/verifier/reward.txt.not-counted')).toBe('nonsense\n')
  expect(json('steps/round-1/agent/trajectory.json')).toEqual({ turn: 1 })
  expect(read('steps/round-3/agent/images/a.png')).toBe('png')
  expect(existsSync(join(trial.directory, 'steps/round-2/agent/trajectory.json'))).toBe(false)
  expect(readdirSync(directory).sort()).toEqual([trial.name, 'config.json', 'result.json'].sort())
})

it('tells of the trial in Harbor’s words, and in ours beside them', async () => {
  const { json, trial } = await write(steps)
  const result = json('result.json')
  expect(result).toMatchObject({
    task_name: '_a-task-with-a-name-of-more-than-32-characters',
    trial_name: trial.name,
    task_id: { path: '/data/a-task' },
    agent_info: { name: 'command', model_info: null },
    agent_result: null,
    verifier_result: { rewards: { reward: 0.625, style: 0.5 } },
    exception_info: null,
  })
  expect(result.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(result.step_results.map((step: Record<string, unknown>) => [step['step_name'], step['verifier_result']])).toEqual([
    ['round-1', { rewards: { reward: 1 } }],
    ['round-2', { rewards: { reward: 0.25, style: 1 } }],
    ['round-3', null],
  ])
  expect(result.turnpike.rewards).toMatchObject({
    mean_reported: { reward: 0.625 },
    mean_declared: { reward: 1.25 / 3 },
    final: null,
    turns_reported: 2,
    turns_declared: 3,
  })
  expect(result.turnpike.turns[0]).toMatchObject({ state: 'passed', cases_passed: 3, cases_total: 4 })
})

it('tells of the job', async () => {
  const { directory, trial } = await write(steps)
  const job = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8'))
  expect(job).toMatchObject({ n_total_trials: 1, stats: { n_completed_trials: 1, n_errored_trials: 0, cost_usd: null } })
  expect(job.stats.evals['command__none__adhoc']).toMatchObject({
    n_trials: 1,
    metrics: [{ mean: 0.625 }, { style: 0.5 }],
    reward_stats: { reward: { '0.625': [trial.name] } },
  })
})

it('leaves out steps that were not played', async () => {
  const { trial, json } = await write(steps, {}, 1)
  expect(readdirSync(join(trial.directory, 'steps'))).toEqual(['round-1'])
  expect(json('result.json').step_results).toHaveLength(1)
})

it('leaves no folder of steps where none was played: scripts take that for a trial to be judged', async () => {
  const bench = await openBench()
  const agents = [script('exit 0')]
  const failing: TaskTurn = { ...makeTurn(1, 'true', 'round-1'), setup: { trees: [], command: ['false'] } }
  const { run } = await bench.run({ tasks: [task([failing])], agents })
  const directory = join(bench.directory, 'jobs', 'x')
  const work = join(bench.directory, 'files')
  const readTrajectories = async () => new Map()
  const options = { store: bench.store, run, directory, work, dataset: null, versionOf: () => '1', readTrajectories }
  const [trial] = (await writeHarborTree(options)).trials
  expect(readdirSync(trial?.directory ?? '').sort()).toEqual(['config.json', 'result.json'])
  const other = { ...options, directory: join(bench.directory, 'jobs', 'y') }
  expect((await writeHarborTree({ ...other, only: () => false })).trials).toEqual([])
})

it('puts the files of a single-step task at the root', async () => {
  const { trial, read, json } = await write([makeTurn(1, 'echo 1 > results/reward.txt')], { metadata: {} })
  expect(read('verifier/reward.txt')).toBe('1\n')
  expect(existsSync(join(trial.directory, 'steps'))).toBe(false)
  expect(json('result.json')).toMatchObject({ step_results: null, verifier_result: { rewards: { reward: 1 } } })
  expect(json('agent/trajectory.json')).toEqual({ turn: 1 })
})

it('an error of the agent stands with a single-step task itself, and is counted under Harbor’s name for it', async () => {
  const turn = { ...makeTurn(1, 'echo 0 > results/reward.txt'), solution: ['sh', '-c', 'exit 7'] }
  const { json, directory, trial } = await write([turn], { metadata: {} }, undefined, { id: 'oracle', model: null })
  expect(json('result.json').exception_info).toMatchObject({ exception_type: 'NonZeroAgentExitCodeError' })
  const { stats } = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8'))
  expect(stats.evals['oracle__none__adhoc'].exception_stats).toEqual({ NonZeroAgentExitCodeError: [trial.name] })
})

it('a reward may have any name', async () => {
  const named = (name: string) => makeTurn(1, `echo '{"${name}": 1}' > results/reward.json`, 'a')
  const { json, directory } = await write([named('constructor'), { ...named('__proto__'), index: 2, name: 'b' }])
  const means = Object.entries(json('result.json').verifier_result.rewards)
  expect(means).toEqual([
    ['constructor', 0.5],
    ['__proto__', 0.5],
  ])
  const { stats } = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8'))
  expect(stats.evals['command__none__adhoc'].metrics.map(Object.entries)).toEqual([[['constructor', 0.5]], [['__proto__', 0.5]]])
})

it('writes and reads through no link that a verifier has left', async () => {
  const outside = makeDirectory()
  const victim = join(outside, 'precious')
  writeFileSync(victim, 'precious')
  const links = `ln -s ${victim} results/reward.txt; ln -s ${victim} results/test-stdout.txt`
  const { read } = await write([makeTurn(1, `echo '{"reward": 1}' > results/reward.json; ${links}`)], { metadata: {} })
  expect(readFileSync(victim, 'utf8')).toBe('precious')
  expect([read('verifier/reward.txt'), read('verifier/test-stdout.txt')]).toEqual(['1\n', ''])
})

it('never writes over another job', async () => {
  const { options } = await write(steps)
  await expect(writeHarborTree(options)).rejects.toMatchObject({ code: 'E_OUTPUT_EXISTS' })
})

it('means are over what they say', () => {
  const turn = (reward: number | null, played = true): HarborTurn =>
    ({
      name: 'x',
      record: {},
      attempt: played ? {} : null,
      rewards: reward === null ? null : { reward },
    }) as unknown as HarborTurn
  const turns = [turn(1), turn(null), turn(0.5), turn(null, false)]
  expect(aggregateRewards(turns, 'mean')).toEqual({ reward: 0.75 })
  expect(aggregateRewards(turns, 'final')).toEqual({ reward: 0.5 })
  expect(aggregateRewards([turn(1), turn(null)], 'final')).toBeNull()
  expect(aggregateRewards([turn(null)], 'mean')).toBeNull()
  expect(nameMeans(turns)).toEqual({
    mean_reported: { reward: 0.75 },
    mean_declared: { reward: 0.375 },
    final: null,
    turns_reported: 2,
    turns_declared: 4,
    turns_excluded: 0,
  })
  const broken = { ...turn(null), record: { state: 'infra-error' } } as unknown as HarborTurn
  expect(nameMeans([turn(1), broken])).toMatchObject({ mean_declared: { reward: 1 }, turns_declared: 2, turns_excluded: 1 })
})

it('names trials as Harbor does', () => {
  expect(nameTrial({ id: '01ABCDEFGHJK', taskId: 'short' })).toBe('short__defghjk')
})
