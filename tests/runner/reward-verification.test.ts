// Tasks that speak in rewards, played to the end without containers: set-up, tests, rewards, artifacts, solutions, minimums. Their paths are
// relative to the workspace, which is all that this environment has.
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../core/errors.ts'
import type { Task, TaskEnvironment, TaskTurn } from '../../core/task.ts'
import { collectArtifacts } from '../../runner/artifacts.ts'
import type { Environment } from '../../runner/environments/_adapter.ts'
import { verifyByReward } from '../../runner/reward-verification.ts'
import { makePlace } from '../rows.ts'
import { makeDirectory, never } from './_sandbox.ts'
import { openBench, script } from './_tasks.ts'
import { writeFiles } from './tasks/_harbor-files.ts'

const suite =
  'if [ -f done.$1 ]; then echo 1; else echo 0; fi > results/reward.txt; echo CASE_RESULT case_id=c$1 status=success; ls tests > results/seen\n'

function makeTurn(index: number, change: Partial<TaskTurn> = {}): TaskTurn {
  const root = writeFiles(makeDirectory(), {
    'tests/suite.sh': suite,
    'solution/solve.sh': `touch done.${index}; echo $WORD > word\n`,
  })
  return {
    index,
    name: `round-${index}`,
    instruction: `do ${index}`,
    verifier: {
      files: {},
      command: ['sh', 'tests/suite.sh', String(index)],
      timeoutMs: 20_000,
      trees: [{ directory: join(root, 'tests'), to: 'tests' }],
      reward: { directory: 'results' },
    },
    solution: ['sh', 'solution/solve.sh'],
    solutionFiles: { trees: [{ directory: join(root, 'solution'), to: 'solution' }], env: { WORD: `w${index}` } },
    timeoutMs: null,
    ...change,
  }
}
const makeTask = (turns: readonly TaskTurn[]): Task => ({
  id: 't',
  title: 't',
  files: {},
  turns,
  source: { file: 't.toml', line: 1 },
})

async function play(turns: readonly TaskTurn[], change: Parameters<Awaited<ReturnType<typeof openBench>>['run']>[0] = {}) {
  const bench = await openBench()
  const { trials } = await bench.run({ tasks: [makeTask(turns)], ...change })
  const [trial] = trials
  if (trial === undefined) throw new Error('no trial')
  const told = bench.events
    .filter(event => event.type === 'attempt-verified')
    .map(event => event.data as { rewards?: unknown; flags?: unknown })
  const kept = (turn: number): string => join(bench.directory, 'files/trials', trial.id, 'turns', String(turn))
  return { trial, told, kept, ...(await bench.read(trial.id)) }
}
/** What the agent of the second turn finds: nothing of tests, results and solutions. */
const look = script('touch "done.$(echo "$1" | cut -c4-)"; ls -a')

describe('a turn verified by its reward', () => {
  it('passes with its solution, whose files and variables come and go', async () => {
    const { states, told, attempts, tests, trial } = await play([makeTurn(1), makeTurn(2)])
    expect(states).toEqual(['passed', 'passed'])
    expect(told.map(data => data.rewards)).toEqual([{ reward: 1 }, { reward: 1 }])
    expect(tests.map(test => test.name)).toEqual(['c1', 'c2'])
    expect(attempts[0]).toMatchObject({ passed: true, testsPassed: 1, testsTotal: 1 })
    expect(trial.outcome?.kind).toBe('finished')
  })

  it('fails with nothing, and leaves nothing behind for the next turn', async () => {
    expect((await play([makeTurn(1)], { agents: [{ id: 'nop', model: null }] })).states).toEqual(['failed'])
    const { attempts, kept } = await play([makeTurn(1), makeTurn(2)], { agents: [look] })
    expect(attempts[1]?.agentOutput).toMatch(/^\.\n\.\.\ndone\.1\ndone\.2\n$/)
    expect(readdirSync(join(kept(1), 'verifier/results')).sort()).toEqual(['reward.txt', 'seen'])
  })

  it('is not fooled by a reward or tests that lay there before', async () => {
    const agent = script(
      'mkdir -p results tests; echo 1 > results/reward.txt; echo \'{"reward": 1}\' > results/reward.json; touch tests/conftest',
    )
    const { states, kept } = await play([makeTurn(1)], { agents: [agent] })
    expect(states).toEqual(['failed'])
    expect(readFileSync(join(kept(1), 'verifier/results/seen'), 'utf8')).toBe('suite.sh\n')
  })

  it.each([
    ['a link to one of the agent', 'echo 1 > mine; ln -s ../mine results/reward.txt'],
    ['a pipe', 'mkfifo results/reward.json'],
    ['a directory', 'mkdir results/reward.json'],
    [
      'far too long',
      'head -c 3000000 /dev/zero | tr "\\0" " " > results/reward.json; echo \'{"reward":1}\' >> results/reward.json',
    ],
    ['not a number', 'echo \'{"reward":NaN}\' > results/reward.json'],
    ['text', 'echo \'{"reward":"1"}\' > results/reward.json'],
    ['endless', 'echo \'{"reward":1e999}\' > results/reward.json'],
    ['negative', 'echo -1 > results/reward.txt'],
    [
      'elsewhere, where its directory was replaced',
      'mkdir mine; echo 1 > mine/reward.txt; rm -r results; ln -s "$PWD/mine" results',
    ],
  ])('does not pass by a reward that is %s', async (_, command) => {
    const odd = makeTurn(1, { verifier: { ...makeTurn(1).verifier, command: ['sh', '-c', command] } })
    const { states, trial } = await play([odd], { agents: [look] })
    expect(states).toEqual(['failed'])
    expect(trial.outcome?.kind).toBe('finished')
  })

  it('is judged also when more was left beside its reward than is kept, and says so', async () => {
    const command = 'echo 0 > results/reward.txt; dd if=/dev/null of=results/holes bs=1 seek=100M 2>/dev/null'
    const large = makeTurn(1, { verifier: { ...makeTurn(1).verifier, command: ['sh', '-c', command] } })
    const { states, told } = await play([large], { agents: [look] })
    expect(states).toEqual(['failed'])
    expect(told[0]).toMatchObject({ rewards: { reward: 0 }, flags: [expect.stringMatching(/is not kept: .*holds \d+ bytes/)] })
  })

  it('has a hidden word beside its tests that they do not notice', async () => {
    const listing = { ...makeTurn(1).verifier, command: ['sh', '-c', 'sh tests/suite.sh 1; ls -A tests > results/all'] }
    const { states, kept } = await play([makeTurn(1, { verifier: listing })])
    expect(states).toEqual(['passed'])
    expect(readFileSync(join(kept(1), 'verifier/results/all'), 'utf8')).toBe('.turnpike-canary\nsuite.sh\n')
  })

  it('without a reward fails and says so; under compat the chain ends there', async () => {
    const silent = makeTurn(1, { verifier: { ...makeTurn(1).verifier, command: ['true'] } })
    const ours = await play([silent, makeTurn(2)])
    expect(ours.states).toEqual(['failed', 'passed'])
    expect(ours.told[0]?.rewards).toBeNull()
    expect(ours.tests[0]).toMatchObject({ name: 'reward', status: 'error', message: 'the tests wrote no reward' })
    expect((await play([silent, makeTurn(2)], { harborCompat: true })).states).toEqual(['failed', 'not-reached'])
  })

  it('that misses its minimum ends the chain', async () => {
    const nop = { agents: [{ id: 'nop', model: null }] }
    expect((await play([makeTurn(1, { rewardMin: { reward: 0.5 } }), makeTurn(2)], nop)).states).toEqual([
      'failed',
      'not-reached',
    ])
    expect((await play([makeTurn(1, { rewardMin: { reward: 0 } }), makeTurn(2)], nop)).states).toEqual(['failed', 'failed'])
    expect((await play([makeTurn(1, { rewardMin: { other: 0 } }), makeTurn(2)])).states).toEqual(['passed', 'not-reached'])
  })

  it('under compat is verified in the agent’s own place: what tests change stays, tests and rewards do not', async () => {
    const marking = { ...makeTurn(1).verifier, command: ['sh', '-c', 'touch installed; sh tests/suite.sh 1'] }
    const turns = [makeTurn(1, { verifier: marking }), makeTurn(2)]
    const ours = await play(turns, { agents: [look] })
    expect(ours.attempts[1]?.agentOutput).not.toContain('installed')
    const compat = await play(turns, { agents: [look], harborCompat: true })
    expect(compat.states).toEqual(['passed', 'passed'])
    expect(compat.attempts[1]?.agentOutput).toContain('installed')
    expect(compat.attempts[1]?.agentOutput).not.toMatch(/suite|reward/)
  })

  it('runs into its time limit without a result', async () => {
    const slow = { ...makeTurn(1).verifier, command: ['sh', '-c', 'echo 1 > results/reward.txt; sleep 30'], timeoutMs: 300 }
    const { states, tests } = await play([makeTurn(1, { verifier: slow })])
    expect(states).toEqual(['failed'])
    expect(tests[0]?.name).toBe('time limit')
  })
})

it('a separate verifier is opened with the network of its own phase', async () => {
  const wanted = makePlace('x', { network: { mode: 'public', hosts: [] } })
  const opened: unknown[] = []
  const place = {
    environment: { endProcesses: async () => 0 } as unknown as Environment,
    openSeparate: async (given: TaskEnvironment): Promise<Environment> => {
      opened.push(given)
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', 'not here')
    },
    restoreNetwork: async () => undefined,
    resultDirectory: makeDirectory(),
    stagingDirectory: makeDirectory(),
    harborCompat: false,
    signal: never,
  }
  const verifier = { ...makeTurn(1).verifier, separate: wanted }
  await expect(verifyByReward(place, verifier, 'results')).rejects.toThrow('not here')
  await expect(verifyByReward(place, { ...verifier, network: { mode: 'proxy', hosts: [] } }, 'results')).rejects.toThrow(
    'not here',
  )
  expect(opened).toEqual([wanted, { ...wanted, network: { mode: 'proxy', hosts: [] } }])
})

it('a turn without a verifier is played and not scored, with one attempt', async () => {
  const bare = makeTurn(1, { verifier: { files: {}, command: [], timeoutMs: 1 } })
  const { states, attempts, tests, trial } = await play([bare, makeTurn(2)], { agents: [look], attempts: 3, onFailure: 'stop' })
  expect(states).toEqual(['skipped', 'passed'])
  expect(attempts[0]).toMatchObject({ passed: false, testsTotal: 0, agentExit: 0 })
  expect(tests.map(test => test.turn)).toEqual([2])
  expect(trial.outcome?.kind).toBe('finished')
})

it('set-up files and commands come before the agent, and a failure is nobody’s fault but the task’s', async () => {
  const files = writeFiles(makeDirectory(), { 'given.txt': 'x', 'setup.sh': 'cp given.txt made.txt\n' })
  const setup = { trees: [{ directory: files, to: '.' }], command: ['sh', './setup.sh'] }
  const { attempts } = await play([makeTurn(1, { setup })], { agents: [look] })
  expect(attempts[0]?.agentOutput).toMatch(/given\.txt\nmade\.txt/)
  const broken = makeTurn(2, { setup: { trees: [], command: ['sh', '-c', 'echo no disk >&2; exit 3'] } })
  const { states, trial } = await play([makeTurn(1), broken, makeTurn(3)])
  expect(states).toEqual(['passed', 'infra-error', 'infra-error'])
  expect(trial.outcome).toMatchObject({
    kind: 'environment-failed',
    reason: 'the set-up of turn round-2 failed: exit status 3: no disk',
  })
})

it('artifacts are kept with a list of what was there', async () => {
  const artifacts = (workspace: string) => [
    { source: `${workspace}/out`, destination: 'result', exclude: [] },
    { source: `${workspace}/missing`, destination: 'gone', exclude: [] },
  ]
  // The place is only known inside, so the agent says where it is.
  const { kept } = await play([makeTurn(1, { artifacts: artifacts('/nowhere') })], {
    agents: [script('mkdir out; echo 1 > out/a')],
  })
  const manifest = JSON.parse(readFileSync(join(kept(1), 'artifacts/manifest.json'), 'utf8'))
  expect(manifest).toEqual([
    { source: '/logs/artifacts', destination: 'artifacts/logs/artifacts', service: 'main', type: 'file', status: 'empty' },
    { source: '/nowhere/out', destination: 'artifacts/result', service: 'main', type: 'file', status: 'failed' },
    { source: '/nowhere/missing', destination: 'artifacts/gone', service: 'main', type: 'file', status: 'failed' },
  ])
  expect(existsSync(join(kept(1), 'verifier'))).toBe(true)
})

it('artifacts are written below their own directory, whatever links an agent has left on the way', async () => {
  const [base, directory] = [makeDirectory(), makeDirectory()]
  // In the place of the agent a link leads to its own files; the same link here leads to files of this machine.
  writeFiles(base, { 'victim/model/f': 'of the agent', 'place/app/a': 'a' })
  mkdirSync(join(base, 'place/logs'))
  symlinkSync('../../victim', join(base, 'place/logs/artifacts'))
  symlinkSync('../../victim', join(base, 'place/app/out'))
  mkdirSync(join(directory, 'victim'))
  const copyOut: Environment['copyOut'] = async (path, to) => {
    mkdirSync(to, { recursive: true })
    cpSync(join(base, 'place', path), join(to, basename(path)), { recursive: true, verbatimSymlinks: true })
    return true
  }
  const sources = ['/logs/artifacts/model', '/app', '/app/out/model']
  const artifacts = sources.map(source => ({ source, destination: null, exclude: [] }))
  symlinkSync('../../../../victim', join(base, 'victim/model/up'))
  await collectArtifacts({ environment: { copyOut } as Environment, directory, signal: never }, makeTurn(1, { artifacts }))
  expect(readdirSync(join(directory, 'victim'))).toEqual([])
  for (const kept of ['artifacts', 'staging']) {
    expect(readFileSync(join(directory, kept, 'logs/artifacts/model/f'), 'utf8')).toBe('of the agent')
    expect(lstatSync(join(directory, kept, 'app/out')).isDirectory()).toBe(true)
  }
})

it('turns before the first are done by their solutions, with all they need', async () => {
  const files = writeFiles(makeDirectory(), { 'given.txt': 'x' })
  const first = makeTurn(1, { setup: { trees: [{ directory: files, to: '.' }], command: null } })
  const { states, attempts } = await play([first, makeTurn(2)], { agents: [look], fromTurn: 2 })
  // The turns that were not played are settled at the end.
  expect(states).toEqual(['passed', 'skipped'])
  expect(attempts[0]?.agentOutput).toBe('.\n..\ndone.1\ndone.2\ngiven.txt\nsolution\nword\n')
})

it('a task that needs an image or a limited network is refused where there is none', async () => {
  const bench = await openBench()
  const place = makePlace('x', { network: { mode: 'public', hosts: [] } })
  const network = { mode: 'proxy', hosts: [] } as const
  const message = async (task: Task) => bench.run({ tasks: [task] }).then(String, (error: Error) => error.message)
  expect(await message({ ...makeTask([makeTurn(1)]), environment: place })).toBe(
    't.toml:1: task t needs an image, which the environment local does not have',
  )
  expect(await message({ ...makeTask([makeTurn(1)]), environment: makePlace('x', { image: null, network }) })).toMatch(
    /limits the network \(proxy\)/,
  )
  expect(await message(makeTask([makeTurn(1, { agentNetwork: network })]))).toMatch(/limits the network \(proxy\)/)
})
