import { expect, it } from 'vitest'
import { readRewards, singleReward } from '../../core/turn-rewards.ts'
import type { Json, RunEvent } from '../../core/types.ts'

let count = 0
const event = (trialId: string | null, type: string, data: Json): RunEvent => ({
  id: String(++count),
  runId: 'r',
  trialId,
  type,
  at: 1,
  data,
})
const verified = (trialId: string, turn: number, rewards?: Json): RunEvent =>
  event(trialId, 'attempt-verified', { turn, passed: true, ...(rewards === undefined ? {} : { rewards }) })

it('one number of a turn is the reward, else the mean', () => {
  expect(singleReward({ reward: 0.5, other: 1 })).toBe(0.5)
  expect(singleReward({ a: 1, b: 0 })).toBe(0.5)
  expect(singleReward({})).toBeNull()
  expect(singleReward(null)).toBeNull()
})

it('the last attempt of a turn stands, and a turn without rewards is not one without a reward', () => {
  const book = readRewards([
    event(null, 'run-started', {}),
    event('a', 'trial-started', { turnNames: ['one', 'two', 'three'], rewardOf: 'final' }),
    verified('a', 1, { reward: 0 }),
    verified('a', 1, { reward: 1 }),
    verified('a', 2, null),
    verified('a', 3),
    event('b', 'trial-started', {}),
  ])
  const told = book.get('a')
  expect([...(told?.byTurn ?? [])]).toEqual([
    [1, { reward: 1 }],
    [2, null],
  ])
  expect([told?.rewardOf, told?.turnNames]).toEqual(['final', ['one', 'two', 'three']])
  expect([book.get('b')?.rewardOf, book.get('b')?.turnNames, book.get('b')?.byTurn.size]).toEqual(['mean', null, 0])
})

it('a trial that goes on with another has its rewards up to where it began, and knows who played what', () => {
  const book = readRewards([
    verified('a', 1, { reward: 1 }),
    verified('a', 2, { reward: 0.5 }),
    verified('a', 3, { reward: 0.1 }),
    event('b', 'trial-origin', { kind: 'continued', trialId: 'a', turn: 2 }),
    event('c', 'trial-origin', { kind: 'continued', trialId: 'b', turn: 3 }),
    verified('b', 3, { reward: 0.3 }),
    verified('c', 4, { reward: 0.4 }),
    event('f', 'trial-origin', { kind: 'forked', trialId: 'a', turn: 2 }),
    verified('f', 3, { reward: 0.9 }),
  ])
  const read = (trial: string): unknown[] =>
    [...(book.get(trial)?.byTurn ?? [])].map(([turn, rewards]) => [turn, rewards?.['reward']])
  expect(read('c')).toEqual([
    [1, 1],
    [2, 0.5],
    [3, 0.3],
    [4, 0.4],
  ])
  expect([1, 2, 3, 4].map(turn => book.get('c')?.playedBy(turn))).toEqual(['a', 'a', 'b', 'c'])
  expect(read('f')).toEqual([[3, 0.9]])
})
