// EvoCode-Bench's figures over what we write. Computed here a second time, from the files alone and by its published formulas; with
// TURNPIKE_EVOCODE_BENCH naming a checkout of that project, its own scripts are run on the same files as well.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPlace } from '../cli/_cli.ts'
import { dockerMissing } from '../docker.ts'
import { stepped, writeFiles } from '../runner/tasks/_harbor-files.ts'
import { removeImages } from './_task-images.ts'

const checkout = process.env['TURNPIKE_EVOCODE_BENCH'] ?? ''
if (checkout === '')
  process.stderr.write('EvoCode-Bench’s own scripts are not run: TURNPIKE_EVOCODE_BENCH names no checkout of it\n')
const harbor = `${process.execPath} ${fileURLToPath(new URL('../../cli/turnpike-harbor.mjs', import.meta.url))}`

/** Writes an answer that differs from trial to trial and step to step; what it will be nobody knows beforehand. */
const agent = `const [said, session] = process.argv.slice(1)
const dice = require('crypto').createHash('sha256').update(session + said).digest()[0]
const answers = ['1', '1', '1', '0.9995', '0.998', '0.5', '0', 'none', 'nonsense', 'json']
require('fs').writeFileSync('answer', answers[dice % answers.length])
process.exit(dice % 7 === 0 ? 1 : 0)`

/** Prints cases and leaves the reward that the answer names. */
const tests = `#!/bin/sh
answer=$(cat answer 2>/dev/null || echo 0)
case "$answer" in
  none) echo CASE_SUMMARY total_cases=4 success_count=1 fail_count=3 ;;
  json) echo '{"quality": 1, "speed": 0.998}' > /logs/verifier/reward.json; echo CASE_SUMMARY total_cases=4 success_count=3 fail_count=1 ;;
  *) echo "$answer" > /logs/verifier/reward.txt; echo CASE_SUMMARY total_cases=4 success_count=2 fail_count=2 ;;
esac
`
const chains = { alpha: 4, beta: 3, gamma: 2, broken: 2 }
const heads: Readonly<Record<string, string>> = { beta: 'multi_step_reward_strategy = "final"\n' }
const place = openPlace()
const tasks = join(place.directory, 'tasks')
const results = join(place.directory, 'results')

function writeTasks(): void {
  for (const [task, count] of Object.entries(chains)) {
    const names = Array.from({ length: count }, (_, index) => `round-${index + 1}`)
    const files = stepped(names, `schema_version = "1.2"\n${heads[task] ?? ''}`, task === 'gamma' ? 'min_reward = 0.5\n' : '')
    for (const name of names) {
      files[`steps/${name}/tests/test.sh`] = tests
      files[`steps/${name}/solution/solve.sh`] = '#!/bin/sh\necho 1 > answer\n'
    }
    if (task === 'broken') files['steps/round-1/workdir/setup.sh'] = '#!/bin/sh\nexit 1\n'
    writeFiles(join(tasks, task), files)
  }
  const argv = ['node', '-e', agent, '{instruction}', '{session}']
  const settings = { run: { agents: [{ name: 'command', command: { first: argv, next: argv } }] } }
  writeFiles(place.directory, { 'turnpike.yaml': JSON.stringify(settings) })
}

interface TrialFiles {
  readonly task: string
  readonly rewards: ReadonlyArray<number | null>
  readonly cases: readonly number[]
  readonly result: {
    verifier_result: null | { rewards: Record<string, number> }
    turnpike: { outcome: string; rewards: Record<string, unknown> }
  }
}

function readNumber(file: string): number | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text)
}

function readTrials(root: string, model: string): TrialFiles[] {
  return Object.entries(chains).flatMap(([task, count]) => {
    const bucket = join(root, task, 'harbor_jobs', model)
    return (existsSync(bucket) ? readdirSync(bucket) : []).flatMap(job =>
      readdirSync(join(bucket, job), { withFileTypes: true })
        .filter(entry => entry.isDirectory() && existsSync(join(bucket, job, entry.name, 'steps')))
        .map(({ name }): TrialFiles => {
          const files = Array.from({ length: count }, (_, index) =>
            join(bucket, job, name, 'steps', `round-${index + 1}`, 'verifier'),
          )
          return {
            task,
            rewards: files.map(folder => readNumber(join(folder, 'reward.txt'))),
            cases: files.map(folder => readCases(join(folder, 'test-stdout.txt'))),
            result: JSON.parse(readFileSync(join(bucket, job, name, 'result.json'), 'utf8')),
          }
        }),
    )
  })
}

function readCases(file: string): number {
  const found = existsSync(file) ? /total_cases=(\d+) success_count=(\d+)/.exec(readFileSync(file, 'utf8')) : null
  return found === null ? 0 : Number(found[2]) / Number(found[1])
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const round = (value: number): number => Math.round(value * 1e6) / 1e6

/** Their formulas, each as its definition reads. */
function compute(trials: readonly TrialFiles[]) {
  const names = Object.keys(chains)
  const byTask = names.map(task =>
    trials.filter(trial => trial.task === task).map(trial => trial.rewards.map(value => (value ?? 0) >= 0.999)),
  )
  const evaluated = byTask.filter(found => found.length > 0)
  const scores = evaluated.map(found => mean(found.map(passes => mean(passes.map(Number)))))
  const steps = (found: boolean[][]): number[] => found[0]?.map((_, index) => index) ?? []
  const best = evaluated.map(found => mean(steps(found).map(index => (found.some(passes => passes[index]) ? 1 : 0))))
  const count = (holds: (found: boolean[][]) => boolean): number => evaluated.filter(holds).length
  return {
    evocode_mean_reward: round(100 * mean(scores)),
    evocode_mt_at_k: round((100 * best.reduce((sum, value) => sum + value, 0)) / names.length),
    evocode_final_step_completion_rate: round(
      (100 * count(found => found.some(passes => passes.at(-1) === true))) / names.length,
    ),
    evocode_perfect_task_rate: round((100 * count(found => found.some(passes => !passes.includes(false)))) / names.length),
    evocode_hard_task_rate: round((100 * scores.filter(score => score <= 0.5).length) / evaluated.length),
  }
}

type Score = Record<string, number>

async function readScore(): Promise<Score> {
  const { agents } = await place.json<{ agents: Score[] }>(['score', 'latest'])
  const [score] = agents
  if (score === undefined) throw new Error('nobody was scored')
  return score
}
const pick = (score: Score, names: readonly string[]): Score =>
  Object.fromEntries(names.map(name => [name, round(score[name] ?? Number.NaN)]))

function runTheirs(script: string, args: readonly string[]): string {
  return execFileSync('python3', [join(checkout, 'evaluation', script), ...args]).toString()
}

/** By their names; rounded to two digits there. */
const theirNames = ['mean_reward', 'mt_at_k', 'final_step_completion_rate', 'perfect_task_rate', 'hard_task_rate']
function expectTheirs(directory: string, model: string, ours: Score): void {
  const theirs = JSON.parse(
    runTheirs('compute_metrics.py', ['--tasks-dir', tasks, '--results-dir', directory, '--model', model, '--json']),
  )
  for (const name of theirNames)
    expect([name, Math.abs(theirs[name] - (ours[`evocode_${name}`] ?? Number.NaN)) <= 0.0051]).toEqual([name, true])
}

describe.skipIf(dockerMissing !== null)('EvoCode-Bench’s figures', { timeout: 600_000 }, () => {
  beforeAll(writeTasks)
  afterAll(async () => {
    await removeImages(tasks)
    await place.close()
  })

  it('are what turnpike score says of the same run, with trials, missing rewards and tasks that broke', async () => {
    const flags = ['--path', 'tasks', '--agent', 'command', '--model', 'lab/mixed', '--n-attempts', '2', '--n-concurrent', '2']
    const ended = await place.run(['harbor', 'run', ...flags, '--jobs-dir', 'results', '--by-task'])
    // What broke is no result.
    expect([ended.code, ended.stderr.includes('error:')]).toEqual([1, false])
    const trials = readTrials(results, 'mixed')
    const score = await readScore()
    const figures = compute(trials)
    expect(pick(score, Object.keys(figures))).toEqual(figures)
    expect(trials.map(trial => trial.task).sort()).toEqual(['alpha', 'alpha', 'beta', 'beta', 'gamma', 'gamma'])
    if (checkout !== '') expectTheirs(results, 'mixed', score)
  })

  it('and so are rewards by every reading, and the share of cases', async () => {
    const trials = readTrials(results, 'mixed')
    const score = await readScore()
    const ofTasks = (read: (trial: TrialFiles) => number): number =>
      round(
        mean(
          [...new Set(trials.map(trial => trial.task))].map(task => mean(trials.filter(trial => trial.task === task).map(read))),
        ),
      )
    const named = (name: string) => (trial: TrialFiles) =>
      (trial.result.turnpike.rewards[name] as Record<string, number> | null)?.['reward'] ?? 0
    expect(pick(score, ['reward_mean_declared', 'reward_mean_reported', 'reward_final', 'reward'])).toEqual({
      reward_mean_declared: ofTasks(named('mean_declared')),
      reward_mean_reported: ofTasks(named('mean_reported')),
      reward_final: ofTasks(named('final')),
      reward: ofTasks(trial => named(trial.task === 'beta' ? 'final' : 'mean_declared')(trial)),
    })
    // Harbor's own key has Harbor's own meaning.
    for (const trial of trials.filter(({ task }) => task !== 'beta'))
      expect(trial.result.verifier_result?.rewards ?? null).toEqual(trial.result.turnpike.rewards['mean_reported'])
    expect(score['case_score']).toBeCloseTo(100 * ofTasks(trial => mean(trial.cases)), 3)
  })

  it('the same tree comes out of the store again', async () => {
    const again = join(place.directory, 'again')
    const { job } = await place.json<{ job: string }>([
      'harbor',
      'export',
      'latest',
      '--jobs-dir',
      'again',
      '--by-task',
      '--job-name',
      '2026-x',
    ])
    expect(job).toBe(again)
    expect(compute(readTrials(again, 'mixed'))).toEqual(compute(readTrials(results, 'mixed')))
  })

  it.skipIf(checkout === '')(
    'its runner drives ours: the reference solutions, doing nothing, an agent, and a window of steps',
    async () => {
      const env = { ...process.env, HARBOR_BIN: harbor, AGENT_TYPE: 'command', AGENT_MODEL: 'lab/mixed', AGENT_ATTEMPTS: '2' }
      const drive = (...args: string[]): string =>
        execFileSync('bash', [join(checkout, 'evaluation/run_single.sh'), join(tasks, 'alpha'), ...args], {
          env,
          cwd: place.directory,
          stdio: 'pipe',
        }).toString()
      const expected: Readonly<Record<string, number>> = { oracle: 100, nop: 0 }
      for (const role of ['oracle', 'nop']) {
        drive(role)
        const score = await readScore()
        expect([role, score['evocode_mean_reward'], score['reward']]).toEqual([role, expected[role], (expected[role] ?? 0) / 100])
      }
      drive('agent', '--start-step', '2', '--end-step', '3')
      const found = readTrials(tasks, 'mixed').filter(trial => trial.task === 'alpha')
      expect(found).toHaveLength(2)
      expect(runTheirs('validate_dataset.py', [tasks])).toContain('4/4 tasks valid  | 4 tasks, 11 steps total')
      expect(await place.json<{ tasks: number; turns: number }>(['tasks', 'check', 'tasks'])).toMatchObject({
        tasks: 4,
        turns: 11,
      })
    },
  )

  it.skipIf(checkout === '')('a set of its shape has 26 tasks and 227 steps for both', async () => {
    const rows = readFileSync(join(checkout, 'evaluation/sweeps/sweep_2026-06_single_shot.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
    const set = join(place.directory, 'set')
    for (const row of rows) {
      const [task = '', count] = row.split(',')
      writeFiles(join(set, task), stepped(Array.from({ length: Number(count) }, (_, index) => `round-${index + 1}`)))
    }
    const published = join(checkout, 'data/EvoCodeBench')
    for (const directory of [set, ...(existsSync(published) ? [published] : [])]) {
      expect(runTheirs('validate_dataset.py', [directory])).toContain('26/26 tasks valid  | 26 tasks, 227 steps total')
      const found = await place.json<{ findings: Array<{ level: string }> }>(['tasks', 'check', directory])
      expect(found).toMatchObject({ tasks: 26, turns: 227 })
      expect(found.findings.filter(({ level }) => level === 'error')).toEqual([])
    }
  })
})
