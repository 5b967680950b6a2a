import { expect, it } from 'vitest'
import { applyInput, createLiveState, trialOf } from '../../report/live-state.ts'
import { findPlayedTurns } from '../../runner/outlook.ts'
import { plan } from '../report/live-story.ts'
import { openBench, script, task } from './_tasks.ts'

it('finds the turns that the agent plays', () => {
  expect(findPlayedTurns(task, { fromTurn: 1, toTurn: null })).toEqual({ firstTurn: 1, lastTurn: 2 })
  expect(findPlayedTurns(task, { fromTurn: 2, toTurn: 9 })).toEqual({ firstTurn: 2, lastTurn: 2 })
})

it('tells at the start of a run what is before it and what stands', async () => {
  const bench = await openBench()
  const stop = new AbortController()
  // The first trial ends with its second turn failed; the second one is stopped.
  const agents = [script('case "$1" in *hello*) echo hello > hello.txt;; esac')]
  const onEvent = (event: { type: string; data: unknown }): void => {
    if (event.type === 'trial-ended') stop.abort()
  }
  const halted = await bench.run({ agents, trials: 2, concurrency: 1, signal: stop.signal, onEvent })
  expect(halted.run.state).toBe('interrupted')
  await bench.run({ agents, trials: 2, concurrency: 1, resumeRunId: halted.run.id })
  const begun = bench.events.find(event => event.type === 'run-started')
  expect(begun?.data).toMatchObject({ trials: 1, kept: 1, turnsToPlay: 4, keptTurns: 2, keptPassed: 1, keptFailed: 0 })
})

it('tells of a trial that goes on which turns were copied to it', async () => {
  const bench = await openBench()
  const stop = new AbortController()
  const agents = [script('case "$1" in *hello*) echo hello > hello.txt;; *) echo bye > bye.txt;; esac')]
  const halted = await bench.run({
    agents,
    signal: stop.signal,
    onEvent: event => {
      if (event.type === 'turn-kept') stop.abort()
    },
  })
  await bench.run({ agents, resumeRunId: halted.run.id })
  const copied = bench.events.find(event => event.type === 'turns-copied')
  expect(copied?.data).toMatchObject({ states: { 1: 'passed' } })
  const state = bench.events.reduce((before, event) => applyInput(before, { event }), createLiveState(plan))
  expect(trialOf(state, copied?.trialId ?? null)).toMatchObject({
    phase: 'finished',
    playedTurns: 1,
    states: new Map([
      [1, 'passed'],
      [2, 'passed'],
    ]),
  })
})
