import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { currentTrials, nameOfCell } from '../../core/cells.ts'
import type { JsonObject, Trial } from '../../core/types.ts'
import { findContinuation, findKept, type KeptTurn, readOrigin, writeOrigin } from '../../runner/continuation.ts'
import local from '../../runner/environments/local.ts'
import { setAside } from '../../runner/start-over.ts'
import { createUlid } from '../../store/ulid.ts'
import { type Gate, makeGate } from './_gate.ts'
import { openBench, script, task } from './_tasks.ts'

/** Turn 1 leaves things in workspace and home that only an exact restoration has; turn 2 hangs until the gate is open. */
const gated = (gate: Gate, extra = 'true') =>
  script(
    `echo hello > hello.txt; printf 'a\\r\\n' > crlf.txt; mkdir -p empty/inner; echo '*.txt export-ignore' > .gitattributes
     ln -s /bin/sh shell; echo run > tool; chmod 755 tool; echo "$2 $PWD" > "$HOME/conversation"; mkdir "$HOME/cache"; ${extra}`,
    `${gate.pass}
     test "$(cat "$HOME/conversation")" = "$2 $PWD" && test -d "$HOME/cache" && test -d empty/inner && test -x tool &&
     test "$(wc -c < crlf.txt)" = 3 && test "$(readlink shell)" = /bin/sh && echo bye > bye.txt`,
  )

async function interruptInTurnTwo(extra?: string) {
  const bench = await openBench()
  const gate = await makeGate()
  const agents = [gated(gate, extra)]
  const stop = new AbortController()
  const running = bench.run({ agents, signal: stop.signal })
  await gate.reached()
  stop.abort()
  const { run, trials } = await running
  gate.open()
  return { ...bench, agents, gate, runId: run.id, first: trials[0] as Trial }
}

it('a trial goes on after its last verified turn: files, home and conversation as they were, nothing measured twice', async () => {
  const { run, store, read, agents, runId, first } = await interruptInTurnTwo()
  const { trials } = await run({ agents, resumeRunId: runId })
  const next = trials[0] as Trial
  const [before, after] = [await read(first.id), await read(next.id)]
  expect([before.states, after.states]).toEqual([
    ['passed', 'missing'],
    ['passed', 'passed'],
  ])
  // The first turn is not played again: it is the first try's, under the new trial.
  expect(after.attempts[0]).toEqual({ ...before.attempts[0], trialId: next.id })
  expect(after.attempts.map(attempt => [attempt.turn, attempt.attempt])).toEqual([
    [1, 1],
    [2, 1],
  ])
  expect(after.tests.filter(test => test.turn === 1)).toEqual(
    before.tests.filter(test => test.turn === 1).map(test => ({ ...test, trialId: next.id })),
  )
  expect(await readOrigin(store, next.id)).toMatchObject({ kind: 'continued', trialId: first.id, kept: { turn: 1, whole: true } })
  expect((await store.list('events', { trialId: next.id, type: 'attempt-started' })).map(event => event.data)).toMatchObject([
    { turn: 2 },
  ])
  expect(await findKept(store, next.id, 1)).toEqual(await findKept(store, first.id))
  expect(next).toMatchObject({ name: first.name, outcome: { kind: 'finished' } })
  expect(readdirSync(tmpdir()).filter(name => name.includes(first.id) || name.includes(next.id))).toEqual([])
})

it('what was noticed of the turns before, their rewards and what their verifiers left, go on with the trial', async () => {
  const { run, store, agents, runId, first, directory } = await interruptInTurnTwo()
  const at = { runId, trialId: first.id, at: 1 }
  const note = (type: string, data: JsonObject) => store.put('events', [{ ...at, id: createUlid(), type, data }])
  await note('leak-found', { turn: 1, attempt: 1, kind: 'canary' })
  await note('failure-classified', { turn: 1, attempt: 1, primary: 'gave-up' })
  await note('failure-classified', { turn: 2, attempt: 1, primary: 'of the turn that is played again' })
  const turns = (trialId: string) => join(directory, 'files', 'trials', trialId, 'turns')
  mkdirSync(join(turns(first.id), '1', 'verifier'), { recursive: true })
  mkdirSync(join(turns(first.id), '2'))
  writeFileSync(join(turns(first.id), '1', 'verifier', 'reward.txt'), '0.5')
  const { trials } = await run({ agents, resumeRunId: runId })
  const id = trials[0]?.id ?? ''
  const read = async (type: string) => (await store.list('events', { trialId: id, type })).map(event => event.data)
  expect(await read('leak-found')).toEqual([{ turn: 1, attempt: 1, kind: 'canary', from: first.id }])
  expect(await read('failure-classified')).toMatchObject([{ turn: 1, primary: 'gave-up' }])
  expect(await read('attempt-verified')).toMatchObject([{ turn: 1, from: first.id }, { turn: 2 }])
  expect(await read('trial-begun-again')).toEqual([])
  expect(readFileSync(join(turns(id), '1', 'verifier', 'reward.txt'), 'utf8')).toBe('0.5')
  expect(existsSync(join(turns(id), '2'))).toBe(false)
})

it('a trial killed twice goes on twice, and what was kept of the second is its own', async () => {
  const { run, store, read, agents, gate, runId, first } = await interruptInTurnTwo()
  gate.close()
  const stop = new AbortController()
  const running = run({ agents, resumeRunId: runId, signal: stop.signal })
  await gate.reached()
  stop.abort()
  const second = (await running).trials[0] as Trial
  gate.open()
  const { trials } = await run({ agents, resumeRunId: runId })
  expect(trials[0]?.outcome).toEqual({ kind: 'finished', reason: null })
  expect((await read(trials[0]?.id ?? '')).states).toEqual(['passed', 'passed'])
  expect(await readOrigin(store, trials[0]?.id ?? '')).toMatchObject({ trialId: first.id })
  const all = await store.list('trials', { runId })
  expect(all.map(trial => trial.name).sort()).toHaveLength(3)
  expect(currentTrials(all).map(trial => trial.id)).toEqual([trials[0]?.id])
  expect((await read(second.id)).states).toEqual(['passed', 'missing'])
})

it.each([
  ['a repository of its own', 'git init -q .', /workspace held what a snapshot cannot/],
  ['a repository in the home', 'git init -q "$HOME/notes"', /home was not kept/],
])('starts again when %s cannot be restored', async (_, extra, reason) => {
  const { run, store, read, agents, runId, first } = await interruptInTurnTwo(extra)
  const kept = await findKept(store, first.id)
  expect([kept?.whole, kept?.homeCommit !== null]).toContain(false)
  const { trials } = await run({ agents, resumeRunId: runId })
  const next = trials[0] as Trial
  expect(await readOrigin(store, next.id)).toBeNull()
  const [told] = await store.list('events', { trialId: next.id, type: 'trial-begun-again' })
  expect(told?.data).toEqual({ name: first.name, from: first.id, reason: expect.stringMatching(reason) })
  expect((await read(next.id)).states).toEqual(['passed', 'passed'])
  expect((await store.list('events', { trialId: next.id, type: 'attempt-started' })).length).toBe(2)
})

it('finds what was kept in a store that was moved, and starts again where it was removed', async () => {
  const { run, store, read, agents, runId, first } = await interruptInTurnTwo()
  const here = (await findKept(store, first.id)) as KeptTurn
  const kept = { ...here, snapshots: join(store.directory, 'work', 's.git'), homes: join(store.directory, 'work', 'h.git') }
  const trial = { ...first, id: createUlid() }
  await writeOrigin(store, trial, { kind: 'continued', trialId: first.id, kept })
  expect((await readOrigin(store, trial.id))?.kept).toEqual(kept)
  expect((await readOrigin({ ...store, directory: '/moved' }, trial.id))?.kept).toMatchObject({
    snapshots: '/moved/work/s.git',
    homes: '/moved/work/h.git',
  })
  rmSync(dirname(here.snapshots), { recursive: true })
  const { trials } = await run({ agents, resumeRunId: runId })
  const next = trials[0] as Trial
  const [told] = await store.list('events', { trialId: next.id, type: 'trial-begun-again' })
  expect(told?.data).toMatchObject({ reason: 'what was kept of it is no longer in the store' })
  expect((await read(next.id)).states).toEqual(['passed', 'passed'])
})

it('starts again where the place holds more than files, or the conversation a process', async () => {
  const { store, first, agents } = await interruptInTurnTwo()
  const { default: command } = await import('../../runner/agents/command.ts')
  const [spec = { id: 'command', model: null }] = agents
  expect(await findContinuation(store, first, { agent: command, spec, environment: local })).toMatchObject({
    origin: { kind: 'continued', trialId: first.id },
    lost: null,
  })
  const container = { ...local, keepsAllInTree: false }
  expect(await findContinuation(store, first, { agent: command, spec, environment: container })).toEqual({
    origin: null,
    lost: 'the environment local holds more than workspace and home',
  })
  const lost = expect.stringMatching(/lived in a process \(acp\)/)
  const only = { agent: { ...command, drivers: ['acp'] as const }, environment: local }
  expect(await findContinuation(store, first, { ...only, spec })).toEqual({ origin: null, lost })
  const served = { agent: { ...command, drivers: ['process', 'acp'] as const }, environment: local }
  expect(await findContinuation(store, first, { ...served, spec: { ...spec, driver: 'acp' } })).toEqual({ origin: null, lost })
})

it('sets a trial aside once, however often a resumption is killed while it does so', async () => {
  const { store, read, first } = await interruptInTurnTwo()
  await setAside(store, first)
  const [once] = await store.list('trials', { id: first.id })
  await setAside(store, once as Trial)
  const [twice] = await store.list('trials', { id: first.id })
  expect(twice).toEqual(once)
  expect(nameOfCell(twice as Trial)).toBe(first.name)
  expect((await read(first.id)).turns).toHaveLength(task.turns.length)
})

it('a directory that stands where the trial was is not taken over', async () => {
  const { run, store, agents, runId, first } = await interruptInTurnTwo()
  const kept = await findKept(store, first.id)
  const spec = { trialId: 'other', runId, path: null, place: null, layer: null, proxyUrl: 'http://127.0.0.1:9' }
  await expect(local.open({ ...spec, workspacePath: '/etc/workspace' }, new AbortController().signal)).rejects.toThrow(
    /is no trial's directory/,
  )
  const standing = await local.open({ ...spec, workspacePath: kept?.workspace ?? '' }, new AbortController().signal)
  expect(dirname(standing.workspace)).toBe(dirname(kept?.workspace ?? ''))
  await expect(local.open({ ...spec, workspacePath: kept?.workspace ?? '' }, new AbortController().signal)).rejects.toMatchObject(
    {
      code: 'E_ENVIRONMENT_FAILED',
    },
  )
  await standing.close()
  expect((await run({ agents, resumeRunId: runId })).run.state).toBe('finished')
})
