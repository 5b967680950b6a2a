import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import { findSurvivors } from '../../runner/survivors.ts'
import { atEnd, makeDirectory, waitFor } from './_sandbox.ts'
import { openBench, script, task } from './_tasks.ts'

/** The gate is outside the trial: these agents must not be held in. */
const isolation = 'none'

/** Solves turn 1; hangs in turn 2 until the gate is open. */
const gated = (gate: string) =>
  script('echo hello > hello.txt', `touch ${gate}.reached; test -e ${gate} || sleep 300; echo bye > bye.txt`)

describe('an interrupted run', () => {
  it('ends what runs, leaves what waits, and tells it all in the store', async () => {
    const { run, store, read, directory } = await openBench()
    const gate = join(directory, 'gate')
    const stop = new AbortController()
    const running = run({ agents: [gated(gate)], trials: 3, concurrency: 1, signal: stop.signal, isolation })
    await waitFor(() => existsSync(`${gate}.reached`))
    stop.abort()
    // The agent's command takes longer than any test may.
    const { run: row, trials } = await running
    expect(row.state).toBe('interrupted')
    expect(trials.map(trial => [trial.state, trial.outcome?.kind])).toEqual([
      ['ended', 'interrupted'],
      ['pending', undefined],
      ['pending', undefined],
    ])
    const first = await read(trials[0]?.id ?? '')
    expect(first.states).toEqual(['passed', 'missing'])
    expect(first.attempts[1]).toMatchObject({ turn: 2, agentOutcome: 'interrupted', passed: false, testsTotal: 0 })
    expect(findSurvivors(trials[0]?.id ?? '', null)).toEqual([])
    expect(readdirSync(tmpdir()).filter(name => name.includes(trials[0]?.id ?? '?'))).toEqual([])
    expect((await store.list('runs'))[0]?.state).toBe('interrupted')
  })

  it('continues: finished trials stand, the others start again, and only one trial counts per cell', async () => {
    const { run, store, read, directory, events } = await openBench()
    const gate = join(directory, 'gate')
    const stop = new AbortController()
    const agents = [gated(gate), { id: 'oracle', model: null }]
    const running = run({ agents, trials: 2, concurrency: 2, signal: stop.signal, isolation })
    await waitFor(() => existsSync(`${gate}.reached`) && events.some(event => event.type === 'trial-ended'))
    stop.abort()
    const before = await running
    writeFileSync(gate, '')
    const after = await run({ agents, trials: 2, resumeRunId: before.run.id, isolation })
    expect(after.run).toMatchObject({ id: before.run.id, state: 'finished', plannedTurns: 8 })
    expect(after.trials.map(trial => trial.name)).toEqual(before.trials.map(trial => trial.name))
    for (const trial of after.trials) expect((await read(trial.id)).states).toEqual(['passed', 'passed'])
    const oracle = before.trials.findIndex(trial => trial.outcome?.kind === 'finished')
    expect(after.trials[oracle]).toEqual(before.trials[oracle])
    const all = await store.list('trials', { runId: before.run.id })
    const aside = all.filter(trial => trial.name.includes('~'))
    expect(aside.length).toBeGreaterThan(0)
    for (const trial of aside) {
      expect(trial.outcome?.kind).toBe('interrupted')
      expect((await read(trial.id)).states).toContain('missing')
    }
    expect(
      currentTrials(all)
        .map(trial => trial.id)
        .sort(),
    ).toEqual(after.trials.map(trial => trial.id).sort())
    expect(new Set(all.map(trial => trial.name)).size).toBe(all.length)
  })

  it('refuses agents that were not planned, though they make as many turns', async () => {
    const { run, store } = await openBench()
    const before = await run({ agents: [{ id: 'oracle', model: null }] })
    const other = run({ agents: [{ id: 'nop', model: null }], resumeRunId: before.run.id })
    await expect(other).rejects.toThrow(/has a trial .*oracle\.1, which these tasks, agents and trials do not make/)
    expect(await store.list('trials')).toHaveLength(before.trials.length)
  })

  it('is not resumed while it is at work, and its agent is left alone', async () => {
    const { run, store, directory } = await openBench()
    const gate = join(directory, 'gate')
    const agents = [gated(gate)]
    const stop = new AbortController()
    const running = run({ agents, signal: stop.signal, isolation })
    await waitFor(() => existsSync(`${gate}.reached`))
    const [row] = await store.list('runs')
    const [trial] = await store.list('trials')
    const resumeRunId = row?.id ?? ''
    await expect(run({ agents, resumeRunId, isolation })).rejects.toThrow(/is at work in another process/)
    expect(findSurvivors(trial?.id ?? '', null)).not.toEqual([])
    stop.abort()
    expect((await running).run.state).toBe('interrupted')
    // What the first has let go can be held by another.
    writeFileSync(gate, '')
    expect((await run({ agents, resumeRunId, isolation })).run.state).toBe('finished')
  })

  it('does nothing again when all was finished', async () => {
    const { run } = await openBench()
    const before = await run({})
    const after = await run({ resumeRunId: before.run.id, isolation })
    expect(after.trials).toEqual(before.trials)
    expect(after.run.state).toBe('finished')
  })

  it('refuses other tasks than it was planned with, and runs that do not exist', async () => {
    const { run } = await openBench()
    const { run: row } = await run({})
    await expect(run({ resumeRunId: row.id, trials: 2 })).rejects.toThrow(
      /planned with 2 turns, and these tasks, agents and trials make 4/,
    )
    await expect(run({ resumeRunId: '01NOSUCHRUN' })).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
  })

  it('gives broken infrastructure another chance', async () => {
    const { run, read } = await openBench()
    const broken = {
      ...task,
      turns: task.turns.map(turn => ({ ...turn, verifier: { ...turn.verifier, command: ['verifier-that-is-not-there'] } })),
    }
    const before = await run({ tasks: [broken] })
    const after = await run({ resumeRunId: before.run.id, isolation })
    expect(after.trials[0]?.id).not.toBe(before.trials[0]?.id)
    expect((await read(after.trials[0]?.id ?? '')).states).toEqual(['passed', 'passed'])
    expect((await read(before.trials[0]?.id ?? '')).states).toEqual(['infra-error', 'infra-error'])
  })
})

it('a run whose process was killed is swept up and finished', async () => {
  const { run, store, read, directory } = await openBench()
  const gate = join(makeDirectory(), 'gate')
  const files = join(directory, 'files')
  const options = { store: store.directory, directory: files, tasks: [task], agents: [gated(gate)] }
  const argv = ['tests/runner/_killed-run.mjs', JSON.stringify(options)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  atEnd(() => child.kill('SIGKILL'))
  await waitFor(() => existsSync(`${gate}.reached`), 30_000)
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('exit', resolve))
  const [row] = await store.list('runs')
  const [first] = await store.list('trials')
  expect([row?.state, first?.state, first?.turn]).toEqual(['running', 'running', 2])
  expect(findSurvivors(first?.id ?? '', null).length).toBeGreaterThan(0)
  writeFileSync(gate, '')
  const { trials } = await run({ agents: [gated(gate)], trials: 2, resumeRunId: row?.id ?? '', isolation })
  expect(findSurvivors(first?.id ?? '', null)).toEqual([])
  expect(readdirSync(tmpdir()).filter(name => name.includes(first?.id ?? '?'))).toEqual([])
  for (const trial of trials) expect((await read(trial.id)).states).toEqual(['passed', 'passed'])
  const aside = (await store.list('trials')).find(trial => trial.id === first?.id)
  expect(aside?.outcome).toEqual({ kind: 'interrupted', reason: 'the process that ran it was killed' })
  expect((await read(first?.id ?? '')).states).toEqual(['passed', 'missing'])
  expect(readFileSync(join(trials[0]?.snapshots ?? '', 'HEAD'), 'utf8')).toContain('attempts')
})
