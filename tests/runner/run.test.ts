import { describe, expect, it } from 'vitest'
import { openBench, script } from './_tasks.ts'
import { startProvider } from './mini/_provider.ts'

describe('a run', () => {
  it('passes every turn with the oracle and none with nop, all of it in the store', async () => {
    const { run, store, read, events } = await openBench()
    const {
      run: row,
      trials,
      warnings,
    } = await run({
      agents: [
        { id: 'oracle', model: null },
        { id: 'nop', model: null },
      ],
      runName: 'floor and ceiling',
    })
    expect(warnings).toEqual([])
    expect(row).toMatchObject({
      name: 'floor and ceiling',
      state: 'finished',
      plannedTurns: 4,
      simulated: false,
      config: { tasks: 'greeting.jsonl' },
    })
    expect(await store.list('runs')).toEqual([row])
    expect(trials.map(trial => [trial.name, trial.outcome?.kind, trial.state, trial.plannedTurns])).toEqual([
      ['greeting.oracle.1', 'finished', 'ended', 2],
      ['greeting.nop.1', 'finished', 'ended', 2],
    ])
    const [oracle, nop] = await Promise.all(trials.map(trial => read(trial.id)))
    expect(oracle?.states).toEqual(['passed', 'passed'])
    expect(oracle?.attempts).toMatchObject([
      { turn: 1, attempt: 1, passed: true, testsPassed: 1, testsTotal: 1, agentOutcome: 'exited', agentExit: 0, feedback: null },
      { turn: 2, attempt: 1, passed: true, testsPassed: 2, testsTotal: 2 },
    ])
    expect(oracle?.tests.map(test => [test.turn, test.name, test.status])).toEqual([
      [1, 'greets', 'passed'],
      [2, 'greets', 'passed'],
      [2, 'says farewell', 'passed'],
    ])
    expect(nop?.states).toEqual(['failed', 'failed'])
    expect(nop?.attempts.map(one => [one.testsPassed, one.testsTotal])).toEqual([
      [0, 1],
      [0, 2],
    ])
    expect(events.map(event => event.type).filter(type => type.startsWith('run'))).toEqual(['run-started', 'run-ended'])
    expect((await store.list('events')).map(event => event.id)).toEqual(events.map(event => event.id))
    const ended = events.filter(event => event.type === 'trial-ended').map(event => event.data)
    expect(ended).toContainEqual({
      name: 'greeting.oracle.1',
      outcome: 'finished',
      reason: null,
      turnsPassed: 2,
      plannedTurns: 2,
    })
  })

  it('refuses a plan that could not be measured, before anything is written', async () => {
    const { run, store } = await openBench()
    await expect(run({ agents: [script('true', null)] })).rejects.toMatchObject({
      code: 'E_USAGE',
      hint: expect.stringContaining('--fresh-session'),
    })
    await expect(run({ agents: [{ id: 'oracel', model: null }] })).rejects.toThrow(/did you mean "oracle"/)
    await expect(run({ agents: [{ id: 'mini', model: null }] })).rejects.toThrow(/mini needs a model/)
    await expect(run({ environment: 'dokcer' })).rejects.toMatchObject({ code: 'E_USAGE' })
    expect(await store.list('runs')).toEqual([])
  })
})

it('drives mini over several turns and attempts, from the first request to the last test', async () => {
  const { run, read } = await openBench()
  const { url, seen } = await startProvider([
    { text: 'On it.', commands: ['echo wrong > hello.txt'] },
    { text: 'Done.' },
    { commands: ['echo hello > hello.txt'] },
    { text: 'Repaired.' },
    { commands: ['echo bye > bye.txt'] },
    { text: 'Done again.' },
  ])
  const { trials } = await run({ agents: [{ id: 'mini', model: 'claude-test' }], proxyUrl: `${url}/`, attempts: 2 })
  const { states, attempts } = await read(trials[0]?.id ?? '')
  expect(states).toEqual(['passed', 'passed'])
  expect(attempts.map(one => [one.turn, one.attempt, one.passed])).toEqual([
    [1, 1, false],
    [1, 2, true],
    [2, 1, true],
  ])
  expect(attempts[2]?.agentOutput).toMatch(/"ended":"answered".*"answer":"Done again\."/)
  expect(new Set(seen.map(one => one.path)).size).toBe(1)
  expect(seen[0]?.path).toMatch(/^\/t\/[^/]+\/v1\/messages$/)
  expect(JSON.stringify(seen[2]?.body.messages)).toContain('The tests for this turn failed')
  expect(seen.at(-1)?.body.messages).toHaveLength(11)
})

it('says so when there is no git, and goes on without snapshots', async () => {
  const { run, events } = await openBench()
  const { trials, warnings } = await run({ path: '/bin-without-git', agents: [{ id: 'nop', model: null }] })
  expect(warnings[0]).toMatch(/git was not found/)
  expect(events.find(event => event.type === 'run-warned')).toBeTruthy()
  expect(trials[0]).toMatchObject({ snapshots: null, outcome: { kind: 'finished' } })
})
