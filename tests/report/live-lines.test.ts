import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RunEvent } from '../../core/types.ts'
import { describeEvent, describeProgress, tellEvent } from '../../report/live-lines.ts'
import { applyInput, createLiveState } from '../../report/live-state.ts'
import { anyInputs, begun, eventAt, figuresAt, fold, plan, start, trialBegun, turnOf } from './live-story.ts'

function tellAll(events: readonly RunEvent[]): string[] {
  let state = createLiveState(plan)
  return events.flatMap(event => {
    const next = tellEvent(state, event)
    state = next.state
    return next.told === null ? [] : [next.told]
  })
}

it('says one thing for each thing worth it', () => {
  const events = [
    begun(2, 6),
    trialBegun(0, 't1', 'ledger.mini.1'),
    eventAt(1, 'environment-opened', { name: 'ledger.mini.1' }),
    ...turnOf(2, 't1', 1, [false, true]),
    eventAt(30, 'turn-ended', { turn: 2, state: 'infra-error' }),
    eventAt(31, 'trial-ended', { outcome: 'environment-failed', reason: 'provider answered 529' }),
    eventAt(31, 'trial-retried', {
      name: 'ledger.mini.1',
      retry: 1,
      retriesMax: 3,
      pauseMs: 4000,
      reason: 'provider answered 529',
    }),
    eventAt(32, 'trial-held', { name: 'ledger.mini.1', ms: 12_000 }, 't2'),
    trialBegun(45, 't2', 'ledger.mini.1'),
    eventAt(46, 'turns-copied', { states: { 1: 'passed' } }, 't2'),
    eventAt(46, 'trial-continued', { turn: 1 }, 't2'),
    eventAt(60, 'run-ended', { state: 'interrupted' }, null),
  ]
  expect(tellAll(events)).toEqual([
    'run nightly started, 2 trials, 6 turns',
    'ledger.mini.1  started, 3 turns',
    'ledger.mini.1  turn 1 attempt 1  failed, 5/8 tests, 10s',
    'ledger.mini.1  turn 1 attempt 2  passed, 8/8 tests, 10s',
    'ledger.mini.1  turn 2  infra-error',
    'ledger.mini.1  environment-failed, 1 of 3 turns passed, 31s: provider answered 529',
    'ledger.mini.1  is tried again in 4s (1 of 3): provider answered 529',
    'ledger.mini.1  waits 12s for a provider',
    'ledger.mini.1  started, 3 turns',
    'ledger.mini.1  resumed after turn 1',
    'run ended, interrupted',
  ])
})

it('says what went wrong beside the trials', () => {
  const name = 'a.mini.1'
  expect(
    tellAll([
      eventAt(0, 'run-warned', { message: 'git is missing\u001b[2J' }, null),
      eventAt(1, 'environment-retried', { name, reason: 'disk full' }),
      eventAt(2, 'environment-left', { name, reason: 'busy' }),
      eventAt(3, 'conversation-lost', { name, turn: 2, reason: 'it died' }),
      eventAt(4, 'leak-found', { name, turn: 2 }),
    ]),
  ).toEqual([
    'warning: git is missing [2J',
    'a.mini.1  environment failed, trying again: disk full',
    'a.mini.1  environment could not be removed: busy',
    'a.mini.1  turn 2  the conversation was lost: it died',
    'a.mini.1  turn 2  warning: hidden tests reached a model (turnpike report has more)',
  ])
})

it('tells where a run stands in one line', () => {
  const state = fold([
    begun(4, 12),
    trialBegun(0, 't1', 'a'),
    ...turnOf(0, 't1', 1, [true]),
    ...turnOf(10, 't1', 2, [false]),
    figuresAt(20, 't1', 12),
  ])
  expect(describeProgress(state, start + 20_000)).toBe(
    'progress  2/12 turns, 1 passed · 0/4 trials done · 1 running · 3 waiting · 12 calls · 19k in (75% cached) · 1.1k out · $0.0504 of $5 · ~30s left (10s a turn)',
  )
})

it('has no control character and no line break in it, whatever was told', () => {
  fc.assert(
    fc.property(anyInputs, inputs => {
      let state = createLiveState(plan)
      for (const input of inputs) {
        state = applyInput(state, input)
        const said = 'event' in input ? (describeEvent(state, input.event) ?? '') : ''
        expect(said + describeProgress(state, start)).not.toMatch(/\p{Cc}/u)
      }
    }),
    { numRuns: 200 },
  )
})
