// Ctrl-C at `turnpike run`, once and twice, with a real process: what is said, how soon it ends, what is left on the machine, and that the run can be
// gone on with either way.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { terminateGraceMs } from '../../core/limits.ts'
import { findSurvivors } from '../../runner/survivors.ts'
import { openStore } from '../../store/open.ts'
import { openPlace, type Place, readLast } from '../cli/_cli.ts'
import { makeGate } from '../runner/_gate.ts'
import { waitFor } from '../runner/_sandbox.ts'

const places: Place[] = []
afterAll(() => Promise.all(places.map(place => place.close())))

const turn = (index: number) => ({
  instruction: `make ${index}`,
  verifier: { files: {}, command: ['sh', '-c', `test -f ${index}`], timeout_ms: 60_000 },
})

/** One trial stands in turn 2 at the gate and does not listen to SIGTERM; another waits for its place. */
async function startRun() {
  const place = openPlace()
  places.push(place)
  const temporary = join(place.directory, 'tmp')
  mkdirSync(temporary)
  const gate = await makeGate()
  const work = `trap '' TERM; case "$1" in *1*) touch 1;; *) ${gate.pass}; touch 2;; esac`
  const argv = ['sh', '-c', work, 'agent', '{instruction}']
  writeFileSync(join(place.directory, 'tasks.jsonl'), JSON.stringify({ id: 'two', turns: [turn(1), turn(2)] }))
  const agents = [{ name: 'command', command: { first: argv, next: argv } }]
  const run = { tasks: 'tasks.jsonl', agents, trials: 2, concurrency: 1, name: 'stopped' }
  writeFileSync(join(place.directory, 'turnpike.yaml'), JSON.stringify({ run, simulated: { enabled: true } }))
  const environment = { TMPDIR: temporary }
  const running = place.start(['run'], environment)
  let said = ''
  running.child.stderr?.on('data', part => {
    said += String(part)
  })
  await gate.reached()
  const read = async () => {
    const store = await openStore(join(place.directory, '.turnpike'), {})
    const [run] = await store.list('runs')
    const trials = await store.list('trials')
    const attempts = await store.list('attempts', { trialId: trials.at(-1)?.id ?? '' })
    await store.close()
    return { run, trials, attempts }
  }
  const resume = async () => {
    gate.open()
    return place.run(['run', '--resume', 'stopped', '--json'], environment)
  }
  const survivors = async () => (await read()).trials.flatMap(trial => findSurvivors(trial.id, null))
  return { running, said: () => said, read, resume, survivors, left: () => readdirSync(temporary) }
}

it('the first says at once how to go on, ends the agents and leaves nothing behind', async () => {
  const { running, said, read, resume, survivors, left } = await startRun()
  running.child.kill('SIGINT')
  await waitFor(() => said().includes('stopping: '))
  expect(said()).toMatch(/Ctrl-C again ends at once\. Go on with: turnpike run --resume [0-9A-Z]{26}\n/)
  const { code, stderr } = await running.ended
  expect(code).toBe(130)
  expect(stderr).toMatch(/error E_INTERRUPTED: .*\n {2}why: .*\n {2}try: turnpike run --resume [0-9A-Z]{26}/)
  const { run, trials } = await read()
  expect(run?.state).toBe('interrupted')
  expect(trials.map(trial => [trial.state, trial.outcome?.kind])).toEqual([
    ['ended', 'interrupted'],
    ['pending', undefined],
  ])
  expect(await survivors()).toEqual([])
  expect(left()).toEqual([])
  const ended = await resume()
  expect(readLast(ended.stdout)).toMatchObject({
    state: 'finished',
    trials: [{ outcome: 'finished' }, { outcome: 'finished' }],
  })
  // The one that was in turn 2 went on there; what waited was played as it was.
  const after = await read()
  expect(after.trials.map(trial => trial.outcome?.kind)).toEqual(['interrupted', 'finished', 'finished'])
  expect(after.attempts.map(attempt => attempt.turn)).toEqual([1, 2])
  expect(left()).toEqual([])
}, 120_000)

it('the second ends at once, and what it left is swept away by the resumption', async () => {
  const { running, said, read, resume, survivors, left } = await startRun()
  running.child.kill('SIGINT')
  await waitFor(() => said().includes('stopping: '))
  const startedAt = performance.now()
  running.child.kill('SIGINT')
  expect((await running.ended).code).toBe(130)
  expect(performance.now() - startedAt).toBeLessThan(10 * terminateGraceMs)
  expect((await read()).run?.state).toBe('running')
  expect((await resume()).code).toBe(0)
  const { run, trials } = await read()
  expect(run?.state).toBe('finished')
  expect(trials.map(trial => trial.outcome?.kind)).toEqual(['interrupted', 'finished', 'finished'])
  expect(await survivors()).toEqual([])
  expect(left()).toEqual([])
}, 120_000)
