// By hand, and against tests/real/evocode.test.ts, where its own script reads what we write.
import { expect, it } from 'vitest'
import { evocodeMetrics } from '../../judge/evocode.ts'
import { listValues, makeGrid, type Rewarded } from './_rewarded.ts'

const trials: readonly Rewarded[] = [
  { id: 'a1', task: 'a', turns: [1, 0, 0.9989, 0] },
  { id: 'a2', task: 'a', turns: [0, 1, 0.9991, 1] },
  { id: 'b1', task: 'b', turns: [1, { x: 1, y: 1 }] },
  { id: 'c1', task: 'c', turns: ['i', 'n', 'n'] },
  { id: 'd1', task: 'd', turns: [1, 'i'] },
]

it('gives the five figures, each over the tasks its script divides by', () => {
  const { grid, book } = makeGrid(trials)
  const metrics = evocodeMetrics(grid, book, id => id !== 'c1')
  expect(listValues(metrics)).toEqual({
    // a: (1/4 + 3/4) / 2, b: 1, d: 1/2 although what is missing broke outside the agent; c was not evaluated.
    evocode_mean_reward: Number(((100 * (0.5 + 1 + 0.5)) / 3).toFixed(6)),
    evocode_mt_at_k: (100 * (1 + 1 + 0 + 0.5)) / 4,
    evocode_final_step_completion_rate: 50,
    evocode_perfect_task_rate: 25,
    evocode_hard_task_rate: Number(((100 * 2) / 3).toFixed(6)),
  })
  expect(metrics.map(metric => [metric.score.kind === 'scored' && metric.score.denominator, metric.planned])).toEqual([
    [3, 4],
    [4, 4],
    [4, 4],
    [4, 4],
    [3, 4],
  ])
})

it('has none for tasks without steps, and says so where nothing was evaluated', () => {
  const single = makeGrid([{ id: 'a1', task: 'a', turns: [1], isNamed: false }])
  expect(evocodeMetrics(single.grid, single.book, () => true)).toEqual([])
  const { grid, book } = makeGrid([{ id: 'c1', task: 'c', turns: ['i'] }])
  expect(listValues(evocodeMetrics(grid, book, () => false))).toMatchObject({
    evocode_mean_reward: 'no trial began a step',
    evocode_mt_at_k: 0,
    evocode_hard_task_rate: 'no trial began a step',
  })
})
