import { expect, it } from 'vitest'
import { rewardMetrics } from '../../judge/rewards.ts'
import { listValues, makeGrid } from './_rewarded.ts'

it('each reading stands under its name, per key, and the task’s own rule first', () => {
  const { grid, book } = makeGrid([
    { id: 'a1', task: 'a', turns: [1, { reward: 0.5, style: 0.2 }, null, 'n'] },
    { id: 'a2', task: 'a', turns: [0, 0, 0, 1] },
    { id: 'b1', task: 'b', turns: [1, 0.25], rewardOf: 'final' },
  ])
  const metrics = rewardMetrics(grid, book, {})
  expect(listValues(metrics)).toEqual({
    reward: ((1.5 / 4 + 1 / 4) / 2 + 0.25) / 2,
    reward_mean_declared: ((1.5 / 4 + 1 / 4) / 2 + 1.25 / 2) / 2,
    reward_mean_reported: ((1.5 / 2 + 1 / 4) / 2 + 1.25 / 2) / 2,
    reward_final: ((0 + 1) / 2 + 0.25) / 2,
    'reward:style': (0.2 / 4 / 2 + 0) / 2,
    'reward_mean_declared:style': 0.2 / 4 / 2 / 2,
    'reward_mean_reported:style': 0.2 / 2 / 2 / 2,
    'reward_final:style': 0,
  })
  expect(metrics.map(metric => metric.bounds)).toEqual(metrics.map(() => null))
})

it('what broke outside the agent is left out and bounded, never a zero', () => {
  const { grid, book } = makeGrid([{ id: 'a1', task: 'a', turns: [1, 'i', 0, 's'] }])
  const metrics = rewardMetrics(grid, book, {})
  expect(listValues(metrics)).toMatchObject({ reward: 0.5, reward_mean_declared: 0.5, reward_mean_reported: 0.5 })
  expect(metrics[0]?.bounds).toEqual({ allFail: 0.25, allPass: 0.75 })
  expect(metrics.find(metric => metric.name === 'reward_mean_reported')?.bounds).toBeNull()
  expect(listValues(metrics)['reward_final']).toMatch(/could be scored/)
})

it('a chain that left nothing counts 0, one that was never scored is left out', () => {
  const none = makeGrid([{ id: 'a1', task: 'a', turns: [null, 'n'] }])
  expect(listValues(rewardMetrics(none.grid, none.book, {}))).toEqual({
    reward: 0,
    reward_mean_declared: 0,
    reward_mean_reported: 0,
    reward_final: 0,
  })
  const broken = makeGrid([
    { id: 'a1', task: 'a', turns: ['i', 'i'] },
    { id: 'a2', task: 'a', turns: [1, 1] },
  ])
  expect(listValues(rewardMetrics(broken.grid, broken.book, {}))).toMatchObject({ reward: 1, reward_mean_reported: 1 })
})

it('one turn has one reading; without rewards there is none', () => {
  const { grid, book } = makeGrid([{ id: 'a1', task: 'a', turns: [{ accuracy: 0.5, speed: 1 }], isNamed: false }])
  expect(listValues(rewardMetrics(grid, book, {}))).toEqual({ 'reward:accuracy': 0.5, 'reward:speed': 1 })
  expect(rewardMetrics(grid, new Map(), {})).toEqual([])
})

it('a reward beyond 0 to 1 has no interval: nothing says how far it may reach', () => {
  const far = makeGrid(['a', 'b', 'c'].map((task, index) => ({ id: task, task, turns: [index * 2, 'i' as const] })))
  const [metric] = rewardMetrics(far.grid, far.book, {})
  expect([metric?.score, metric?.interval, metric?.bounds]).toEqual([{ kind: 'scored', value: 2, denominator: 3 }, null, null])
  const near = makeGrid(['a', 'b', 'c'].map((task, index) => ({ id: task, task, turns: [index / 2, 'i' as const] })))
  expect(rewardMetrics(near.grid, near.book, {})[0]?.interval).not.toBeNull()
})
